"""Briefs: from the text that their owner writes to a brief that can be shot, or every problem with it."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from pydantic import BaseModel, ValidationError

from activities.brief_text import BriefProblems, Path, Problem, Written, dotted, read, with_lines
from activities.likeness import nearest_words
from activities.shoots import colour_slug, count
from activities.studio.profiles import Profiles
from workflows.models import Brief, Budget, Colour, Guidelines, Product, VenueOrder, WrittenReview
from workflows.models.review import WrittenStep

__all__ = ["BriefProblems", "Problem", "load_brief", "misfits"]

MOST_BYTES = 1_000_000
MOST_ITEMS = 20_000

Trouble = Iterator[tuple[Path, str]]


def load_brief(data: bytes, profiles: Profiles, *, today: date | None = None, most_bytes: int = MOST_BYTES) -> Brief:
    """Read a brief from YAML or JSON. With `today` a deadline that has passed is a problem.

    Raises:
        BriefProblems: the brief cannot be used; it lists every problem with its path and line.
    """
    written = read(data, most_bytes)
    brief, troubles = _judge(written, profiles, today)
    if brief is not None and not troubles and not written.problems:
        return brief
    if not written.lines:
        written = with_lines(data)
        _, troubles = _judge(written, profiles, today)
    found = [Problem(dotted(path), written.line(path), message) for path, message in troubles]
    raise BriefProblems(list(dict.fromkeys([*written.problems, *found])))


def _judge(written: Written, profiles: Profiles, today: date | None) -> tuple[Brief | None, list[tuple[Path, str]]]:
    try:
        brief = Brief.model_validate(written.value)
    except ValidationError as error:
        return None, [*misfits(error), *_meaning(written.value, profiles)]
    troubles = [*_meaning(written.value, profiles), *_whole(brief, today)]
    return brief, troubles


def misfits(error: ValidationError, inside: Path = ()) -> Trouble:
    """Say in the words of people where a value does not fit; `inside` is the path of that value."""
    found = error.errors(include_url=False, include_context=False)
    for each in found:
        path, loc = (*inside, *each["loc"]), each["loc"]
        if each["type"] == "too_short" and any(other["loc"][: len(loc)] == loc != other["loc"] for other in found):
            continue  # it has enough elements; those that do not fit are named themselves
        if each["type"] == "extra_forbidden":
            known = _fields(path)
            yield path, f"is not known here; did you mean {' or '.join(known)}?" if known else "is not known here"
        elif each["input"] is None and each["type"] == "string_type":
            yield path, "is empty; a colour has to be quoted, because # starts a comment in YAML"
        else:
            yield path, each["msg"].removeprefix("Value error, ")


def _fields(path: Path) -> list[str]:
    """Name the field that a misspelt one could be."""
    parts: dict[str, type[BaseModel]] = {
        "products": Product,
        "colours": Colour,
        "venues": VenueOrder,
        "guidelines": Guidelines,
        "budget": Budget,
        "review": WrittenReview,
        "then": WrittenStep,
    }
    inside = [parts[part] for part in path[:-1] if isinstance(part, str) and part in parts]
    return nearest_words(str(path[-1]), sorted((inside[-1] if inside else Brief).model_fields), 1)


def _meaning(value: Any, profiles: Profiles) -> Trouble:  # noqa: ANN401
    """Check what a schema cannot say, as far as the text has the right shape."""
    if not isinstance(value, dict):
        return
    yield from _venues(_dicts(value.get("venues")), profiles)
    products = _dicts(value.get("products"))
    yield from _twins([(("products", at, "id"), each.get("id")) for at, each in products], "product id")
    for at, product in products:
        slugs = [
            (("products", at, "colours", number, "name"), _slug(each))
            for number, each in _dicts(product.get("colours"))
        ]
        yield from _twins(slugs, "colour of this product")


def _venues(venues: list[tuple[int, dict[str, Any]]], profiles: Profiles) -> Trouble:
    known = profiles.ids()
    yield from _twins([(("venues", at, "profile"), venue.get("profile")) for at, venue in venues], "venue")
    for at, venue in venues:
        profile, views = venue.get("profile"), venue.get("views")
        if isinstance(profile, str) and profile not in known:
            nearest = ", ".join(nearest_words(profile, sorted(known)))
            yield ("venues", at, "profile"), f"there is no profile {profile[:60]!r}; nearest first: {nearest}"
        if isinstance(views, list):
            yield from _twins([(("venues", at, "views", number), view) for number, view in enumerate(views)], "view")


def _whole(brief: Brief, today: date | None) -> Trouble:
    if today is not None and brief.deadline is not None and brief.deadline < today:
        yield ("deadline",), f"{brief.deadline.isoformat()} has passed"
    # "dress-red" in "x" and "dress" in "red x" would be one shot to the store.
    pairs: dict[tuple[str, str], Path] = {}
    for at, product in enumerate(brief.products):
        for number, colour in enumerate(product.colours):
            pairs.setdefault((product.id, colour_slug(colour)), ("products", at, "colours", number, "name"))
    yield from _twins([(path, f"{product}-{slug}") for (product, slug), path in pairs.items()], "product and colour")
    if count(brief) > MOST_ITEMS:
        yield ("products",), f"this makes {count(brief):,} images; at most {MOST_ITEMS:,} fit in one brief"


def _twins(named: Sequence[tuple[Path, Any]], what: str) -> Trouble:
    seen: dict[str, Path] = {}
    for path, name in named:
        if not isinstance(name, str):
            continue
        if name in seen:
            yield path, f"the {what} {name[:60]!r} is given twice, first at {dotted(seen[name])}"
        seen.setdefault(name, path)


def _dicts(value: Any) -> list[tuple[int, dict[str, Any]]]:  # noqa: ANN401
    if not isinstance(value, list):
        return []
    return [(number, each) for number, each in enumerate(value) if isinstance(each, dict)]


def _slug(colour: dict[str, Any]) -> str | None:
    try:
        return colour_slug(Colour.model_validate(colour))
    except ValidationError:
        return None
