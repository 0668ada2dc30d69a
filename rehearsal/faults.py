"""What can go wrong on the way of a reply, as values. A performance carries at most one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal


@dataclass(frozen=True)
class Reject:
    """An HTTP error instead of a reply. `retry_after` is seconds or a moment (sent as an HTTP date)."""

    status: int
    type: str
    message: str = "rehearsed error"
    retry_after: float | datetime | None = None
    code: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ErrorEvent:
    """An `error` event inside a stream that began well, after `after` events."""

    type: str = "overloaded_error"
    message: str = "Overloaded"
    after: int = 4


@dataclass(frozen=True)
class Truncate:
    """The stream ends politely after `after` events, without `message_stop`."""

    after: int = 4


@dataclass(frozen=True)
class HangUp:
    """The connection is dropped after `after` events; 0: before a single byte of the answer."""

    after: int = 0


@dataclass(frozen=True)
class Stall:
    """Silence of `seconds` after `after` events; then the reply goes on."""

    seconds: float
    after: int = 1


@dataclass(frozen=True)
class Drip:
    """A slow stream: `seconds` of silence before each event."""

    seconds: float


@dataclass(frozen=True)
class Garble:
    """HTTP 200 with this text where a reply should stand."""

    text: str = "<html>bad gateway</html>"


@dataclass(frozen=True)
class Lapse:
    """In a batch: the request never reached the model, because the batch was canceled or expired before."""

    kind: Literal["canceled", "expired"]


Fault = Reject | ErrorEvent | Truncate | HangUp | Stall | Drip | Garble | Lapse
