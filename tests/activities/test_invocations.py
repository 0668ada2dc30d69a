"""An invocation is kept once, however often it says that it began, in the trace of whoever ordered it."""

from datetime import timedelta

import pytest

from activities.database import Database
from activities.invocation_tables import InvocationRow
from activities.invocations import InvocationStore
from activities.people import Told
from tests.activities.conversing import SCOPE
from tests.activities.traced import ITEM, NOON, RUN
from workflows.models import Begun, Finished, Notice, Question, Spend, Usage
from workflows.tracing import Place, span_id, trace_id

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def database(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/house.db")
    database.prepare()
    yield database
    database.close()


@pytest.fixture
def store(database):
    return InvocationStore(database)


def begun(invocation=RUN, **changes):
    item = "tee" if invocation == ITEM else ""
    values = {
        "id": invocation,
        "name": "image_production",
        "pipeline": "image_production",
        "scope": SCOPE.model_copy(update={"item": item, "tenant": "acme"}),
        "workflow_id": invocation.partition("/")[0],
        "workflow_run_id": "first",
        "at": NOON,
    }
    return Begun(**values | changes)


def finished(invocation=RUN, **changes):
    spend = Spend(micro_usd=900, usage=Usage(input=5), turns=3, tool_calls=2)
    values = {"id": invocation, "status": "complete", "spend": spend, "events": 70, "bytes": 9_000, "at": NOON}
    return Finished(**values | changes)


async def kept(database, invocation=RUN):
    return await database.read(lambda session: session.get(InvocationRow, invocation))


async def ask(database, question, item="", kind="question", **changes):
    asked = Question(
        id=question, scope=SCOPE.model_copy(update={"item": item}), title="Tee", reason="Is it?", asked_at=NOON
    )
    await Told(database).tell(Notice(kind=kind, question=asked, at=NOON, **changes))


async def test_it_begins_in_a_trace_of_its_own_under_ids_that_are_always_the_same(store, database):
    await store.begin(begun())
    row = await kept(database)
    assert (row.trace_id, row.span_id, row.parent_span_id) == (trace_id(RUN), span_id(RUN), "")
    assert (row.name, row.run, row.item, row.tenant, row.status, row.trace_flags) == (
        *("image_production", "run-1", "", "acme"),
        *("", ""),
    )
    assert (row.started_at, row.ended_at) == (NOON, None)


async def test_whoever_ordered_it_stands_above_it(store, database):
    await store.begin(begun(traceparent=TRACEPARENT))
    row = await kept(database)
    assert (row.trace_id, row.parent_span_id, row.trace_flags) == (
        *("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"),
        "01",
    )


@pytest.mark.parametrize(
    "garbled",
    [
        "nonsense",
        TRACEPARENT.upper(),
        TRACEPARENT.replace("0af7651916cd43dd8448eb211c80319c", "0" * 32),
        TRACEPARENT.replace("b7ad6b7169203331", "0" * 16),
        f"{TRACEPARENT}-and-more",
    ],
)
async def test_a_trace_context_that_is_none_is_ignored(store, database, garbled):
    await store.begin(begun(traceparent=garbled))
    assert (await kept(database)).trace_id == trace_id(RUN)


async def test_an_item_stands_under_its_run_and_in_its_trace(store, database):
    await store.begin(begun(traceparent=TRACEPARENT.removesuffix("01") + "00"))
    await store.begin(begun(ITEM, parent="run-1"))
    run, item = await kept(database), await kept(database, ITEM)
    assert (item.trace_id, item.parent_span_id, item.trace_flags) == (run.trace_id, run.span_id, "00")


async def test_of_two_runs_under_one_id_an_item_belongs_to_the_later_one(store, database):
    await store.begin(begun("run-1/00000000aaaa", at=NOON - timedelta(days=1)))
    await store.begin(begun())
    await store.begin(begun(ITEM, parent="run-1"))
    assert (await kept(database, ITEM)).parent_span_id == span_id(RUN)


async def test_what_continues_as_new_is_one_invocation_that_began_once(store, database):
    await store.begin(begun())
    await store.begin(begun(workflow_run_id="second", at=NOON + timedelta(hours=1), traceparent=TRACEPARENT))
    row = await kept(database)
    count = await database.read(lambda session: session.query(InvocationRow).count())
    assert (count, row.workflow_run_id, row.started_at, row.trace_id) == (1, "second", NOON, trace_id(RUN))


async def test_its_end_is_kept_once_with_what_it_came_to(store, database):
    await store.begin(begun())
    await store.finish(finished(at=NOON + timedelta(minutes=5)))
    await store.finish(finished(status="failed", spend=Spend(), at=NOON + timedelta(minutes=9)))
    row = await kept(database)
    assert (row.status, row.ended_at) == ("complete", NOON + timedelta(minutes=5))
    assert (row.micro_usd, row.turns, row.tool_calls, row.events, row.bytes) == (900, 3, 2, 70, 9_000)


async def test_the_end_of_what_never_began_changes_nothing(store, database):
    await store.finish(finished())
    assert await kept(database) is None


async def test_the_questions_of_an_item_count_for_it_alone_and_reminders_for_nobody(store, database):
    await store.begin(begun())
    await store.begin(begun(ITEM, parent="run-1"))
    for question in ("q1", "q2"):
        await ask(database, question, item="tee")
    await ask(database, "q1", item="tee", kind="reminder")
    await store.finish(finished(ITEM))
    await store.finish(finished())
    assert ((await kept(database, ITEM)).asked, (await kept(database)).asked) == (2, 0)


def test_a_place_knows_whether_its_trace_is_recorded():
    assert [Place.read(f"{TRACEPARENT[:-2]}{flags}").sampled for flags in ("00", "01", "02", "03")] == [
        *(False, True),
        *(False, True),
    ]
    assert Place("t", "s").sampled
