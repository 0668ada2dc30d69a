"""`kill -9` of what a worker leans on: the Temporal server, the model's endpoint."""

import asyncio

import pytest
from temporalio.service import RPCError

from console.processes import free_port
from rehearsal.scripts import Script, answer, call, forever, later
from screentest import servers as temporal
from tests.chaos.processes import endpoint, environment, kill, worker
from tests.scenarios.shoots import brief, ended, state_of, until

TURNS = 12
AWAY = 3.0
"""Seconds that a killed part is away."""


@pytest.fixture
def own_server(tmp_path):
    """A Temporal server of this test's own: its port, its database, its process."""
    port, database = free_port(), tmp_path / "temporal.db"
    process = temporal.start(port, database)
    yield port, database, process
    kill(process)


async def test_a_run_goes_on_when_its_temporal_server_was_killed_and_comes_back(empty_stage, own_server):
    port, database, process = own_server
    address = f"127.0.0.1:{port}"
    player = Script({"assistant": [forever(_look_around)]})
    async with empty_stage(player, address) as stage, worker(environment(stage, address)):
        handle = await stage.start_agent(tools=("venue_rules",))
        await until(lambda: _asked(stage, TURNS // 2))
        kill(process)
        await asyncio.sleep(AWAY)
        with temporal.serve(port, database):
            outcome = await _patiently(handle)
    assert (outcome.status, outcome.spend.turns, outcome.spend.tool_calls) == ("complete", TURNS, TURNS - 1)
    assert len(stage.rehearsal.requests) == TURNS  # what was answered while the server was away was not asked again


def _look_around(request):
    if request.turn >= TURNS:
        return answer({"answer": "Seen."})
    return later(0.1, call("venue_rules", profile=f"venue.{request.turn}"))


async def _asked(stage, times):
    return len(stage.rehearsal.requests) >= times


async def _patiently(handle):
    """Wait for the end; the client gives up on a server that is away, the run does not."""
    while True:
        try:
            return await ended(handle)
        except RPCError:
            await asyncio.sleep(0.5)


async def test_a_run_waits_for_a_killed_model_endpoint_and_goes_on_when_it_is_back(empty_stage, server):
    port = free_port()
    async with empty_stage(Script({})) as stage, worker(environment(stage, server, f"http://127.0.0.1:{port}")):
        with endpoint(port):
            handle = await stage.start_production(brief())
            await until(lambda: _is_planned(handle))
        await asyncio.sleep(AWAY)
        with endpoint(port):
            run = await ended(handle)
        entries = await stage.world.catalog.entries.of_run(run.id)
        log = await stage.records.entries(run.id)
    assert (run.status, len(entries)) == ("complete", 1)
    assert [entry for entry in log if entry["action"] == "error"], "nothing was asked while nobody answered"


async def _is_planned(handle):
    return (await state_of(handle)).plan is not None
