"""The runs of a batch: so many at once, under one cap, by a workflow whose history knows only how many there are."""

import json
import uuid
from datetime import timedelta

from activities.slates import SlateStore
from tests.replay.record import readable
from tests.scenarios.agents import DONE, assistant, count, ended
from tests.scenarios.slates import hand_in
from workflows.models import ReviewPolicy

SILENCE = ReviewPolicy(reminders=(), deadline=timedelta(0))
GOALS = [f"Goal {number} of a kind." for number in range(6)]


def name():
    return f"b{uuid.uuid4().hex[:8]}"


async def test_the_cap_of_a_batch_holds_for_all_its_runs_together(play):
    batch = name()
    async with play(assistant(DONE)) as stage:
        state = await ended(await hand_in(stage, batch, *GOALS, micro_usd=9_500, at_once=1, review=SILENCE))
        [account] = await stage.world.ledger.accounts(f"batch:{batch}")
        [first, *_] = await SlateStore(stage.world.database).runs(batch, "failed")
        [asked, *_] = await stage.world.people.questions(first.run)
    assert state.status == "partial"
    assert set(state.counts) == {"complete", "failed"}
    assert sum(state.counts.values()) == len(GOALS)
    assert 0 < account.spent <= account.cap == 9_500
    assert state.spend.micro_usd == account.spent
    assert (asked.question.kind, asked.question.account) == ("budget", f"batch:{batch}")


async def test_a_batch_outlives_its_workers_and_its_history_holds_no_input(play):
    batch = name()
    async with play(assistant(DONE), working=False) as stage:
        slate = await hand_in(stage, batch, *GOALS)
        await stage.work()
        await stage.restart()
        state = await ended(slate)
        history = readable(json.loads((await slate.fetch_history()).to_json()))
        asked = len(stage.rehearsal.requests)
        children = await count(slate, "START_CHILD_WORKFLOW_EXECUTION_INITIATED")
    assert (state.status, state.counts, state.items) == ("complete", {"complete": len(GOALS)}, ())
    assert (asked, children) == (len(GOALS), 0)
    assert batch in history
    assert not any(goal in history for goal in GOALS)
