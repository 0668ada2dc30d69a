"""The studio's settings and seed as the roles speak of them: bounds, and `set <parameter> to <value>` lines."""

import math
import re
from collections.abc import Mapping
from typing import Final

Value = float | int | str
Settings = Mapping[str, Value]

BOUNDS: Final[Mapping[str, tuple[float, float]]] = {
    "width": (200, 4000),
    "height": (200, 4000),
    "camera_distance": (1.0, 6.0),
    "offset_x": (-0.3, 0.3),
    "offset_y": (-0.3, 0.3),
    "key_light": (0.2, 3.0),
    "fill_light": (0.0, 2.0),
    "background_light": (0.0, 3.0),
    "kelvin": (2500, 9000),
    "iso": (50, 6400),
    "exposure": (-2.0, 2.0),
    "focus": (0.0, 1.0),
    "shadow": (0.0, 1.0),
    "quality": (60, 98),
    "seed": (0, 2**53),
}
WHOLE: Final = frozenset({"width", "height", "kelvin", "iso", "quality", "seed"})
WORDS: Final = frozenset({"backdrop", "format"})

LINE: Final = re.compile(
    r"(?:^[ \t>*-]*|\b)set (?P<name>\w+) to (?P<value>[#\w.+-]*\w)[.,;]?[ \t]*", re.IGNORECASE | re.MULTILINE
)
"""An order may also stand inside a sentence: people write their notes that way."""

NUMBER: Final = re.compile(r"\d+(?:\.\d+)?")


def keep(name: str, value: object) -> Value | None:
    """Bring one value inside the studio's bounds; nothing for an unknown parameter or a value that is no number."""
    if name in WORDS:
        return str(value)
    if name not in BOUNDS:
        return None
    try:
        number = float(str(value))
    except ValueError:
        return None
    if math.isnan(number):
        return None
    low, high = BOUNDS[name]
    inside = min(max(number, low), high)
    return round(inside) if name in WHOLE else round(inside, 3)


def kept(settings: Mapping[str, object]) -> dict[str, Value]:
    """Keep the known parameters, each inside its bounds."""
    found = {name: keep(name, value) for name, value in settings.items()}
    return {name: value for name, value in found.items() if value is not None}


def spoken(direction: str) -> dict[str, Value]:
    """Read the `set <parameter> to <value>` lines of a direction; of two lines for one parameter the last counts."""
    return kept({found["name"].lower(): found["value"] for found in LINE.finditer(direction)})


def written(settings: Settings) -> str:
    """Write settings as `set <parameter> to <value>` lines."""
    return "\n".join(f"set {name} to {value}" for name, value in settings.items())


def intent(direction: str) -> str:
    """What a direction says in words, without its `set` lines, on one line."""
    return " ".join(LINE.sub("", direction).split())


def numbers(text: str) -> list[float]:
    """The numbers in a text such as `at least 1,000 px` or `75 to 90 %`, without signs."""
    return [float(each) for each in NUMBER.findall(re.sub(r"(?<=\d),(?=\d{3}\b)", "", text[:200]))]


def number(settings: Settings, name: str, otherwise: float) -> float:
    """A numeric setting, or its default."""
    value = settings.get(name, otherwise)
    return otherwise if isinstance(value, str) else float(value)
