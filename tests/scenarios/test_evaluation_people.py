"""A person decides about every candidate, by name and in writing; nothing else ever does."""

from datetime import timedelta

import pytest
from temporalio.client import WorkflowFailureError, WorkflowUpdateFailedError

from activities.hiring_records import HiringRecords
from rehearsal.roles import Roles
from tests.scenarios.shoots import talks, told, until
from tests.scenarios.vacancies import (
    GOOD,
    SERVING,
    candidate,
    decide,
    ended,
    evaluated,
    file,
    kinds,
    open_vacancy,
    requirement,
    role,
    shown,
    start,
)
from workflows.models import ReviewPolicy, ReviewStep
from workflows.models.hiring import EvaluationOrder

FIRST_VIEW = {"first_view": True}
INES = {"name": "Ines", "authority": "Head baker", "training": "Fair hiring, 2026"}


async def kept(stage, run, key="ada"):
    files = await HiringRecords(stage.world.database).of_run(run.id)
    return next(each for each in files if each.key == key)


async def test_a_decision_is_kept_with_who_what_was_seen_and_why(play):
    policy = {"first_view": False, "reviewers": [INES], "retention_days": 30}
    async with play(Roles()) as stage:
        run, state = await evaluated(stage, GOOD, policy=policy)
        question = await stage.until_asked(candidate(stage, run, "ada"))
        await decide(stage, run, "ada", note="Ten years of ovens.")
        outcome = await ended(run)
        found = await kept(stage, run)
    decision = found.decision
    assert (decision.outcome, decision.stance, decision.by) == ("advance", "approved", "Ines")
    assert (decision.authority, decision.training) == ("Head baker", "Fair hiring, 2026")
    assert decision.justification == "Ten years of ovens."
    assert decision.digest == question["digest"] == state.evaluation.digest == found.evaluation
    assert decision.shown[0] == decision.digest
    assert (decision.total, decision.standing) == (69, "meets")
    assert set(found.notices) == {"use", "outcome"}
    assert "Ines decided this" in found.notices["outcome"]
    assert found.keep_until == decision.decided_at.date() + timedelta(days=30)
    assert (outcome.status, outcome.counts) == ("complete", {"decided": 1})


async def test_before_a_decision_there_is_no_outcome_to_send(play):
    async with play(Roles()) as stage:
        run, _ = await evaluated(stage, GOOD)
        found = await kept(stage, run)
    assert set(found.notices) == {"use"}
    assert found.decision is None


@pytest.mark.parametrize(
    ("text", "choice", "stance"),
    [
        (GOOD, "approve", "approved"),
        (GOOD, "reject", "overrode"),
        ("Baked sourdough in ovens.\n\nServed customers.", "reject", "approved"),
        ("Baked sourdough in ovens.\n\nServed customers.", "approve", "overrode"),
        ("Served customers and kept the till.", "reject", "overrode"),
    ],
    ids=["meets, on", "meets, not on", "below, not on", "below, on", "open, not on"],
)
async def test_a_decision_follows_the_evaluation_or_overrides_it(play, text, choice, stance):
    async with play(Roles()) as stage:
        run, _ = await evaluated(stage, text)
        await decide(stage, run, "ada", choice)
        await ended(run)
        decision = (await kept(stage, run)).decision
    assert decision.stance == stance
    assert decision.outcome == ("advance" if choice == "approve" else "decline")


@pytest.mark.parametrize("choice", ["approve", "reject"])
async def test_a_decision_without_a_justification_is_refused(play, choice):
    async with play(Roles()) as stage:
        run, _ = await evaluated(stage, GOOD)
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await decide(stage, run, "ada", choice, note="  ")
        assert "justification" in str(refused.value.cause)
        assert (await kept(stage, run)).decision is None


async def test_silence_never_decides_whatever_was_ordered(play):
    soon = timedelta(seconds=1)
    chain = (ReviewStep(owner="leads", deadline=soon, reminders=()),)
    hasty = ReviewPolicy(owner="nobody", reminders=(timedelta(0),), deadline=soon, then=chain, fallback="reject")
    async with play(Roles()) as stage:
        docket = await file(stage.world.assets, {"ada": ("Ada Blum", GOOD)})
        run = await start(stage, EvaluationOrder(docket=docket, review=hasty))
        handle = candidate(stage, run, "ada")
        await stage.until_asked(handle)

        async def held():
            return bool(await told(stage, run.id, "held"))

        await until(held)  # everybody's deadline has passed
        assert [each.question.owner for each in await told(stage, run.id, "moved")] == ["leads"]
        assert await told(stage, run.id, "expired") == []
        assert await told(stage, run.id, "decided") == []
        assert (await shown(stage, run, "ada")).outcome is None
        await decide(stage, run, "ada", "reassign", note="", to="Noor")
        assert (await handle.query("question"))["owner"] == "Noor"
        await decide(stage, run, "ada", by="Noor")
        assert (await ended(run)).counts == {"decided": 1}


async def test_a_reviewer_says_what_they_think_before_they_are_shown_a_score(play):
    async with play(Roles()) as stage:
        run, before = await evaluated(stage, GOOD, policy=FIRST_VIEW)
        asked = await stage.until_asked(candidate(stage, run, "ada"))
        assert before.evaluation is None
        assert "total" not in asked["reason"]
        assert asked["options"] == ["approve"]  # nobody is decided about here
        await decide(stage, run, "ada", note="Bakes well, sells little.")

        async def scored():
            return (await shown(stage, run, "ada")).evaluation is not None

        await until(scored)
        await decide(stage, run, "ada")
        await ended(run)
        decision = (await kept(stage, run)).decision
    assert (decision.first_view.text, decision.first_view.by) == ("Bakes well, sells little.", "Ines")
    assert decision.first_view.at <= decision.asked_at


async def test_a_score_that_a_person_sets_is_kept_beside_the_old_one_and_the_total_follows(play):
    async with play(Roles()) as stage:
        run, first = await evaluated(stage, "Served customers and kept the till.")
        assert kinds(first) == ["missing_must_have"]
        await decide(
            stage, run, "ada", "revise", note="set baking to 4: I ate her bread\nset charm to 2: no such thing"
        )

        async def changed():
            return bool((await shown(stage, run, "ada")).evaluation.changes)

        await until(changed)
        second = await shown(stage, run, "ada")
        assert "There is no requirement charm; there are baking, serving." in second.question
        await decide(stage, run, "ada")
        await ended(run)
        decision = (await kept(stage, run)).decision
    (change,) = second.evaluation.changes
    assert (change.requirement, change.before, change.score, change.by) == ("baking", None, 4, "Ines")
    assert change.reason == "I ate her bread"
    assert (second.evaluation.total, second.evaluation.standing) == (88, "meets")
    assert second.evaluation.digest != first.evaluation.digest
    assert (decision.stance, decision.digest) == ("modified", second.evaluation.digest)
    assert decision.changes == second.evaluation.changes


async def test_an_answer_to_what_was_shown_before_a_change_is_not_taken(play):
    async with play(Roles()) as stage:
        run, first = await evaluated(stage, GOOD)
        await decide(stage, run, "ada", "revise", note="set baking to 1: stale bread")

        async def changed():
            return bool((await shown(stage, run, "ada")).evaluation.changes)

        await until(changed)
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await decide(stage, run, "ada", digest=first.evaluation.digest)
    assert refused.value.cause.type == "StaleQuestion"


async def test_a_note_has_everything_looked_at_again_with_the_note(play):
    async with play(Roles()) as stage:
        run, _ = await evaluated(stage, GOOD)
        await decide(stage, run, "ada", "revise", note="The candidate says that the ovens were electric.")

        async def again():
            return len(await talks(stage, run.id, "summariser")) > 1

        await until(again)
        await shown(stage, run, "ada")
        tasks = [str(each["messages"][0]) for each in await talks(stage, run.id, "evaluator")]
    assert len(tasks) == 8
    assert sum("the ovens were electric" in task for task in tasks) == 4


async def test_candidates_who_wait_for_a_person_keep_nobody_else_waiting(play):
    people = {key: (f"{key} Blum", GOOD) for key in ("ada", "ben", "cleo")}
    async with play(Roles()) as stage:
        order = EvaluationOrder(docket=await file(stage.world.assets, people), concurrency=1)
        run = await start(stage, order)
        for key in people:
            await shown(stage, run, key)
        for key in reversed(people):
            await decide(stage, run, key)
        assert (await ended(run)).counts == {"decided": 3}


async def test_a_changed_rubric_needs_a_new_version(play):
    async with play(Roles()) as stage:
        await evaluated(stage, GOOD)
        softer = role(requirement("baking", "sourdough"), SERVING)
        run = await open_vacancy(stage, {"ben": ("Ben Blum", GOOD)}, of=softer)
        with pytest.raises(WorkflowFailureError) as failed:
            await ended(run)
        assert failed.value.cause.cause.type == "RubricChanged"
        renewed = role(requirement("baking", "sourdough"), SERVING, version="2")
        again = await open_vacancy(stage, {"ben": ("Ben Blum", GOOD)}, of=renewed)
        assert (await shown(stage, again, "ben")).evaluation.version == "2"


async def test_evaluators_that_run_out_of_money_ask_once_and_a_no_is_no_decision_about_the_candidate(play):
    async with play(Roles()) as stage:
        run = await open_vacancy(stage, {"ada": ("Ada Blum", GOOD)}, usd=(5.0, 0.002))
        handle = candidate(stage, run, "ada")
        question = await stage.until_asked(handle)
        assert question["kind"] == "budget"
        await decide(stage, run, "ada", "reject", note="")

        async def asked_about_ada():
            found = await handle.query("question")
            return found is not None and found["kind"] == "candidate"

        await until(asked_about_ada)
        state = await shown(stage, run, "ada")
        asked = [each for each in await told(stage, run.id, "question") if each.question.kind == "budget"]
    assert len(asked) == 1
    assert set(kinds(state)) == {"unfinished"}
    assert (state.evaluation.standing, state.outcome) == ("open", None)


async def test_more_money_lets_all_evaluators_go_on_where_they_stood(play):
    async with play(Roles()) as stage:
        run = await open_vacancy(stage, {"ada": ("Ada Blum", GOOD)}, usd=(5.0, 0.004))
        handle = candidate(stage, run, "ada")
        await stage.until_asked(handle)
        await decide(stage, run, "ada", "top_up", note="", micro_usd=1_000_000)

        async def asked_about_ada():
            found = await handle.query("question")
            return found is not None and found["kind"] == "candidate"

        await until(asked_about_ada)
        state = await shown(stage, run, "ada")
    assert kinds(state) == []
    assert state.evaluation.total == 69


async def test_a_cancelled_evaluation_is_no_decision(play):
    async with play(Roles()) as stage:
        run, _ = await evaluated(stage, GOOD)
        await run.cancel()
        with pytest.raises(WorkflowFailureError):
            await ended(run)

        async def settled():
            return (await kept(stage, run)).status == "cancelled"

        await until(settled)
        assert (await kept(stage, run)).decision is None
