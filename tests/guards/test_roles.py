"""Who may do what, and what no answer may miss: tables, and nothing else."""

from datetime import UTC, datetime, timedelta

import pytest

from workflows.models import Decision, Docket, GatedCall, Question, ReviewStep, Scope, Seal
from workflows.models.docket import DEADLINE, misshapen
from workflows.models.roles import RIGHTS, ROLES, Identity, may, needed

AT = datetime(2026, 11, 26, 10, 0, tzinfo=UTC)
ARTEFACT, OTHER = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"


def question(**more) -> Question:
    about = {"id": "item?1", "scope": Scope(run="run"), "title": "White tee", "reason": "too dark", "digest": ARTEFACT}
    return Question(**about | {"options": ("approve", "revise", "edit", "reject"), "asked_at": AT} | more)


def calls(*names) -> tuple[GatedCall, ...]:
    made = [{"call_id": name, "tool": "write", "arguments": "{}", "digest": f"sha256:{name}"} for name in names]
    return tuple(GatedCall(why="it costs money", **each) for each in made)


def seal(role="reviewer") -> Seal:
    return Seal(workflow="item", role=role, tenants=("*",), issuer="desk", at=AT, nonce="n" * 16, key="k")


def said(choice, by="Vera", role="reviewer", **more) -> Decision:
    return Decision(choice=choice, by=by, seal=seal(role), **more)


def open_docket(**more) -> Docket:
    return Docket().opened(question(**more))


def taken(docket, decision):
    assert docket.conflict(decision) is None
    return docket.taken(decision, AT)[0]


@pytest.mark.parametrize(
    ("role", "deeds"),
    [
        ("viewer", {"view"}),
        ("reviewer", {"claim", "release", "approve", "reject", "revise", "edit", "answer", "reassign"}),
        ("lead", {"overrule", "audit"}),
        ("operator", {"top_up", "cancel"}),
    ],
)
def test_each_role_may_its_own_deeds_and_all_of_the_roles_before_it(role, deeds):
    before = ROLES[: ROLES.index(role)]
    for deed in deeds:
        assert may(role, deed)
        assert not any(may(lower, deed) for lower in before)
    assert {deed for deed in RIGHTS if RIGHTS[deed] == role} == deeds
    assert all(may("operator", deed) for deed in RIGHTS)


def test_a_question_may_ask_for_a_higher_role_than_its_deed():
    assert needed("approve", "lead") == "lead"
    assert not may("reviewer", "approve", "lead")
    assert needed("top_up", "reviewer") == "operator"


def test_somebody_serves_the_tenants_that_are_named_or_all():
    assert Identity(name="Vera", role="lead", tenants=("acme", "fern")).serves("fern")
    assert not Identity(name="Vera", role="lead", tenants=("acme",)).serves("fern")
    assert Identity(name="Vera", role="lead").serves("fern")


@pytest.mark.parametrize("choice", ["approve", "reject", "revise", "edit"])
def test_where_a_justification_is_needed_no_answer_does_without(choice):
    asked = question(needs_note=True)
    silent = said(choice, note=" ", edited="softer light")
    misfit = misshapen(silent, asked)
    assert misfit.type == "NoteMissing"
    assert misshapen(silent.model_copy(update={"note": "I looked."}), asked) is None


@pytest.mark.parametrize("move", [said("claim"), said("release"), said("reassign", to="Noor")])
def test_a_move_needs_no_justification(move):
    assert misshapen(move, question(needs_note=True)) is None


@pytest.mark.parametrize(
    ("kind", "decision"),
    [
        ("NameReserved", said("approve", by="gate")),
        ("NameReserved", said("reject", by=DEADLINE)),
        ("NotAnOption", said("top_up")),
        ("NoSuchCall", said("approve", call="c9")),
        ("NoteMissing", said("revise", note="  ")),
        ("OwnerMissing", said("reassign", to=" ")),
        ("EditMissing", said("edit", edited="\n")),
    ],
)
def test_what_is_missing_in_an_answer_is_named_by_its_type(kind, decision):
    assert misshapen(decision, question()).type == kind
    assert open_docket().conflict(decision).type == kind


def test_an_edit_of_one_of_several_calls_says_which():
    asked = question(calls=calls("c1", "c2"))
    assert misshapen(said("edit", edited="{}"), asked).type == "CallMissing"
    assert misshapen(said("edit", edited="{}", call="c2"), asked) is None


def test_the_first_answer_is_taken_and_the_second_hears_who_it_was():
    docket = taken(open_docket(objections=("background_white",)), said("approve", digest=ARTEFACT))
    assert (docket.complete, docket.answers[0].receipt.overrides) == (True, ("background_white",))
    for later in (docket, docket.shut(), docket.shut().opened(question(id="item?2"))):
        late = later.conflict(said("reject", by="Noor", question="item?1"))
        assert late.text == "Already decided: Vera chose approve at 2026-11-26 10:00:00 UTC."


def test_who_answers_after_the_deadline_hears_that_it_is_too_late():
    silence = Decision(choice="reject", by=DEADLINE)
    docket, _ = open_docket().taken(silence, AT)
    assert docket.shut().conflict(said("approve")).type == "TooLate"


def test_a_decision_about_something_else_is_void():
    assert open_docket().conflict(said("approve", digest=OTHER)).type == "StaleQuestion"
    assert open_docket().conflict(said("approve", question="item?0")).type == "StaleQuestion"
    asked = open_docket(calls=calls("c1", "c2"))
    assert asked.conflict(said("approve", call="c1", digest="sha256:c2")).type == "StaleQuestion"
    assert asked.conflict(said("approve", call="c1", digest="sha256:c1")) is None


def test_a_claimed_question_is_for_its_holder_and_for_leads():
    docket = taken(open_docket(), said("claim"))
    assert docket.conflict(said("reject", by="Noor")).text.startswith("Vera has claimed this question since 2026-11-26")
    assert docket.conflict(said("claim", by="Noor")).type == "Claimed"
    assert docket.conflict(said("reject")) is None
    assert docket.conflict(said("reject", by="Noor", role="lead")) is None
    released = taken(docket, said("release", by="Noor", role="lead"))
    assert (released.question.claimed_by, released.conflict(said("release")).type) == ("", "NotClaimed")


def test_a_move_ends_nothing_and_a_new_owner_holds_no_claim():
    docket = taken(taken(open_docket(), said("claim")), said("reassign", to=" leads "))
    assert (docket.question.owner, docket.question.claimed_by, docket.complete) == ("leads", "", False)


def test_answers_are_collected_for_each_call_and_each_counts_once():
    docket = taken(open_docket(calls=calls("c1", "c2", "c3")), said("reject", call="c2"))
    assert docket.open_calls == ("c1", "c3")
    assert docket.conflict(said("approve", by="Noor", call="c2")).type == "AlreadyDecided"
    docket = taken(docket, said("approve"))
    told = {each.receipt.call: each.receipt.choice for each in docket.answers}
    assert (docket.complete, told) == (True, {"c2": "reject", "c1": "approve", "c3": "approve"})
    assert docket.conflict(said("approve", by="Noor")).type == "AlreadyDecided"


def test_the_next_of_the_chain_has_a_time_of_their_own():
    step = ReviewStep(owner="leads", least="lead", reminders=(timedelta(hours=1),), deadline=timedelta(hours=2))
    handed = question(claimed_by="Vera", then=(step, ReviewStep(owner="noor"))).handed_on(AT)
    assert (handed.owner, handed.least, handed.claimed_by) == ("leads", "lead", "")
    assert (handed.reminders, handed.due_at) == ((AT + timedelta(hours=1),), AT + timedelta(hours=2))
    assert [each.owner for each in handed.then] == ["noor"]


def test_a_reminder_that_would_come_with_the_deadline_is_not_sent():
    step = ReviewStep(
        reminders=(timedelta(hours=3), timedelta(hours=1), timedelta(hours=2)), deadline=timedelta(hours=3)
    )
    assert step.moments(AT) == (AT + timedelta(hours=1), AT + timedelta(hours=2))


def test_a_slim_question_holds_no_evidence_and_stays_bound():
    call = GatedCall(call_id="c1", tool="write", arguments="x" * 9_000, digest="sha256:c1", why="money")
    slim = question(calls=(call,), instruction="y" * 9_000).slim()
    assert len(slim.model_dump_json()) < 2_500
    assert (slim.digest, slim.calls[0].digest) == (ARTEFACT, "sha256:c1")
