"""Who decided is proved before anything is done; what is not proved is refused, kept, and changes nothing."""

import asyncio

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from temporalio.client import WorkflowUpdateFailedError

from activities.deciding import NotTaken, of_tenants
from activities.signing import Signer
from rehearsal.scripts import call, later
from tests.scenarios.agents import DONE, assistant, bodies, by_goal, ended, last_words
from tests.scenarios.shoots import until
from tests.scenarios.signing import DESK, STRANGER, desk, person, seal
from workflows.models import Decision, Question, ReviewPolicy

HELP = call("escalate_to_human", reason="The door is locked.", question="Is there a key?")
YES = Decision(choice="answer", by="Vera", note="The key is under the mat.")
FORGED = {
    "UnknownKey": lambda good: STRANGER.sign(good, good.seal.workflow, person("Vera")),
    "BadSignature": lambda good: good.model_copy(update={"note": "Break the door."}),
    "WrongWorkflow": lambda good: DESK.sign(good, "another-run", person("Vera")),
    "WrongTenant": lambda good: DESK.sign(good, good.seal.workflow, person("Vera", tenants=("fern",))),
    "RoleMissing": lambda good: DESK.sign(good, good.seal.workflow, person("Vera", role="viewer")),
    "Unbound": lambda good: DESK.sign(good.model_copy(update={"digest": ""}), good.seal.workflow, person("Vera")),
    "Unsigned": lambda good: good.model_copy(update={"seal": None}),
}


async def refusals(stage, handle):
    """What was refused for want of proof, in order: the type, and in whose name."""
    notices = await stage.world.people.questions(handle.id)
    return [(each.why.partition(":")[0], each.decision.by) for each in notices if each.kind == "refused"]


async def test_whatever_is_forged_is_refused_with_its_reason_and_kept(play):
    async with play(assistant(HELP, DONE)) as stage:
        handle = await stage.start_agent()
        question = await stage.until_asked(handle)
        good = await seal(handle, YES)
        for kind, forge in FORGED.items():
            with pytest.raises(NotTaken) as refused:
                await desk(stage).deliver(handle.id, forge(good))
            assert refused.value.type == kind
        assert (await stage.until_asked(handle))["id"] == question["id"]
        await desk(stage).deliver(handle.id, good)
        outcome = await ended(handle)
        kept = await refusals(stage, handle)
    assert kept == [(kind, "Vera") for kind in FORGED]
    assert outcome.status == "complete"


async def test_a_bare_signal_is_kept_and_refused(play):
    async with play(assistant(HELP, DONE)) as stage:
        handle = await stage.start_agent()
        question = await stage.until_asked(handle)
        await handle.signal("decide", {"choice": "answer", "by": "Vera", "note": "Break the door."})
        await until(lambda: refusals(stage, handle))
        assert (await stage.until_asked(handle))["id"] == question["id"]
        await handle.signal("decide", await seal(handle, YES))
        outcome = await ended(handle)
        told, kept = last_words(bodies(stage)[1]), await refusals(stage, handle)
    assert kept == [("Unsigned", "Vera")]
    assert (outcome.status, told) == ("complete", ["Vera answers: The key is under the mat."])


async def test_in_development_mode_a_bare_signal_counts_but_a_broken_seal_does_not(play):
    async with play(assistant(HELP, DONE), settings={"trust_signals": True}) as stage:
        handle = await stage.start_agent()
        await stage.until_asked(handle)
        with pytest.raises(NotTaken, match="does not hold"):
            await desk(stage).deliver(handle.id, FORGED["BadSignature"](await seal(handle, YES)))
        await handle.signal("decide", {"choice": "answer", "by": "Omar", "note": "Climb."})
        await ended(handle)
        told = last_words(bodies(stage)[1])
    assert told == ["Omar answers: Climb."]


async def test_a_decision_that_was_heard_once_cannot_be_replayed(play):
    async with play(assistant(HELP, DONE)) as stage:
        handle = await stage.start_agent()
        await stage.until_asked(handle)
        claim = await seal(handle, Decision(choice="claim", by="Vera"))
        await desk(stage).deliver(handle.id, claim)
        await desk(stage).deliver(handle.id, await seal(handle, Decision(choice="release", by="Vera")))
        again = await desk(stage).deliver(handle.id, claim)  # a sender's own retry: the same update, the same receipt
        with pytest.raises(WorkflowUpdateFailedError) as replayed:
            await handle.execute_update("decide", claim)
        question = await handle.query("question", result_type=Question)
        await desk(stage).deliver(handle.id, await seal(handle, YES))
        await ended(handle)
        kept = await refusals(stage, handle)
    assert (replayed.value.cause.type, kept) == ("Replayed", [("Replayed", "Vera")])
    assert (question.claimed_by, again.choice) == ("", "claim")


async def test_a_decision_that_is_too_old_is_void(play):
    async with play(assistant(HELP, DONE), settings={"decision_seconds": 0.5}) as stage:
        handle = await stage.start_agent()
        await stage.until_asked(handle)
        old = await seal(handle, YES)
        await asyncio.sleep(1)
        with pytest.raises(NotTaken) as refused:
            await desk(stage).deliver(handle.id, old)
        await handle.cancel()
    assert refused.value.type == "Expired"


async def test_a_new_key_counts_as_soon_as_it_is_trusted_beside_the_old_one(play):
    following = Signer(Ed25519PrivateKey.generate(), "desk")
    trusted = {"decision_keys": (DESK.public_key, following.public_key)}
    async with play(assistant(HELP, HELP, DONE), settings=trusted) as stage:
        handle = await stage.start_agent()
        await stage.until_asked(handle)
        await desk(stage).deliver(handle.id, await seal(handle, YES, signer=following))
        await until(lambda: _asks_again(handle))
        await desk(stage).deliver(handle.id, await seal(handle, YES))
        outcome = await ended(handle)
    assert outcome.status == "complete"


async def _asks_again(handle):
    question = await handle.query("question", result_type=Question)
    return question is not None and question.id.endswith(".2")


async def test_the_first_valid_answer_wins_however_many_come_at_once(play):
    async with play(assistant(HELP, later(1, DONE))) as stage:
        handle = await stage.start_agent()
        await stage.until_asked(handle)
        names = [f"Reviewer {number}" for number in range(6)]
        good = [await seal(handle, YES.model_copy(update={"by": name})) for name in names]
        bad = [await seal(handle, YES, signer=STRANGER) for _ in range(3)]
        sent = await asyncio.gather(
            *(desk(stage).deliver(handle.id, each) for each in (*bad, *good)), return_exceptions=True
        )
        await ended(handle)
        told = last_words(bodies(stage)[1])
    taken = [each for each in sent if not isinstance(each, NotTaken)]
    lost = [each for each in sent[3:] if isinstance(each, NotTaken)]
    assert [each.type for each in sent[:3]] == ["UnknownKey"] * 3
    assert (len(taken), told) == (1, [f"{taken[0].by} answers: The key is under the mat."])
    assert {each.type for each in lost} == {"AlreadyDecided"}
    assert all(f"{taken[0].by} chose answer at " in each.text for each in lost)


async def test_only_a_lead_answers_where_a_lead_is_asked(play):
    async with play(assistant(HELP, DONE)) as stage:
        handle = await stage.start_agent(review=ReviewPolicy(owner="leads", least="lead"))
        await stage.until_asked(handle)
        with pytest.raises(NotTaken, match="takes the role lead; Vera is a reviewer"):
            await desk(stage).deliver(handle.id, await seal(handle, YES, person(role="reviewer")))
        await desk(stage).deliver(handle.id, await seal(handle, YES, person(role="lead")))
        outcome = await ended(handle)
    assert outcome.status == "complete"


async def test_money_is_an_operators_to_give(play):
    """The question itself is any reviewer's to see, but `top_up` takes the role operator."""
    spender = call("look", place="here")
    async with play(assistant(spender, spender, DONE)) as stage:
        handle = await stage.start_agent(limits={"micro_usd": 100})
        await stage.until_asked(handle)
        raised = Decision(choice="top_up", by="Vera", micro_usd=5_000_000)
        with pytest.raises(NotTaken, match="takes the role operator"):
            await desk(stage).deliver(handle.id, await seal(handle, raised, person(role="lead")))
        await desk(stage).deliver(handle.id, await seal(handle, raised, person(role="operator")))
        outcome = await ended(handle)
    assert outcome.status == "complete"


async def test_too_many_refused_answers_are_turned_away_without_a_record(play):
    async with play(assistant(HELP, DONE)) as stage:
        handle = await stage.start_agent()
        await stage.until_asked(handle)
        for _ in range(10):
            flood = [await seal(handle, YES, signer=STRANGER) for _ in range(12)]
            sent = await asyncio.gather(
                *(desk(stage).deliver(handle.id, each) for each in flood), return_exceptions=True
            )
        kept = await refusals(stage, handle)
        await handle.cancel()
    assert sent[-1].type == "TooManyRefused"
    assert 100 <= len(kept) < 120


async def test_the_queue_lists_who_waits_from_the_servers_list_alone_and_by_tenant(play):
    async with play(by_goal(Door=[HELP, DONE], Gate=[HELP, DONE])) as stage:
        door = await stage.start_agent("Door to the shop.", tenant="acme", review=ReviewPolicy(owner="keys", then=()))
        gate = await stage.start_agent("Gate to the yard.", tenant="fern")
        for handle in (door, gate):
            await stage.until_asked(handle)

        async def listed(query):
            return [each async for each in desk(stage).waiting(query)]

        await until(lambda: _is_listed(listed, door, gate))
        (only,) = await listed(
            f"{of_tenants(('acme',))} and CallsheetOwner = 'keys' and CallsheetQuestionKind = 'question'"
        )
        late = await listed("CallsheetTenant = 'acme' and CallsheetDueAt > '2999-01-01T00:00:00Z'")
        assert [only.workflow, only.card.title, only.card.owner, late] == [door.id, "Door to the shop.", "keys", []]
        await desk(stage).deliver(door.id, await seal(door, Decision(choice="claim", by="Vera")))
        await until(lambda: _is_claimed(listed))
        await desk(stage).deliver(door.id, await seal(door, YES))
        await ended(door)
        await until(lambda: _is_gone(listed))
        await gate.cancel()


async def _is_listed(listed, *handles):
    return {each.workflow for each in await listed("")} >= {handle.id for handle in handles}


async def _is_claimed(listed):
    return [each.card.claimed_by for each in await listed(of_tenants(("acme",)))] == ["Vera"]


async def _is_gone(listed):
    return not await listed(of_tenants(("acme",)))
