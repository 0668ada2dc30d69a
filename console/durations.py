"""How long things took, or are to take, in the words of people."""

import re
from datetime import timedelta

from console.errors import Exit, Stopped

_LONGEST = 366 * 86_400
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def lasting(seconds: float) -> str:
    """Write a duration with the two units that matter: `340 ms`, `4.2 s`, `3 min 10 s`, `2 d 4 h`."""
    if seconds < 0.9995:  # noqa: PLR2004 - from here on it rounds to a second
        return f"{max(seconds, 0) * 1_000:.0f} ms"
    whole = round(seconds)
    if whole < 60:  # noqa: PLR2004 - seconds in a minute
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"  # noqa: PLR2004 - two digits say enough
    lower = (*_UNITS[1:], (1, "s"))
    for (size, name), (small, part) in zip(_UNITS, lower, strict=True):
        if whole >= size:
            rest = whole % size // small
            return f"{whole // size} {name}" + (f" {rest} {part}" if rest else "")
    raise AssertionError(whole)


def duration(option: str, text: str) -> timedelta:
    """Read a duration such as `90s`, `15m`, `6h` or `1d`, above zero and up to a year.

    Raises:
        Stopped: it is none; the message names the option and says what would be right.
    """
    found = re.fullmatch(r"(\d{1,8})\s*(s|m|min|h|d)", text.strip().lower(), re.ASCII)
    unit = {"s": 1, "m": 60, "min": 60, "h": 3_600, "d": 86_400}
    seconds = int(found[1]) * unit[found[2]] if found else 0
    if not 0 < seconds <= _LONGEST:
        raise Stopped(
            Exit.USAGE, f"{option} {text!r}: write a time like 90s, 15m, 6h or 1d, above zero, a year at most"
        )
    return timedelta(seconds=seconds)


def age(seconds: float) -> str:
    """Write an age as short as it goes: `45s`, `12m`, `3h`, `2d`."""
    whole = max(int(seconds), 0)
    for size, letter in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if whole >= size:
            return f"{whole // size}{letter}"
    return f"{whole}s"
