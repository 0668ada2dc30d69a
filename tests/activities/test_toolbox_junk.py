"""Whatever a model writes, the toolbox answers."""

import asyncio
import json
import tempfile
from datetime import timedelta
from typing import Annotated

from hypothesis import given, settings
from hypothesis import strategies as st

from activities.likeness import Named
from activities.tools.definition import Arguments, Escalation, tool
from activities.tools.references import Ref
from tests.activities.house import House
from tests.activities.test_toolbox import Shelf

SOON = timedelta(seconds=5)
TEXT = st.text(max_size=40) | st.sampled_from(["\x00", "\ud800", "t1", "🙂" * 400, '"' * 3_000, "\x01" * 900])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(TEXT, inside, max_size=4),
    max_leaves=12,
)
CALL = st.one_of(
    JSON,
    st.fixed_dictionaries(
        {"table": TEXT | JSON}, optional={"note": TEXT, "rows": st.lists(JSON, max_size=3), "n": JSON}
    ),
)


class Seat(Arguments):
    table: Annotated[str, Ref("table")]
    note: str = ""
    rows: list[dict[str, int]] = []
    n: float = 0.0


@tool(effect="read", timeout=SOON)
async def echo(seat: Seat) -> dict:
    """Say it again."""
    return {"note": seat.note, "n": seat.n, "rows": seat.rows}


async def nobody_knows(seat: Seat) -> None:
    pass


@tool(effect="once", timeout=SOON, reconcile=nobody_knows)
async def ask(seat: Seat) -> Escalation:
    """Ask."""
    return Escalation(seat.note, seat.note)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["echo", "ask"]) | TEXT, CALL)
def test_any_call_is_answered_with_small_sound_json(name, arguments):
    with tempfile.TemporaryDirectory() as folder:
        house = House(folder, (echo, ask), {"table": Shelf(Named("t1", "window"))})
        outcome = asyncio.run(house.use(name, arguments))
        house.database.close()
    assert len(outcome.model_dump_json().encode()) < 2_048
    assert len(outcome.preview) <= 300
    json.loads(house.seen())
    assert len(house.seen().encode()) <= 8 * 1024
    house.log.results["c1"].arguments.encode()


def test_arguments_that_are_nested_too_deeply_are_refused(tmp_path):
    deep = []
    for _ in range(100_000):
        deep = [deep]
    house = House(tmp_path, (echo,), {"table": Shelf()})
    outcome = asyncio.run(house.use("echo", {"table": "t1", "rows": deep}))
    assert outcome.refusal == "schema"
