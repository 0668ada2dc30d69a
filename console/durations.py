"""How long things took, in the words of people."""

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


def age(seconds: float) -> str:
    """Write an age as short as it goes: `45s`, `12m`, `3h`, `2d`."""
    whole = max(int(seconds), 0)
    for size, letter in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if whole >= size:
            return f"{whole // size}{letter}"
    return f"{whole}s"
