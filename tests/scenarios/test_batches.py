"""Runs that can wait: their calls go through batches, at half the price, and nothing is lost on the way."""

import asyncio

import pytest
from sqlalchemy import select

from activities.batch_tables import BatchCallRow
from rehearsal.scripts import call, expire, later
from tests.chaos.processes import environment, worker
from tests.scenarios.agents import DONE, assistant, ended
from tests.scenarios.shoots import until


@pytest.fixture(autouse=True)
def _short_window(monkeypatch):
    monkeypatch.setenv("CALLSHEET_BATCH_WINDOW", "2")


async def test_two_runs_that_can_wait_share_one_batch_and_pay_half(play):
    async with play(assistant(DONE, DONE, DONE)) as stage:
        usual = await stage.run_agent()
        outcomes = await asyncio.gather(*(stage.run_agent(patience="batch") for _ in range(2)))
        _, *batched = stage.rehearsal.requests
        told = sum(outcome.spend.micro_usd for outcome in (usual, *outcomes))
        billed = stage.rehearsal.bill
        ledger = await stage.world.ledger.accounts("fleet/month/")
    assert [outcome.status for outcome in outcomes] == ["complete", "complete"]
    assert (len({entry.batch for entry in batched}), len(batched)) == (1, 2)
    assert all(0 < outcome.spend.micro_usd < usual.spend.micro_usd * 2 // 3 for outcome in outcomes)
    assert [(account.spent, account.reserved) for account in ledger] == [(told, 0)] == [(billed, 0)]


async def test_a_run_whose_batch_expires_is_answered_without_one(play):
    async with play(assistant(expire(), DONE)) as stage:
        outcome = await stage.run_agent(patience="batch")
        asked = [bool(entry.batch) for entry in stage.rehearsal.requests]
        billed = stage.rehearsal.bill
    assert (outcome.status, asked, outcome.spend.micro_usd) == ("complete", [True, False], billed)


async def test_a_worker_that_is_killed_while_calls_are_out_loses_none_of_them(play, server):
    checks = call("venue_rules", profile="google.merchant")
    async with play(assistant(checks, later(1, DONE)), working=False, batch_delay=1.0) as stage:
        env = environment(stage, server) | {"CALLSHEET_BATCH_WINDOW": "1"}
        async with worker(env):
            handle = await stage.start_agent(tools=("venue_rules",), patience="batch")
            await until(lambda: _is(stage, "out"))
        async with worker(env):
            outcome = await ended(handle)
        requests, billed = len(stage.rehearsal.requests), stage.rehearsal.bill
    assert (outcome.status, requests, outcome.spend.micro_usd) == ("complete", 2, billed)


async def _is(stage, state):
    query = select(BatchCallRow.state)
    return state in await stage.world.database.read(lambda session: session.scalars(query).all())
