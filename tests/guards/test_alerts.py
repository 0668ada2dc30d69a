"""Spending out of the ordinary."""

from tests.guards.transcripts import Act, transcript, turn
from workflows.guards import GUARDS, alarming, rule
from workflows.models import Ask, Halt, Limits

ALERT = "tenant:acme spent $4.10 in the last hour; $0.30 is usual"


def test_an_alert_asks_a_person_in_its_own_words():
    assert alarming(transcript(turn(1), alert=ALERT)) == Ask(reason=ALERT)


def test_without_an_alert_nobody_is_asked():
    assert alarming(transcript(turn(1))) is None
    assert alarming(transcript()) is None


def test_an_alert_goes_before_a_last_turn_and_a_halt_before_the_alert():
    last = transcript(turn(1, Act("look", "page 1")), alert=ALERT, limits=Limits(turns=1))
    assert rule(GUARDS, last) == Ask(reason=ALERT)
    assert isinstance(rule(GUARDS, transcript(turn(1, stop="refusal"), alert=ALERT)), Halt)


def test_of_an_alert_and_drift_the_alert_is_told():
    assert rule(GUARDS, transcript(turn(1), alert=ALERT, drifts=2, judged_at=1)) == Ask(reason=ALERT)
