"""What an oracle says."""

from collections import Counter
from collections.abc import Hashable, Iterable
from typing import Literal, NamedTuple, TypeVar

Kind = Literal["lost", "doubled", "over cap", "broken", "mixed"]
T = TypeVar("T", bound=Hashable)


class Finding(NamedTuple):
    """One thing that must not be. `broken` is what is neither lost nor doubled: half done, or not as it says."""

    kind: Kind
    what: str


def twice(things: Iterable[T]) -> list[T]:
    """What comes more than once."""
    return [thing for thing, times in Counter(things).items() if times > 1]
