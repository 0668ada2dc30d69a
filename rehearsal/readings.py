"""Reading the messages of a request. A conversation that has grown is read from where it was read before.

Every request carries its whole conversation. Checking and digesting each message of a long one anew would cost tenths
of a second a turn, so each message is read once, and what was learned is kept for the requests that begin like it.
"""

import marshal
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rehearsal.blocks import MessageShape, ToolUseBlock, read_message
from rehearsal.cards import Card
from rehearsal.errors import ApiError
from rehearsal.message_checks import check_content, check_results, check_role
from rehearsal.pictures import Picture, Pictures, check_sizes, images_of
from rehearsal.player import Message
from rehearsal.prefix import Count, Piece, block_piece, chained, normal_message
from rehearsal.seals import Seal, open_seal, refused
from rehearsal.signatures import Dropped, Lineage, check_thinking_block

MOST_LINES: Final = 20_000
SAME_EVERY_TIME: Final = 2
"""The version of the marshal format without references, so that equal values are written equally."""


@dataclass(frozen=True)
class End:
    """How things stand after a block: what thinking that follows is checked against, and the summary so far.

    `fresh` is set right after a summary, as long as nothing that was kept has been seen.
    """

    lineage: Lineage
    summary: Seal | None = None
    fresh: Seal | None = None


@dataclass(frozen=True)
class Line:
    """One message, read.

    `mark` is the message as it was sent, with the order of all keys; `said` is its normal form. `asked` are the calls
    that the next message has to answer.
    """

    mark: bytes
    shape: MessageShape
    said: Mapping[str, Any]
    message: Message
    pieces: tuple[Piece, ...]
    images: tuple[tuple[str, Picture], ...]
    dropped: tuple[Dropped, ...]
    calls: tuple[str, ...]
    asked: tuple[str, ...]
    end: End

    @property
    def key(self) -> str:
        """The digest of the prompt up to this message."""
        return self.pieces[-1].key


@dataclass(frozen=True)
class Terms:
    """What a conversation is read under: who reads it, after which opening, and how strictly."""

    card: Card
    key: str
    opening: str
    lenient: bool = False
    summaries: bool = False


class Readings:
    """Reads conversations, and keeps the latest readings."""

    def __init__(self, pictures: Pictures, most_lines: int = MOST_LINES) -> None:
        self._pictures = pictures
        self._most = most_lines
        self._kept: OrderedDict[tuple[Terms, bytes], list[Line]] = OrderedDict()
        self._lines = 0

    def read(self, raw: Sequence[Any], terms: Terms) -> tuple[Line, ...]:
        """Read a conversation.

        Raises:
            ApiError: 400, a message has no right shape, or may not stand where it stands.
        """
        marks = [_mark(each, at) for at, each in enumerate(raw)]
        name = (terms, marks[0] if marks else b"")
        lines = _common(self._kept.get(name, ()), marks)
        called = {call for line in lines for call in line.calls}
        for at in range(len(lines), len(marks)):
            lines.append(self._line(at, raw[at], marks[at], lines[-1] if lines else None, terms))
            _once(lines[-1].calls, called)
        check_sizes([image for line in lines for image in line.images])
        self._keep(name, lines)
        return tuple(lines)

    def _line(self, at: int, raw: Any, mark: bytes, before: Line | None, terms: Terms) -> Line:  # noqa: ANN401 - JSON
        shape = read_message(raw, at)
        asked = before.asked if before else ()
        check_role(at, shape, before.shape.role if before else "", terms.card)
        check_content(at, shape)
        calls = tuple(block.id for block in shape.content if isinstance(block, ToolUseBlock))
        if shape.role != "system":
            check_results(at, shape, asked)
            asked = calls
        images = tuple((path, self._pictures.see(path, image)) for path, image in images_of(at, shape))
        message = normal_message(raw)
        trail = self._followed(at, message, before, terms)
        view = Message(message["role"], tuple(message["content"]))
        return Line(
            mark, shape, message, view, tuple(trail.pieces), images, tuple(trail.dropped), calls, asked, trail.end
        )

    def _followed(self, at: int, message: Mapping[str, Any], before: Line | None, terms: Terms) -> "Trail":
        trail = Trail(terms, before.key if before else terms.key, before.end if before else End((terms.opening,)))
        for b, block in enumerate(message["content"]):
            trail.follow(f"messages.{at}.content.{b}", message["role"], block, self._pictures.tokens)
        return trail

    def _keep(self, name: tuple[Terms, bytes], lines: list[Line]) -> None:
        self._lines += len(lines) - len(self._kept.pop(name, ()))
        self._kept[name] = lines
        while self._lines > self._most and len(self._kept) > 1:
            self._lines -= len(self._kept.popitem(last=False)[1])


class Trail:
    """Follows the blocks of one message: their place in the prompt, and what their signatures are checked against."""

    def __init__(self, terms: Terms, key: str, end: End) -> None:
        self._terms = terms
        self._key = key
        self.end = end
        self.pieces: list[Piece] = []
        self.dropped: list[Dropped] = []

    def follow(self, path: str, role: str, block: Mapping[str, Any], image_tokens: Count) -> None:
        """Take the next block."""
        seal, lineage = None, self.end.lineage
        if block["type"] == "compaction":
            seal = self._summary(path, block)
        elif self.end.fresh is not None and role in {self.end.fresh.role, "system"}:
            lineage = lineage[:1]  # it would be merged into what was summarized, which is no longer what it was
        if block["type"] == "thinking":
            self._check(path, block, lineage)
        grown = tuple(chained(digest, [role, block]) for digest in lineage)
        if seal is not None:
            kept = seal.ends if seal.opening == self._terms.opening else ()
            grown = (grown[0], *kept)
        self.end = End(grown, seal or self.end.summary, seal)
        self.pieces.append(block_piece(self._key, role, block, image_tokens))
        self._key = self.pieces[-1].key

    def _check(self, path: str, block: Mapping[str, Any], lineage: Lineage) -> None:
        dropped = check_thinking_block(path, block, lineage, self._terms.card, lenient=self._terms.lenient)
        self.dropped += [dropped] if dropped else []

    def _summary(self, path: str, block: Mapping[str, Any]) -> Seal | None:
        if not self._terms.summaries:
            expected = "'text', 'image', 'tool_use', 'tool_result', 'thinking', 'redacted_thinking'"
            found = "Input tag 'compaction' found using 'type' does not match any of the expected tags"
            raise ApiError(f"{path}: {found}: {expected}")
        if block.get("content") is None:
            return None  # a summary that failed says nothing
        if not block["content"]:
            raise ApiError(f"{path}.compaction.content: must not be empty")
        if self.end.summary is not None:
            raise refused(path, "compaction_block_ambiguous", "only one `compaction` block may be sent, the last one")
        if path != "messages.0.content.0":
            why = "a `compaction` block must be the first block of `messages`, in place of what it summarizes"
            raise refused(path, "compaction_block_misplaced", why)
        return open_seal(path, block)


def _mark(raw: Any, at: int) -> bytes:  # noqa: ANN401 - any JSON
    try:
        return marshal.dumps(raw, SAME_EVERY_TIME)
    except ValueError:
        raise ApiError(f"messages.{at}: Input is nested too deeply") from None


def _common(lines: Sequence[Line], marks: Sequence[bytes]) -> list[Line]:
    """The lines that a conversation with these marks begins with."""
    shared = list(lines[: len(marks)])
    for at, line in enumerate(shared):
        if line.mark != marks[at]:
            return shared[:at]
    return shared


def _once(calls: Sequence[str], called: set[str]) -> None:
    for call in calls:
        if call in called:
            raise ApiError("messages: `tool_use` ids must be unique")
        called.add(call)
