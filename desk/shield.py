"""What every request and every answer passes: bounded bodies, known hosts, headers that forbid what we never do."""

import secrets
from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from activities.probes import HEALTHZ, READYZ

LARGEST_BODY = 64_000
"""Bytes of a request's body: the longest form is a batch with a note."""
DISCARDED = 16 * LARGEST_BODY
"""Bytes of a body that is too large which are read and thrown away, so that its sender hears why."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "cache-control": "no-store",
}
HSTS = "max-age=31536000; includeSubDomains"


class TooLarge(Exception):  # noqa: N818 - it says what the body is
    """A body went on beyond what any form of ours has."""


class Shield:
    """Wraps the application."""

    def __init__(self, app: ASGIApp, hosts: Iterable[str], *, secure: bool) -> None:
        """Answer requests for `hosts`; `secure` promises https for good."""
        self._app = app
        self._hosts = frozenset(hosts)
        self._headers = HEADERS | ({"strict-transport-security": HSTS} if secure else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it here."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = self._answering(send)
        if refusal := self._refusal(scope["path"], Headers(scope=scope)):
            await refusal(scope, receive, answer)
            return
        await self._app(scope, _bounded(receive), answer)

    def _answering(self, send: Send) -> Send:
        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                headers.setdefault("x-request-id", secrets.token_hex(8))
            await send(message)

        return answer

    def _refusal(self, path: str, headers: Headers) -> PlainTextResponse | None:
        probe = path in {HEALTHZ, READYZ}  # probes ask a pod by its number, and learn nothing that matters
        if not probe and _name(headers.get("host", "")) not in self._hosts:
            return PlainTextResponse("This desk does not answer to that name; see CALLSHEET_DESK_URL.", 421)
        length = headers.get("content-length", "0")
        if not length.isdecimal():
            return PlainTextResponse("The length of the body is no number.", 400)
        return _too_large() if int(length) > LARGEST_BODY else None


def _too_large() -> PlainTextResponse:
    return PlainTextResponse(f"A request may have {LARGEST_BODY} bytes at most.", 413)


def _bounded(receive: Receive) -> Receive:
    seen = 0

    async def bounded() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen <= LARGEST_BODY:
            return message
        while message.get("more_body") and seen < DISCARDED:  # an answer over unread bytes would be lost with them
            message = await receive()
            seen += len(message.get("body", b""))
        raise TooLarge

    return bounded


def _name(host: str) -> str:
    """Take the name out of a Host header: `[::1]:8400`, `localhost:8400`, `desk.example.org`."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()
