"""What the server was asked and what it answered, for tests and for whoever looks in."""

import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

MOST_BYTES: Final = 64 * 1024 * 1024


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
        """Add the usage record of one reply; a summary is told in its iterations only."""
        parts = usage.get("iterations") or [usage]
        writes = [part.get("cache_creation") or {} for part in parts]
        return Usage(
            replies=self.replies + 1,
            input=self.input + sum(part["input_tokens"] for part in parts),
            cache_read=self.cache_read + sum(part["cache_read_input_tokens"] for part in parts),
            cache_write_5m=self.cache_write_5m + sum(each.get("ephemeral_5m_input_tokens", 0) for each in writes),
            cache_write_1h=self.cache_write_1h + sum(each.get("ephemeral_1h_input_tokens", 0) for each in writes),
            output=self.output + sum(part["output_tokens"] for part in parts),
        )


@dataclass(frozen=True)
class Entry:
    """One call of the messages endpoint, or one request of a batch.

    `status` is 0 while the request is open, and stays 0 if the connection was dropped before any answer. `began` tells
    that a reply began, so that it is billed: `usage` is what is billed of it, and `micro_usd` the bill (null: the model
    has no list price). A stream that a rehearsed fault ended is billed for its whole input and the share of its output
    that went out; one that the client left is billed whole. `finished` tells that the whole reply was sent.
    """

    at: datetime
    request_id: str
    content: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    agent: str = ""
    status: int = 0
    error: str = ""
    usage: Mapping[str, Any] | None = None
    micro_usd: int | None = None
    began: bool = False
    finished: bool = False
    batch: str = ""
    custom_id: str = ""

    @property
    def body(self) -> dict[str, Any]:
        """The request, read anew; empty once the journal had to forget it."""
        return dict(json.loads(self.content)) if self.content else {}


class Journal:
    """The last entries, in the order of arrival, and the sums of all.

    Bodies hold whole conversations with their images, so there is a bound on their bytes besides that on the number of
    entries: the oldest bodies are forgotten first.
    """

    def __init__(self, remembered: int, most_bytes: int = MOST_BYTES) -> None:
        self._remembered = remembered
        self._most_bytes = most_bytes
        self._entries: dict[str, Entry] = {}
        self._bodies: OrderedDict[str, int] = OrderedDict()
        self._bytes = 0
        self._bill = 0
        self._unpriced = 0
        self.usage = Usage()

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The entries so far."""
        return tuple(self._entries.values())

    @property
    def bill(self) -> int:
        """The bill of all replies that began, in micro-dollars.

        Raises:
            LookupError: some of them came from a model without a list price, so nobody knows.
        """
        if self._unpriced:
            raise LookupError(f"{self._unpriced} replies have no price")
        return self._bill

    @property
    def known_bill(self) -> int | None:
        """The bill, or null where nobody knows it."""
        return None if self._unpriced else self._bill

    def open(self, entry: Entry) -> None:
        """Write down a request."""
        self._entries[entry.request_id] = entry
        self._bodies[entry.request_id] = len(entry.content)
        self._bytes += len(entry.content)
        if len(self._entries) > self._remembered:
            oldest = next(iter(self._entries))
            del self._entries[oldest]
            self._bytes -= self._bodies.pop(oldest, 0)
        while self._bytes > self._most_bytes and len(self._bodies) > 1:
            forgotten, size = self._bodies.popitem(last=False)
            self._bytes -= size
            self.note(forgotten, content=b"")

    def note(self, request_id: str, **changes: Any) -> None:  # noqa: ANN401 - the fields of Entry
        """Write down what became of it."""
        if request_id in self._entries:
            self._entries[request_id] = replace(self._entries[request_id], **changes)

    def begin(self, request_id: str, usage: Mapping[str, Any], micro_usd: int | None) -> None:
        """A reply has begun and is billed from now on."""
        self.usage = self.usage.plus(usage)
        self._bill += micro_usd or 0
        self._unpriced += micro_usd is None
        self.note(request_id, status=200, usage=usage, micro_usd=micro_usd, began=True)
