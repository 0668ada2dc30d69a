"""The prompt cache: what a request reads from it, what it writes, and what is left as plain input."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any, Final

from rehearsal.errors import ApiError
from rehearsal.prefix import Piece

Clock = Callable[[], datetime]
LIFETIMES: Final = {"5m": timedelta(minutes=5), "1h": timedelta(hours=1)}
MOST_BREAKPOINTS: Final = 4
LOOK_BACK: Final = 20
SWEEP: Final = 10_000


@dataclass(frozen=True)
class Counted:
    """How the tokens of one prompt are billed. The four are disjoint; together they are the prompt."""

    input: int
    read: int = 0
    write_5m: int = 0
    write_1h: int = 0

    @property
    def total(self) -> int:
        """The whole prompt."""
        return self.input + self.read + self.write_5m + self.write_1h

    def as_json(self) -> dict[str, Any]:
        """Write the prompt's part of a usage record."""
        return {
            "input_tokens": self.input,
            "cache_creation_input_tokens": self.write_5m + self.write_1h,
            "cache_read_input_tokens": self.read,
            "cache_creation": {
                "ephemeral_5m_input_tokens": self.write_5m,
                "ephemeral_1h_input_tokens": self.write_1h,
            },
        }


@dataclass(frozen=True)
class Search:
    """What a request found, and the entries that its response makes readable once it begins."""

    counted: Counted
    used: tuple[str, ...] = ()
    written: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class _Entry:
    ttl: str
    until: datetime


class PromptCache:
    """Entries under the digest of their prefix. An entry lives for its lifetime after its last use."""

    def __init__(self, clock: Clock = lambda: datetime.now(UTC)) -> None:
        self._clock = clock
        self._entries: dict[str, _Entry] = {}
        self._sweep_at = SWEEP

    def search(self, chain: Sequence[Piece], least: int) -> Search:
        """Find the longest cached prefix; `least` is the shortest prefix in tokens that the model caches."""
        upto = list(accumulate(piece.tokens for piece in chain))
        total = upto[-1] if upto else 0
        marks = [at for at, piece in enumerate(chain) if piece.ttl and upto[at] >= least]
        found = max((at for mark in marks if (at := self._look_back(chain, mark)) is not None), default=-1)
        end = upto[found] if found >= 0 else 0
        counted = Counted(input=0, read=end)
        for mark in (mark for mark in marks if mark > found):
            field = "write_1h" if chain[mark].ttl == "1h" else "write_5m"
            counted = replace(counted, **{field: getattr(counted, field) + upto[mark] - end})
            end = upto[mark]
        return Search(
            replace(counted, input=total - end),
            used=tuple(chain[at].key for at in {found, *marks} if 0 <= at <= found),
            written=tuple((chain[mark].key, chain[mark].ttl or "5m") for mark in marks if mark > found),
        )

    def keep(self, search: Search) -> None:
        """The response has begun: refresh what it read, and make readable what it wrote."""
        now = self._clock()
        for key in search.used:
            if key in self._entries:
                self._entries[key] = replace(self._entries[key], until=now + LIFETIMES[self._entries[key].ttl])
        for key, ttl in search.written:
            self._entries[key] = _Entry(ttl, now + LIFETIMES[ttl])
        if len(self._entries) > self._sweep_at:
            self._entries = {key: entry for key, entry in self._entries.items() if entry.until > now}
            self._sweep_at = max(SWEEP, 2 * len(self._entries))

    def _look_back(self, chain: Sequence[Piece], mark: int) -> int | None:
        now = self._clock()
        for at in range(mark, max(-1, mark - LOOK_BACK), -1):
            entry = self._entries.get(chain[at].key)
            if entry is not None and entry.until > now:
                return at
        return None


def marked(chain: tuple[Piece, ...], automatic: Mapping[str, Any] | None) -> tuple[Piece, ...]:
    """Set the automatic breakpoint on the last piece that can carry one, and check all breakpoints.

    Raises:
        ApiError: 400 for too many breakpoints, or a long lifetime after a short one.
    """
    if automatic is not None:
        last = max((at for at, piece in enumerate(chain) if piece.markable), default=None)
        if last is not None:
            ttl = automatic.get("ttl") or "5m"
            chain = (*chain[:last], replace(chain[last], ttl=ttl), *chain[last + 1 :])
    lifetimes = [piece.ttl for piece in chain if piece.ttl]
    if len(lifetimes) > MOST_BREAKPOINTS:
        found = len(lifetimes)
        raise ApiError(f"A maximum of {MOST_BREAKPOINTS} blocks with cache_control may be provided. Found {found}.")
    if "5m" in lifetimes and "1h" in lifetimes[lifetimes.index("5m") :]:
        order = "A cache_control block with ttl='1h' must not come after a ttl='5m' cache_control block."
        raise ApiError(f"cache_control.ttl: {order} Blocks are processed in the order `tools`, `system`, `messages`.")
    return chain
