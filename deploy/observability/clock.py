"""The time that rules are written in. A drill lets it run faster: an hour of the rules is then some seconds."""

import re
from typing import NamedTuple

SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


class Clock(NamedTuple):
    """`scale` 1 is real time, 1/240 makes an hour of 15 seconds.

    No window is shorter than `least` seconds, and no pause than a second: a window needs several scrapes.
    """

    scale: float = 1.0
    least: float = 0.0

    def span(self, duration: str) -> str:
        """Write a window such as `5m` as PromQL does, in this time."""
        return self._write(duration, self.least)

    def pause(self, duration: str) -> str:
        """Write how long is waited, in this time; nothing stays nothing."""
        return self._write(duration, 1 if seconds(duration) else 0)

    def _write(self, duration: str, least: float) -> str:
        if self == REAL:
            return duration
        return f"{round(max(seconds(duration) * self.scale, least) * 1_000)}ms"

    def seconds(self, duration: str) -> str:
        """Write a duration as a number of seconds, in this time: for an age that is compared."""
        return f"{seconds(duration) * self.scale:g}"

    def volume(self, amount: float) -> str:
        """Write how much there must be in a stretch: where time runs faster, less happens in it."""
        return f"{amount * self.scale:g}"


def seconds(duration: str) -> int:
    """Read a duration such as `30s`, `5m`, `24h` or `30d`.

    Raises:
        ValueError: it is none.
    """
    found = re.fullmatch(r"(\d+)([smhd])", duration)
    if not found:
        raise ValueError(f"{duration!r} is no duration; write a whole number and one of s, m, h, d, such as 5m")
    return int(found[1]) * SECONDS[found[2]]


REAL = Clock()
"""The time of everybody."""
