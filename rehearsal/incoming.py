"""What is read off an HTTP request before anybody looks at its content: keys, headers, JSON and pages."""

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from rehearsal.errors import ApiError
from rehearsal.stage import Call

MOST_BYTES: Final = 32 * 1024 * 1024
MOST_ON_A_PAGE: Final = 1_000
Endpoint = Callable[[HttpRequest, str], Awaitable[Response]]
Guarded = Callable[[HttpRequest], Awaitable[Response]]
Guard = Callable[[Endpoint], Guarded]


def check_headers(http: HttpRequest) -> None:
    """Check that somebody asks, and in which version.

    Raises:
        ApiError: 400 or 401.
    """
    bearer = http.headers.get("authorization", "").lower().removeprefix("bearer").strip()
    if not (bearer or http.headers.get("x-api-key")):
        raise ApiError("x-api-key header is required", type="authentication_error")
    if "anthropic-version" not in http.headers:
        raise ApiError("anthropic-version: header is required")


def betas_of(http: HttpRequest) -> frozenset[str]:
    """Read the beta features that the caller asks for."""
    named = ",".join(http.headers.getlist("anthropic-beta"))
    return frozenset(name.strip() for name in named.split(",") if name.strip())


def call_of(http: HttpRequest, request_id: str, *, batch: bool = False) -> Call:
    """Tell how a body arrived. A call with a beta header is a beta call, like one on the beta path."""
    betas = betas_of(http)
    return Call(request_id, bool(betas) or http.query_params.get("beta") == "true", betas, batch)


async def content_of(http: HttpRequest, most_bytes: int = MOST_BYTES) -> bytes:
    """Receive the body.

    Raises:
        ApiError: 413, it is too large.
    """
    content = await http.body()
    if len(content) > most_bytes:
        raise ApiError("Request exceeds the maximum size", type="request_too_large")
    return content


def json_of(content: bytes) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        ApiError: 400, it is none.
    """
    try:
        raw = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ApiError(f"The request body is not valid JSON: {error}") from None
    if not isinstance(raw, dict):
        raise ApiError("Input should be an object")
    return raw


def page(http: HttpRequest, names: Iterable[str], as_json: Callable[[str], Mapping[str, Any]]) -> dict[str, Any]:
    """Cut one page out of a listing.

    Raises:
        ApiError: 400, the limit is no number from 1 to 1,000.
    """
    listed, asked = list(names), http.query_params
    limit = asked.get("limit", "20")
    if not limit.isdecimal() or not 1 <= int(limit) <= MOST_ON_A_PAGE:
        raise ApiError(f"limit: Input should be a number from 1 to {MOST_ON_A_PAGE}")
    after, before = asked.get("after_id"), asked.get("before_id")
    if before in listed:
        rest = listed[: listed.index(before)]
        shown, more = rest[-int(limit) :], len(rest) > int(limit)
    else:
        rest = listed[listed.index(after) + 1 :] if after in listed else listed
        shown, more = rest[: int(limit)], len(rest) > int(limit)
    return {
        "data": [as_json(name) for name in shown],
        "has_more": more,
        "first_id": shown[0] if shown else None,
        "last_id": shown[-1] if shown else None,
    }
