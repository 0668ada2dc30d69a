"""An agent and the people it turns to: one question, one answer, and what silence means."""

import asyncio
from datetime import timedelta

import pytest
from temporalio.client import WorkflowUpdateFailedError

from rehearsal.scripts import call, later
from tests.scenarios.agents import DONE, asked_again, assistant, bodies, decide, ended, last_words
from tests.scenarios.signing import seal
from tests.scenarios.stage import PATIENCE
from workflows.models import Decision, ReviewPolicy

HELP = call("escalate_to_human", reason="The door is locked.", question="Is there a key?")


async def refused(handle, choice, note="", **more):
    """Give an answer that is not taken, and return the type of the refusal with its text."""
    with pytest.raises(WorkflowUpdateFailedError) as caught:
        await decide(handle, choice, note, **more)
    return caught.value.cause.type, caught.value.cause.message


async def kinds(stage, handle):
    """What people were told, in order."""
    return [notice.kind for notice in await stage.world.people.questions(handle.id)]


async def test_a_persons_note_reaches_the_agent_and_it_goes_on(play):
    async with play(assistant(HELP, DONE)) as stage:
        handle = await stage.start_agent()
        question = await stage.until_asked(handle)
        receipt = await decide(handle, "revise", "The key is under the mat.", question=question["id"])
        outcome = await ended(handle)
        told, notices = last_words(bodies(stage)[1]), await kinds(stage, handle)
    assert question["reason"] == "The door is locked. Is there a key?"
    assert (receipt["by"], receipt["question"]) == ("Vera", question["id"])
    assert told == ["Vera answers: The key is under the mat."]
    assert (outcome.status, notices) == ("complete", ["question", "decided"])


async def test_a_person_who_says_no_ends_the_run_with_their_reason(play):
    async with play(assistant(HELP, DONE)) as stage:
        handle = await stage.start_agent()
        await stage.until_asked(handle)
        await decide(handle, "reject", "Forget the door.")
        outcome = await ended(handle)
        requests = len(bodies(stage))
    assert (outcome.status, outcome.reason, requests) == ("failed", "Forget the door.", 1)


async def test_an_answer_may_come_by_signal(play):
    async with play(assistant(HELP, DONE)) as stage:
        handle = await stage.start_agent()
        await stage.until_asked(handle)
        await handle.signal("decide", await seal(handle, Decision(choice="revise", by="Omar", note="Climb.")))
        outcome = await ended(handle)
        told = last_words(bodies(stage)[1])
    assert (outcome.status, told) == ("complete", ["Omar answers: Climb."])


async def test_the_first_answer_counts_and_the_second_is_told_so(play):
    async with play(assistant(HELP, later(1.5, DONE))) as stage:
        handle = await stage.start_agent()
        await stage.until_asked(handle)
        await decide(handle, "revise", "Climb.")
        kind, text = await refused(handle, "reject")
        outcome = await ended(handle)
    assert (kind, outcome.status) == ("AlreadyDecided", "complete")
    assert text.startswith("Already decided: Vera chose revise at ")


async def test_an_answer_that_does_not_fit_the_question_is_refused_and_the_waiting_goes_on(play):
    async with play(assistant(HELP, HELP, DONE)) as stage:
        handle = await stage.start_agent()
        first = await stage.until_asked(handle)
        await decide(handle, "revise", "Look again.", question=first["id"])
        second = await asked_again(stage, handle, first)
        refusals = [
            await refused(handle, "reject", question=first["id"]),
            await refused(handle, "approve"),
            await refused(handle, "revise", "  "),
            await refused(handle, "reassign"),
        ]
        await decide(handle, "revise", "Climb.", question=second["id"])
        outcome = await ended(handle)
    assert [kind for kind, _ in refusals] == ["AlreadyDecided", "NotAnOption", "NoteMissing", "OwnerMissing"]
    assert outcome.status == "complete"


async def test_an_answer_before_anything_is_asked_is_refused(play):
    async with play(assistant(later(1.0, DONE))) as stage:
        handle = await stage.start_agent()
        kind, _ = await refused(handle, "reject")
        outcome = await ended(handle)
    assert (kind, outcome.status) == ("NoQuestion", "complete")


async def test_a_reassigned_question_waits_on_under_its_new_owner(play):
    async with play(assistant(HELP, DONE)) as stage:
        handle = await stage.start_agent()
        first = await stage.until_asked(handle)
        await decide(handle, "reassign", to="the caretaker")
        second = await stage.until_asked(handle)
        await decide(handle, "revise", "Here is the key.")
        outcome = await ended(handle)
    assert (first["owner"], second["owner"], second["id"]) == ("reviewers", "the caretaker", first["id"])
    assert outcome.status == "complete"


async def test_silence_is_reminded_of_once_and_then_rejects(play):
    quick = ReviewPolicy(reminders=(timedelta(seconds=0.2),), deadline=timedelta(seconds=0.4))
    async with play(assistant(HELP, DONE)) as stage:
        handle = await stage.start_agent(review=quick)
        outcome = await ended(handle)
        notices, requests = await kinds(stage, handle), len(bodies(stage))
    assert notices == ["question", "reminder", "expired"]
    assert (outcome.status, outcome.reason, requests) == ("failed", "nobody answered before the deadline", 1)


async def test_a_question_that_is_held_outlives_its_deadline(play):
    hold = ReviewPolicy(reminders=(timedelta(seconds=0.2),), deadline=timedelta(seconds=0.4), fallback="hold")
    async with play(assistant(HELP, DONE)) as stage:
        handle = await stage.start_agent(review=hold)
        async with asyncio.timeout(PATIENCE):
            while "held" not in await kinds(stage, handle):  # noqa: ASYNC110 - the timers are the server's
                await asyncio.sleep(0.1)
        await decide(handle, "reassign", to="the caretaker")
        await decide(handle, "revise", "Climb.")
        outcome = await ended(handle)
        notices = await kinds(stage, handle)
    assert notices == ["question", "reminder", "held", "reassigned", "decided"]
    assert outcome.status == "complete"
