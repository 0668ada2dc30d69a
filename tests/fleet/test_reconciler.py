"""What the server ends from outside is closed in the records too, by one worker of the fleet."""

import asyncio
import uuid
from datetime import timedelta

import pytest

from activities.database import Database
from activities.duties import take
from activities.invocation_tables import InvocationRow
from activities.reconciler import Reconciler
from rehearsal.scripts import call, forever
from tests.scenarios.agents import assistant
from tests.scenarios.shoots import until
from workflows.models import AgentOrder

ASKS = call("escalate_to_human", reason="I must not decide this.")


async def test_a_workflow_that_is_terminated_or_out_of_time_is_closed_and_one_that_waits_is_not(play):
    async with play(assistant(forever(ASKS))) as stage:
        terminated, waits = [await stage.start_agent() for _ in range(2)]
        for handle in (terminated, waits):
            await stage.until_asked(handle)
        late = await _with_little_time(stage)
        await terminated.terminate("by an operator")
        reconciler = Reconciler(stage.world.database, stage.client, settled=timedelta(0))
        closed = []

        async def both():
            closed.extend(await reconciler.round())
            return len(closed) >= 2

        await until(both)
        again = await reconciler.round()
        rows = {name: await _row(stage, name) for name in (terminated.id, late, waits.id)}
        spent = await stage.records.costs(terminated.id)
    assert (rows[terminated.id].status, rows[late].status, rows[waits.id].status) == ("terminated", "timed out", "")
    assert sorted(closed) == sorted([rows[terminated.id].id, rows[late].id])
    assert again == ()
    ended = rows[terminated.id]
    assert ended.ended_at is not None
    assert ended.micro_usd == sum(line["micro_usd"] for line in spent) > 0
    assert ended.events > 0


async def test_where_a_new_run_has_the_name_of_one_that_was_terminated_only_the_old_one_is_closed(play):
    async with play(assistant(forever(ASKS))) as stage:
        old = await stage.start_agent()
        await stage.until_asked(old)
        await old.terminate()
        new = await stage.client.start_workflow(
            "SingleAgent", AgentOrder(goal="Again."), id=old.id, task_queue=stage.queue
        )
        await stage.until_asked(new)
        before = await stage.world.database.read(lambda session: session.query(InvocationRow).all())
        closed = await Reconciler(stage.world.database, stage.client, settled=timedelta(0)).round()
    assert closed == tuple(each.id for each in before if each.id.endswith(old.first_execution_run_id[-12:]))
    assert (len(before), len(closed)) == (2, 1)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_of_all_who_ask_for_a_duty_one_gets_it_until_it_is_due_again(kind, request, tmp_path):
    url = f"sqlite:///{tmp_path / 'duties.db'}" if kind == "sqlite" else request.getfixturevalue("postgres_url")
    database = Database(url)
    database.prepare()
    long, none = timedelta(hours=1), timedelta(0)
    taken = await asyncio.gather(*(take(database, "sweep", long) for _ in range(8)))
    later = (
        await take(database, "sweep", long),
        await take(database, "other", none),
        await take(database, "other", none),
    )
    database.close()
    assert sorted(taken) == [*[False] * 7, True]
    assert later == (False, True, True)


async def _with_little_time(stage):
    name = f"late-{uuid.uuid4().hex[:8]}"
    handle = await stage.client.start_workflow(
        "SingleAgent",
        AgentOrder(goal="Find the way."),
        id=name,
        task_queue=stage.queue,
        execution_timeout=timedelta(seconds=5),
    )
    await stage.until_asked(handle)
    return name


async def _row(stage, workflow):
    def read(session):
        return session.query(InvocationRow).filter_by(workflow_id=workflow).one()

    return await stage.world.database.read(read)
