"""What the server was asked and what it answered, for tests and for whoever looks in."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Usage:
    """Tokens as a provider would bill them: every reply that began, also those that were cut off on the way."""

    replies: int = 0
    input: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    output: int = 0

    def plus(self, usage: Mapping[str, Any]) -> "Usage":
        """Add the usage record of one reply."""
        writes = usage.get("cache_creation") or {}
        return Usage(
            replies=self.replies + 1,
            input=self.input + usage["input_tokens"],
            cache_read=self.cache_read + usage["cache_read_input_tokens"],
            cache_write_5m=self.cache_write_5m + writes.get("ephemeral_5m_input_tokens", 0),
            cache_write_1h=self.cache_write_1h + writes.get("ephemeral_1h_input_tokens", 0),
            output=self.output + usage["output_tokens"],
        )


@dataclass(frozen=True)
class Entry:
    """One call of the messages endpoint.

    `status` is 0 while the request is open, and stays 0 if the connection was dropped before any answer. `finished`
    tells that the whole reply was sent; `usage` is that of the reply, once it began.
    """

    at: datetime
    request_id: str
    body: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    agent: str = ""
    status: int = 0
    error: str = ""
    usage: Mapping[str, Any] | None = None
    finished: bool = False


class Journal:
    """The last entries, in the order of arrival. They hold whole bodies with images, so their number is bounded."""

    def __init__(self, remembered: int) -> None:
        self._remembered = remembered
        self._entries: dict[str, Entry] = {}
        self.usage = Usage()

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The entries so far."""
        return tuple(self._entries.values())

    def open(self, entry: Entry) -> None:
        """Write down a request."""
        self._entries[entry.request_id] = entry
        if len(self._entries) > self._remembered:
            del self._entries[next(iter(self._entries))]

    def note(self, request_id: str, **changes: Any) -> None:  # noqa: ANN401 - the fields of Entry
        """Write down what became of it."""
        if request_id in self._entries:
            self._entries[request_id] = replace(self._entries[request_id], **changes)

    def begin(self, request_id: str, usage: Mapping[str, Any]) -> None:
        """A reply has begun and is billed from now on."""
        self.usage = self.usage.plus(usage)
        self.note(request_id, status=200, usage=usage)
