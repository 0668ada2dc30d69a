"""Sending an answer, whole or as a stream, with what may go wrong on the way."""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from starlette.responses import JSONResponse, Response
from starlette.types import Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from rehearsal.errors import ApiError, error_body
from rehearsal.events import as_bytes, events_of
from rehearsal.faults import Drip, ErrorEvent, Fault, Garble, HangUp, Stall, Truncate
from rehearsal.replies import Reply

MARK: Final = {"x-callsheet-rehearsal": "rule-based"}


class Connection(H11Protocol):
    """The server's side of a connection, which an answer can drop without a word."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in the base class
        """Let the application reach the transport."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


class Patience:
    """Waits that end at once when the server closes."""

    def __init__(self) -> None:
        self._closing = asyncio.Event()

    async def wait(self, seconds: float) -> None:
        """Wait so long, or until the server closes."""
        if seconds > 0:
            try:
                await asyncio.wait_for(self._closing.wait(), seconds)
            except TimeoutError:
                return

    def end(self) -> None:
        """End all waits."""
        self._closing.set()


def answer(body: Mapping[str, Any], request_id: str) -> Response:
    """Make an answer in one piece."""
    return JSONResponse(dict(body), headers={"request-id": request_id, **MARK})


def refusal(error: ApiError, request_id: str) -> Response:
    """Make the answer that refuses a request."""
    body = error_body(error.type, error.message, request_id, error.details)
    return JSONResponse(body, error.status, {"request-id": request_id, **MARK, **error.headers})


class Delivery(Response):
    """A reply on its way. `finished` is called once all of it, with its last event, was sent."""

    def __init__(
        self,
        reply: Reply,
        fault: Fault | None,
        request_id: str,
        *,
        stream: bool,
        patience: Patience,
        finished: Callable[[], None],
    ) -> None:
        super().__init__()
        self._chunks = _stream(reply, fault, request_id) if stream else [_whole(reply, fault)]
        self._fault = fault
        self._sent_headers = {
            "content-type": "text/event-stream; charset=utf-8" if stream else "application/json",
            "cache-control": "no-cache",
            "request-id": request_id,
            **MARK,
        }
        self._patience = patience
        self._finished = finished

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - as ASGI has it
        """Send it, as far as the fault lets it."""
        if self._fault == HangUp(after=0):
            await _drop(scope)
            return
        await send(_start(200, self._sent_headers))
        for at, chunk in enumerate(self._chunks):
            await self._patience.wait(self._silence(at))
            if self._hangs_up(at):
                await _drop(scope)
                return
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        if self._hangs_up(len(self._chunks)):
            await _drop(scope)
            return
        await send({"type": "http.response.body", "body": b""})
        gone = scope["state"]["transport"].is_closing()
        if not gone and not isinstance(self._fault, ErrorEvent | Truncate | Garble):
            self._finished()

    def _silence(self, at: int) -> float:
        if isinstance(self._fault, Drip):
            return self._fault.seconds
        late = isinstance(self._fault, Stall) and at == min(self._fault.after, len(self._chunks) - 1)
        return self._fault.seconds if late and isinstance(self._fault, Stall) else 0.0

    def _hangs_up(self, at: int) -> bool:
        return isinstance(self._fault, HangUp) and at == min(self._fault.after, len(self._chunks))


def events_sent(reply: Reply, fault: Fault | None, *, stream: bool) -> tuple[int, int]:
    """How many events of a reply go out before a fault ends it, of how many; a reply in one piece is one event."""
    if not stream or not isinstance(fault, HangUp | Truncate | ErrorEvent):
        return int(fault != HangUp(after=0)), 1
    whole = sum(1 for _ in events_of(reply))
    return min(fault.after, whole if isinstance(fault, HangUp) else whole - 1), whole


def _whole(reply: Reply, fault: Fault | None) -> bytes:
    if isinstance(fault, Garble):
        return fault.text.encode()
    content = json.dumps(reply.message, ensure_ascii=False).encode()
    return content[: len(content) // 2] if isinstance(fault, Truncate) else content


def _stream(reply: Reply, fault: Fault | None, request_id: str) -> list[bytes]:
    chunks = [as_bytes(event) for event in events_of(reply)]
    match fault:
        case Garble(text):
            return [f"event: message_start\ndata: {text}\n\n".encode()]
        case Truncate(after):
            return chunks[: min(after, len(chunks) - 1)]
        case ErrorEvent(kind, message, after):
            return [*chunks[: min(after, len(chunks) - 1)], as_bytes(error_body(kind, message, request_id))]
        case _:
            return chunks


def _start(status: int, headers: Mapping[str, str]) -> Message:
    pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    return {"type": "http.response.start", "status": status, "headers": pairs}


async def _drop(scope: Scope) -> None:
    scope["state"]["transport"].abort()
    await asyncio.sleep(0)  # the protocol hears of it in the next round of the loop
    await asyncio.sleep(0)
