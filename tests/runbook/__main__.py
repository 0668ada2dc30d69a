"""Executes `docs/runbook.md` and writes what its commands print into it.

python -m tests.runbook [--only WORDS] [--dry]    # sections whose titles have these words; about ten minutes in all

Each section's commands run in one shell, after those that stand before the first title. A hidden command that fails
ends it, and nothing is written.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from activities.leave import leave
from tests.runbook.house import Shell, clean, shell
from tests.runbook.page import PAGE, Command, pieces, rewritten

MOST, WIDE = 24, 160
"""Lines of output that are shown, and columns of each."""


def ran(here: Shell, command: Command, folder: Path) -> Command:
    """Run one command; its output is cut to what a page can show, and a code other than 0 is told."""
    printed, code = here.run(command.text)
    lines = [line if len(line) <= WIDE else f"{line[: WIDE - 1]}…" for line in clean(printed, folder).splitlines()]
    if len(lines) > MOST:
        lines = [*lines[:MOST], "…"]
    if code:
        lines.append(f"(exit code {code})")
    return Command(command.text, "\n".join(lines))


def main() -> int:
    """Execute the page, or a part of it."""
    parser = argparse.ArgumentParser(prog="python -m tests.runbook")
    parser.add_argument("--only", default="", help="sections whose titles have these words, by | between them")
    parser.add_argument("--dry", action="store_true", help="print, and write nothing")
    options = parser.parse_args()
    page = PAGE.read_text()
    words = [each.lower() for each in options.only.split("|")]
    done = {}
    with tempfile.TemporaryDirectory(prefix="callsheet-runbook-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with shell(folder) as here:
            for piece in pieces(page):
                if piece.section and not any(word in piece.section.lower() for word in words):
                    continue
                if piece.hidden:
                    printed, code = here.run(piece.hidden)
                    if code:
                        sys.exit(f"{piece.section}: {piece.hidden}\n{printed}\n(exit code {code})")
                    continue
                done[piece.span] = tuple(ran(here, each, folder) for each in piece.commands)
                sys.stdout.write("".join(each.written() for each in done[piece.span]) + "\n")
                sys.stdout.flush()
    if not options.dry:
        PAGE.write_text(rewritten(page, done))
    return 0


if __name__ == "__main__":
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.gettempdir())
    leave(main())
