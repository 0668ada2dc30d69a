"""The page: fenced blocks of commands with what they printed, and commands in comments that set the scene."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

PAGE = Path(__file__).parent.parent.parent / "docs" / "runbook.md"
BLOCK = re.compile(
    r"^```console\n(?P<text>.*?)^```$|^<!-- do: (?P<hidden>[^\n]*) -->$|^## (?P<title>[^\n]*)$",
    re.MULTILINE | re.DOTALL,
)
PROMPT = "$ "
MORE = "> "


@dataclass(frozen=True)
class Command:
    """One command as it is typed, maybe over several lines, and what it printed."""

    text: str
    printed: str = ""

    def written(self) -> str:
        """Write it as the page has it."""
        typed = self.text.replace("\n", f"\n{MORE}")
        return f"{PROMPT}{typed}\n" + (f"{self.printed}\n" if self.printed else "")


@dataclass(frozen=True)
class Piece:
    """A block of a section: shown commands, or a hidden one. `span` is its place in the page."""

    section: str
    span: tuple[int, int]
    hidden: str = ""
    commands: tuple[Command, ...] = field(default=())


def pieces(page: str) -> Iterator[Piece]:
    """Find what is to be executed, in order."""
    section = ""
    for found in BLOCK.finditer(page):
        if found["title"] is not None:
            section = found["title"]
        elif found["hidden"] is not None:
            yield Piece(section, found.span(), hidden=found["hidden"])
        else:
            yield Piece(section, found.span(), commands=tuple(commands(found["text"])))


def commands(block: str) -> Iterator[Command]:
    """Take a block apart; what follows a command is what it printed."""
    for part in re.split(rf"^{re.escape(PROMPT)}", block, flags=re.MULTILINE)[1:]:
        first, *lines = part.rstrip("\n").split("\n")
        typed = [first]
        while lines and lines[0].startswith(MORE):
            typed.append(lines.pop(0).removeprefix(MORE))
        yield Command("\n".join(typed), "\n".join(lines))


def rewritten(page: str, done: dict[tuple[int, int], tuple[Command, ...]]) -> str:
    """Put new output into the blocks that were executed."""
    for (start, end), ran in sorted(done.items(), reverse=True):
        text = "".join(each.written() for each in ran)
        page = f"{page[:start]}```console\n{text}```{page[end:]}"
    return page
