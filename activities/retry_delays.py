"""How long a failed call of the model waits before it is made again."""

import random
import time
from datetime import timedelta
from email.utils import parsedate_to_datetime

import httpx2
from temporalio import activity

from activities.database import now

MOST = 3_600.0
"""Seconds that anybody waits at most, whatever an endpoint asks for."""


def delay(headers: httpx2.Headers) -> timedelta | None:
    """Heed `retry-after` as a floor under the backoff that it overrides; None leaves it to the retry policy.

    The run's deadline caps it. Behind that no attempt begins: a delay beyond the activity's last moment ends it at
    once, and the run says what follows.
    """
    asked = _retry_after(headers)
    if asked is None:
        return None
    attempt = activity.info().attempt if activity.in_activity() else 1
    backoff = min(2.0 ** min(attempt - 1, 6), 60.0)
    spread = random.uniform(0, 0.25 * max(asked, backoff))  # noqa: S311 - spreads callers, guards nothing
    left = _time_left()
    return timedelta(seconds=min(max(asked, backoff) + spread, left) if left > 0 else MOST)


def _time_left() -> float:
    """Count the seconds until the last attempt must have begun, at most an hour: it may take as long as any other."""
    info = activity.info() if activity.in_activity() else None
    if info is None or not info.schedule_to_close_timeout:
        return MOST
    last = info.scheduled_time + info.schedule_to_close_timeout - (info.start_to_close_timeout or timedelta())
    return min((last - now()).total_seconds(), MOST)


def _retry_after(headers: httpx2.Headers) -> float | None:
    """Read the seconds that the endpoint asks for; None where it says nothing of use."""
    said = (_number(headers.get("retry-after-ms"), 1_000), _number(headers.get("retry-after"), 1), _until(headers))
    seconds = next((each for each in said if each is not None), 0.0)
    return min(seconds, MOST) if seconds > 0 else None


def _number(value: str | None, unit: int) -> float | None:
    try:
        return float(value or "") / unit
    except ValueError:
        return None


def _until(headers: httpx2.Headers) -> float | None:
    try:
        return parsedate_to_datetime(headers.get("retry-after", "")).timestamp() - time.time()
    except (ValueError, OverflowError):  # no date, or one that no clock shows
        return None
