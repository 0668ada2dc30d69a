"""How the API says no: an HTTP status and a JSON body of one shape."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Final

from rehearsal.faults import ErrorEvent, Reject

STATUSES: Final[Mapping[str, int]] = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}


class ApiError(Exception):
    """A refusal of the API, sent as `{"type": "error", "error": {...}}`."""

    def __init__(
        self,
        message: str,
        *,
        type: str = "invalid_request_error",  # noqa: A002 - the field's name on the wire
        status: int | None = None,
        details: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.type = type
        self.status = status or STATUSES.get(type, 400)
        self.details = details
        self.headers = headers or {}


def rejected(fault: Reject) -> ApiError:
    """Turn a rehearsed rejection into the error that is sent."""
    headers = dict(fault.headers)
    if isinstance(fault.retry_after, datetime):
        headers["retry-after"] = format_datetime(fault.retry_after.astimezone(UTC), usegmt=True)
    elif fault.retry_after is not None:
        headers["retry-after"] = f"{fault.retry_after:g}"
    details = {"error_code": fault.code} if fault.code else None
    return ApiError(fault.message, type=fault.type, status=fault.status, details=details, headers=headers)


def outside_stream(fault: ErrorEvent) -> ApiError:
    """Turn an error event into its HTTP form, for a request that did not ask for a stream."""
    return ApiError(fault.message, type=fault.type, status=STATUSES.get(fault.type, 500))


def error_body(kind: str, message: str, request_id: str, details: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Write the body of an error."""
    error: dict[str, Any] = {"type": kind, "message": message}
    if details:
        error["details"] = dict(details)
    return {"type": "error", "error": error, "request_id": request_id}
