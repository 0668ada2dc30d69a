"""Escalation as a process: the evidence, the chain of people, claims, edits, and a question that outlives its run."""

import asyncio
from datetime import timedelta

import pytest

from activities.deciding import NotTaken
from rehearsal.scripts import call, forever
from tests.scenarios.agents import DONE, assistant, bodies, count, last_words
from tests.scenarios.agents import decide as answer
from tests.scenarios.shoots import GREY, KEY, asked, brief, cast, decide, ended, repeat_direction, said_to, talks, until
from tests.scenarios.signing import desk, person, seal
from workflows.models import Decision, Question, ReviewPolicy, ReviewStep

HELP = call("escalate_to_human", reason="The door is locked.", question="Is there a key?")
SHORT = timedelta(seconds=1.5)
CHAIN = ReviewPolicy(
    owner="reviewers",
    reminders=(timedelta(seconds=0.4), timedelta(seconds=0.8)),
    deadline=SHORT,
    then=(ReviewStep(owner="leads", least="lead", reminders=(timedelta(seconds=0.5),), deadline=SHORT),),
)


async def kinds(stage, run, *others):
    """What people were told of a run, in order, and who was asked then."""
    notices = await stage.world.people.questions(run)
    return [(each.kind, each.question.owner) for each in notices if not others or each.kind in others]


async def open_question(handle) -> Question | None:
    return await handle.query("question", result_type=Question)


async def waiting(stage, **order):
    run = await stage.start_production(brief(), **order)
    item = stage.item(run.id, KEY)
    return run, item, await asked(stage, item)


async def test_a_question_shows_every_attempt_with_its_facts_scores_and_reasons(play):
    async with play(cast(GREY, refiner=[forever(repeat_direction)])) as stage:
        run, item, question = await waiting(stage, refinements=2)
        receipt = await decide(item, "approve", note="the grey is wanted")
        await ended(run)
        (_, kept), *_ = await stage.world.catalog.items(run.id)
    tries = question.tries
    assert [each.attempt.number for each in tries] == [1, 2, 3]
    assert all(each.facts and len(each.criteria) == 5 and each.criteria[0].reasoning for each in tries)
    assert len({each.attempt.digest for each in tries}) == 3
    assert (question.kind, question.micro_usd > 0, question.due_at > question.asked_at) == ("review", True, True)
    assert question.instruction.startswith("Front view, set background_light to 0.7")
    assert receipt.overrides == question.objections == kept.overrides
    assert any("background_white" in objection for objection in receipt.overrides)


async def test_an_edited_instruction_is_exactly_what_runs(play):
    async with play(cast(GREY)) as stage:
        run, item, question = await waiting(stage, refinements=0)
        edited = question.instruction.replace("0.7", "1.3")
        await decide(item, "edit", edited=edited)
        state = await ended(item)
        await ended(run)
        second = (await talks(stage, item.id, "generator"))[1]
    assert f"## Direction\n{edited}\n" in said_to(second)
    assert (state.status, state.decided_by) == ("published", "gate")


async def test_the_chain_reminds_hands_on_and_at_its_end_rejects(play):
    async with play(assistant(HELP, DONE)) as stage:
        handle = await stage.start_agent(review=CHAIN)
        outcome = await ended(handle)
        told = await kinds(stage, handle.id)
    reviewers, leads = "reviewers", "leads"
    assert told == [
        ("question", reviewers),
        ("reminder", reviewers),
        ("reminder", reviewers),
        ("moved", leads),
        ("reminder", leads),
        ("expired", leads),
    ]
    assert (outcome.status, outcome.reason) == ("failed", "nobody answered before the deadline")


async def test_the_next_of_the_chain_may_answer_and_those_before_may_not_any_more(play):
    patient = CHAIN.model_copy(update={"then": (ReviewStep(owner="leads", least="lead"),)})
    async with play(assistant(HELP, DONE)) as stage:
        handle = await stage.start_agent(review=patient)
        await stage.until_asked(handle)
        await desk(stage).deliver(handle.id, await seal(handle, Decision(choice="claim", by="Vera")))
        await until(lambda: kinds(stage, handle.id, "moved"))
        moved = await open_question(handle)
        yes = Decision(choice="answer", by="Noor", note="Climb.")
        with pytest.raises(NotTaken, match="takes the role lead"):
            await desk(stage).deliver(handle.id, await seal(handle, yes, person("Noor", role="reviewer")))
        await desk(stage).deliver(handle.id, await seal(handle, yes, person("Noor", role="lead")))
        outcome = await ended(handle)
    assert (moved.owner, moved.least, moved.claimed_by, moved.then) == ("leads", "lead", "", ())
    assert outcome.status == "complete"


async def test_who_claims_a_question_holds_it_until_it_is_released(play):
    async with play(assistant(HELP, DONE)) as stage:
        handle = await stage.start_agent()
        await stage.until_asked(handle)

        async def send(choice, by, role="reviewer", **more):
            decision = Decision(choice=choice, by=by, **more)
            return await desk(stage).deliver(handle.id, await seal(handle, decision, person(by, role=role)))

        await send("claim", "Vera")
        with pytest.raises(NotTaken, match="Vera has claimed this question since"):
            await send("answer", "Noor", note="Climb.")
        await send("release", "Tove", role="lead")
        await send("claim", "Noor")
        held = await open_question(handle)
        await send("answer", "Noor", note="Climb.")
        await ended(handle)
        told = [kind for kind, _ in await kinds(stage, handle.id)]
    assert held.claimed_by == "Noor"
    assert told == ["question", "claimed", "conflict", "released", "claimed", "decided"]


async def test_an_answer_to_a_question_that_ran_out_is_told_that_it_is_too_late(play):
    quick = ReviewPolicy(reminders=(), deadline=timedelta(seconds=1))
    async with play(cast(GREY)) as stage:
        run, item, question = await waiting(stage, refinements=0, review=quick)
        late = await seal(item, Decision(choice="approve", by="Vera"))
        await until(lambda: kinds(stage, run.id, "expired"))
        with pytest.raises(NotTaken, match="Too late"):
            await desk(stage).deliver(item.id, late)
        await ended(run)
        (expired,) = [each for each in await stage.world.people.of_question(question.id) if each.kind == "expired"]
    assert (expired.decision.by, expired.decision.choice) == ("deadline", "reject")


async def test_an_open_question_and_a_late_answer_survive_that_the_run_goes_on_as_new(play):
    """A history that is full while people are asked is left behind; the question stays the same one."""
    async with play(assistant(HELP, HELP, DONE)) as stage:
        handle = await stage.start_agent()
        first = Question.model_validate(await stage.until_asked(handle))
        run = await latest_run(handle)
        long = "Thinking about it. " * 200
        while await latest_run(handle) == run:
            for choice in ("claim", "release"):
                sealed = await seal(handle, Decision(choice=choice, by="Vera", note=long))
                await desk(stage).deliver(handle.id, sealed)
        asked_still = await open_question(handle)
        late = await seal(handle, Decision(choice="answer", by="Noor", note="Break it."))
        await answer(handle, "answer", "The key is under the mat.")
        await until(lambda: _asks_another(handle, first))
        with pytest.raises(NotTaken, match="Already decided: Vera chose answer"):
            await desk(stage).deliver(handle.id, late)
        await answer(handle, "answer", "Climb.")
        outcome = await ended(handle)
        told = [kind for kind, _ in await kinds(stage, handle.id)]
        words = [last_words(body) for body in bodies(stage)[1:]]
    assert (asked_still.id, asked_still.asked_at, asked_still.due_at) == (first.id, first.asked_at, first.due_at)
    assert words == [["Vera answers: The key is under the mat."], ["Vera answers: Climb."]]
    assert (outcome.status, told.count("question"), told.count("decided")) == ("complete", 2, 2)


async def latest_run(handle):
    return (await handle.describe()).run_id


async def _asks_another(handle, first):
    question = await open_question(handle)
    return question is not None and question.id != first.id


async def test_a_signal_that_comes_while_no_worker_is_up_is_heard_when_one_is(play):
    async with play(assistant(HELP, DONE), working=False) as stage:
        workers = stage.world.workers(stage.client)
        running = [asyncio.create_task(worker.run()) for worker in workers]
        handle = await stage.start_agent()
        await stage.until_asked(handle)
        sealed = await seal(handle, Decision(choice="answer", by="Vera", note="The key is under the mat."))
        await asyncio.gather(*(worker.shutdown() for worker in workers))
        await asyncio.gather(*running)
        await handle.signal("decide", sealed)
        again = [asyncio.create_task(worker.run()) for worker in stage.world.workers(stage.client)]
        outcome = await ended(handle)
        for task in again:
            task.cancel()
        await asyncio.gather(*again, return_exceptions=True)
        heard = await count(handle, "WORKFLOW_EXECUTION_SIGNALED")
    assert (outcome.status, heard) == ("complete", 1)
