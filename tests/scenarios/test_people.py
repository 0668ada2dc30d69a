"""People: they are asked, reminded and heard once, and what they say is kept under their name."""

from datetime import timedelta

import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.service import RPCError

from rehearsal.scripts import later
from tests.scenarios.shoots import (
    GREY,
    KEY,
    asked,
    brief,
    cast,
    decide,
    ended,
    listing,
    publishes,
    said_to,
    talks,
    told,
    until,
)
from tests.scenarios.signing import seal
from workflows.models import Decision, Question, ReviewPolicy


async def waiting(stage, **order):
    """Start a shoot whose only take is too dark, and wait until a person is asked."""
    run = await stage.start_production(brief(), refinements=0, **order)
    item = stage.item(run.id, KEY)
    return run, item, await asked(stage, item)


async def test_what_a_person_rejects_is_not_published(play):
    async with play(cast(GREY)) as stage:
        run, item, question = await waiting(stage)
        receipt = await decide(item, "reject", note="too dark")
        state, outcome = await ended(item), await ended(run)
        entries = await stage.world.catalog.entries.of_run(run.id)
    assert (receipt.question, receipt.choice, receipt.by) == (question.id, "reject", "Ines")
    assert (state.status, state.decided_by, state.decision, state.note) == ("rejected", "Ines", "reject", "too dark")
    assert (outcome.status, outcome.counts, entries) == ("failed", {"rejected": 1}, ())


async def test_an_approval_publishes_and_is_kept_as_an_override_with_the_broken_rules(play):
    async with play(cast(GREY)) as stage:
        run, item, question = await waiting(stage)
        await decide(item, "approve", digest=question.digest, note="the grey is wanted")
        outcome = await ended(run)
        (_, kept), *_ = await stage.world.catalog.items(run.id)
        (entry,) = await stage.world.catalog.entries.of_run(run.id)
        (notice,) = await told(stage, run.id, "decided")
    assert question.facts.digest == question.digest
    assert (outcome.status, kept.status) == ("complete", "published")
    assert (kept.decided_by, kept.decision, kept.note) == ("Ines", "approve", "the grey is wanted")
    assert ([fact.rule for fact in kept.facts.missed], kept.best.missed) == (
        ["background_white"],
        ("background_white",),
    )
    assert (entry.decided_by, entry.digest) == ("Ines", question.digest)
    assert (notice.decision.by, notice.decision.choice) == ("Ines", "approve")


async def test_a_note_becomes_the_next_direction_and_the_new_take_is_judged_like_any_other(play):
    async with play(cast(GREY)) as stage:
        run, item, first = await waiting(stage)
        await decide(item, "revise", note="A little lighter: set background_light to 0.8")
        await until(lambda: _is_new(item, first))
        await decide(item, "revise", by="Noor", note="White, please: set background_light to 1.3")
        state = await ended(item)
        await ended(run)
        generators, critics = await talks(stage, item.id, "generator"), await talks(stage, item.id, "critic")
    assert "A reviewer asks for this: A little lighter" in said_to(generators[1])
    assert "White, please" in said_to(generators[2])
    assert len(critics) == len(state.attempts) == len({attempt.digest for attempt in state.attempts}) == 3
    assert (state.status, state.decided_by, state.best.missed) == ("published", "gate", ())


async def _is_new(item, first) -> bool:
    question = await item.query("question", result_type=Question | None)
    return question is not None and question.id != first.id


async def test_a_reassigned_question_has_a_new_owner_and_waits_on(play):
    async with play(cast(GREY)) as stage:
        run, item, question = await waiting(stage)
        await decide(item, "reassign", to="art-direction", note="not for me to say")
        again = await asked(stage, item)
        await decide(item, "reject", by="Noor")
        state = await ended(item)
        await ended(run)
        (handed,), (final,) = [await told(stage, run.id, kind) for kind in ("reassigned", "decided")]
    assert (question.owner, again.owner, again.id) == ("reviewers", "art-direction", question.id)
    assert (handed.decision.choice, handed.question.owner) == ("reassign", "art-direction")
    assert (final.decision.by, state.decided_by, state.status) == ("Noor", "Noor", "rejected")


@pytest.mark.every_store
async def test_the_first_answer_counts_and_every_later_one_is_told_so(play):
    slow = [lambda request: later(2, publishes(request)), listing()]
    async with play(cast(GREY, publisher=slow)) as stage:
        run, item, _ = await waiting(stage)
        await decide(item, "approve")
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await decide(item, "reject", by="Noor")
        await item.signal("decide", await seal(item, Decision(choice="reject", by="Tove")))
        outcome = await ended(run)
        noor, tove = await told(stage, run.id, "conflict")
        (entry,) = await stage.world.catalog.entries.of_run(run.id)
    assert refused.value.cause.type == "AlreadyDecided"
    assert "Ines chose approve" in str(refused.value.cause)
    assert {each.decision.choice for each in (noor, tove)} == {"reject"}
    assert tove.why.startswith("AlreadyDecided: Already decided: Ines chose approve")
    assert (outcome.status, entry.decided_by) == ("complete", "Ines")


async def test_an_answer_that_does_not_fit_the_question_is_refused_and_the_waiting_goes_on(play):
    misfits = {
        "StaleQuestion": {"choice": "approve", "digest": f"sha256:{'0' * 64}"},
        "NameReserved": {"choice": "approve", "by": "gate"},
        "NoteMissing": {"choice": "revise"},
        "OwnerMissing": {"choice": "reassign"},
    }
    async with play(cast(GREY)) as stage:
        run, item, question = await waiting(stage)
        for kind, answered in misfits.items():
            with pytest.raises(WorkflowUpdateFailedError) as refused:
                await decide(item, **answered)
            assert refused.value.cause.type == kind
        other = await seal(item, Decision(choice="approve", by="Tove", digest=f"sha256:{'0' * 64}"))
        await item.signal("decide", other)
        await until(lambda: told(stage, run.id, "conflict"))
        assert (await asked(stage, item)).id == question.id
        await item.signal("decide", await seal(item, Decision(choice="reject", by="Tove", digest=question.digest)))
        state = await ended(item)
        await ended(run)
    assert (state.status, state.decided_by) == ("rejected", "Tove")


async def test_silence_is_reminded_of_then_rejected_and_a_late_answer_is_told_so(play):
    hurried = ReviewPolicy(reminders=(timedelta(seconds=0.5),), deadline=timedelta(seconds=1))
    async with play(cast(GREY)) as stage:
        run, item, _ = await waiting(stage, review=hurried)
        state = await ended(item)
        await ended(run)
        with pytest.raises(RPCError, match="already completed"):
            await decide(item, "approve")
        notices = await stage.world.people.questions(run.id)
        entries = await stage.world.catalog.entries.of_run(run.id)
    assert [notice.kind for notice in notices] == ["question", "reminder", "expired"]
    assert (state.status, state.decided_by, state.note) == (
        "rejected",
        "deadline",
        "nobody answered before the deadline",
    )
    assert entries == ()


async def test_a_question_that_is_held_outlives_its_deadline(play):
    held = ReviewPolicy(reminders=(), deadline=timedelta(0), fallback="hold")
    async with play(cast(GREY)) as stage:
        run, item, _ = await waiting(stage, review=held)
        await until(lambda: told(stage, run.id, "held"))
        await decide(item, "reassign", to="art-direction")
        await decide(item, "reject", by="Noor")
        state = await ended(item)
        await ended(run)
    assert (state.status, state.decided_by) == ("rejected", "Noor")
