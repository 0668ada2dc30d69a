"""What a conversation remembers between two turns, whatever came of the last call."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from tests.guards.transcripts import CONTRACT
from workflows.models import Call, Decision, End, Limits, Note, Purse, Reply, Spend, Talk, Transcript, Usage

AT = datetime(2026, 11, 22, tzinfo=UTC)
LATER = AT + timedelta(hours=1)
LAST = Note(kind="last_turn", text="This is your last turn.")
PERSON = Note(kind="person", text="Vera answers: Go on.")
UNSAID = ("over_budget", "rejected", "context_exceeded")


def talk(**changes) -> Talk:
    transcript = Transcript(contract=CONTRACT, limits=Limits(), spend=Spend(turns=4, micro_usd=900))
    begun = Talk(conversation="c", pin="p", head=9, opened_at=AT, transcript=transcript)
    return begun.model_copy(update=changes)


def reply(stop: str, head: int = 11, **more) -> Reply:
    return Reply(head=head, turn=5, stop=stop, **more)


@pytest.mark.parametrize("stop", UNSAID)
def test_where_nothing_was_said_the_same_is_asked_again(stop):
    waiting = talk(resume=True, interrupted="lost", without_tools=True, notes=(LAST,))
    after = waiting.heard(reply(stop, head=9))
    assert (after.resume, after.interrupted, after.without_tools, after.notes) == (True, "lost", True, (LAST,))
    again = after.funded(LATER)
    assert (again.resume, again.interrupted) == (True, "lost")


def test_a_call_that_was_not_made_for_want_of_money_is_no_turn():
    refused = talk().heard(reply("over_budget", head=9))
    assert (refused.turn, refused.transcript.turns[-1].stop) == (4, "over_budget")
    assert refused.funded(LATER).heard(reply("end_turn")).turn == 5


@pytest.mark.parametrize("stop", ["end_turn", "max_tokens", "broken"])
def test_a_turn_without_tools_is_over_when_it_was_taken(stop):
    after = talk(without_tools=True, interrupted="lost", notes=(LAST,)).heard(reply(stop))
    assert (after.without_tools, after.interrupted, after.notes, after.resume) == (False, "", (), False)


def test_a_last_turn_that_pauses_ends_without_tools_as_it_began():
    paused = talk(without_tools=True, notes=(LAST,)).heard(reply("pause_turn"))
    assert (paused.without_tools, paused.resume, paused.notes) == (True, True, ())
    done = paused.heard(reply("end_turn", head=12))
    assert (done.without_tools, done.resume) == (False, False)


def test_a_last_turn_that_waits_for_the_end_of_a_pause_is_still_given():
    paused = talk(resume=True, without_tools=True, notes=(LAST,)).heard(reply("end_turn", head=10))
    assert (paused.without_tools, paused.notes) == (True, (LAST,))


def test_the_model_that_follows_a_refusal_takes_the_last_turn_without_tools_as_well():
    refused = talk(without_tools=True, notes=(LAST,)).refused(reply("refusal"))
    assert (refused.without_tools, refused.resume) == (True, True)
    assert not refused.heard(reply("end_turn", head=12)).without_tools


def test_a_person_who_answers_takes_back_a_last_turn_that_was_not_taken():
    waiting = talk(without_tools=True, resume=True, notes=(LAST,), end=End(kind="halted", halt="rejected"))
    again = waiting.with_transcript(last_turn_given=True).reopened(PERSON, LATER)
    assert (again.notes, again.without_tools, again.resume, again.end) == ((PERSON,), False, False, None)
    assert not again.transcript.last_turn_given


def test_what_it_came_to_changes_nothing_of_which_account_refused_the_call():
    refusing = Purse(total=900, left=10, account="tenant:acme/day/2026-11-22", needs=40)
    refused = talk().heard(reply("over_budget", head=9, purse=refusing)).billed(1_300)
    assert refused.transcript.purse == refusing.model_copy(update={"total": 1_300})
    assert refused.spend.micro_usd == 1_300


def test_a_late_truth_lowers_what_was_spent_and_never_below_zero():
    call = Call(id="c1", tool="look", digest="d", shape="d", preview="look()")
    told = Purse(total=5_000, left=1, account="run:r", needs=1)
    heard = talk().heard(reply("tool_use", calls=(call,), usage=Usage(input=7), micro_usd=4_100, purse=told))
    assert (heard.spend.micro_usd, heard.turn, heard.spend.tool_calls) == (5_000, 5, 1)
    assert heard.billed(1_000).spend.less(talk().spend).micro_usd == 100
    assert heard.billed(0).spend == heard.spend


@pytest.mark.parametrize("field", ["question", "digest"])
def test_what_anybody_may_signal_is_too_short_to_block_the_history(field):
    with pytest.raises(ValidationError):
        Decision.model_validate({"choice": "top_up", "by": "Vera", field: "x" * 2_000})
