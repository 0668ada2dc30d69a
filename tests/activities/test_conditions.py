"""What a tool must fulfil: every refusal says what is wrong and what to do."""

from datetime import timedelta
from typing import Annotated

import pytest

from activities.tools.definition import Arguments, BadTool, Context, tool
from activities.tools.references import Ref
from tests.activities.house import House

SOON = timedelta(seconds=1)


class Nothing(Arguments):
    pass


class Seat(Arguments):
    table: Annotated[str, Ref("table")]


class Clock:
    pass


async def burn(nothing: Nothing) -> dict:
    """Burn it."""
    return {}


async def carve(nothing: Nothing, context: Context) -> dict:
    """Carve it."""
    return {}


async def loose(anything, context: Context) -> dict:
    """Take anything."""
    return {}


async def vague(nothing: Nothing, clock: "Clock | None") -> dict:
    """Look at a clock, perhaps."""
    return {}


async def silent(nothing: Nothing) -> dict:
    return {}


def blocking(nothing: Nothing) -> dict:
    """Block."""
    return {}


BADLY_DECLARED = {
    "without a model": (loose, {}, "loose: the first parameter must be a pydantic model", "base Arguments"),
    "without words": (silent, {}, "silent: the docstring is what the model reads", "write one"),
    "not async": (blocking, {}, "blocking: a tool is an async function", "`async def blocking`"),
    "without a class": (vague, {}, "vague: the parameter clock has no class", "name the class"),
    "of no argument": (burn, {"permit": "asset"}, "burn: permit names no argument: asset", "its arguments: none"),
    "with another look": (
        burn,
        {"effect": "once", "reconcile": carve},
        "burn: reconcile must have the same",
        "same types",
    ),
    "looked up": (burn, {"reconcile": burn}, 'burn: only a "once" tool', 'effect="once"'),
    "keyed": (carve, {"idempotent": True}, 'carve: only a "once" tool', 'effect="once"'),
    "without its key": (
        burn,
        {"effect": "once", "idempotent": True},
        "burn: it is said to be idempotent",
        "context.key",
    ),
}


@pytest.mark.parametrize("name", BADLY_DECLARED)
def test_a_badly_declared_tool_is_refused_at_once_and_told_what_to_do(name):
    run, policy, problem, fix = BADLY_DECLARED[name]
    with pytest.raises(BadTool) as refused:
        tool(**{"effect": "read", "timeout": SOON, **policy})(run)
    first, second = str(refused.value).splitlines()
    assert first.startswith(problem)
    assert second.startswith("  fix: ")
    assert fix in second


def test_a_tool_whose_effect_happens_once_is_refused_where_nothing_keeps_it_from_happening_twice(tmp_path):
    with pytest.raises(BadTool) as refused:
        House(tmp_path, (tool(effect="once", timeout=SOON)(burn),))
    first, second = str(refused.value).splitlines()
    assert first == "burn: it happens once, but nothing keeps it from happening twice, or unasked"
    assert all(way in second for way in ("  fix: ", "reconcile=", "idempotent=", "permit=", 'effect="write"'))


@pytest.mark.parametrize("way", [{"reconcile": carve}, {"idempotent": True}])
def test_any_one_of_the_ways_is_enough(tmp_path, way):
    House(tmp_path, (tool(effect="once", timeout=SOON, **way)(carve),)).database.close()


def test_what_the_world_lacks_for_a_tool_is_said_with_what_to_give_it(tmp_path):
    async def cook(nothing: Nothing, clock: Clock) -> dict:
        """Cook."""
        return {}

    async def seat(where: Seat) -> dict:
        """Seat them."""
        return {}

    read = tool(effect="read", timeout=SOON)
    with pytest.raises(BadTool, match=r"fix: give World.open exactly one Clock among its dependencies"):
        House(tmp_path, (read(cook),))
    with pytest.raises(BadTool, match=r"fix: give World.open a directory for each of: table"):
        House(tmp_path, (read(seat),))
    with pytest.raises(BadTool, match="fix: rename the function of one of them"):
        House(tmp_path, (read(burn), read(burn)))
