"""The evaluation page and what it works out: ranks, reviewers, and words that are shown as they are."""

import re

from console.evaluation_page import ranked, render, sheet_of
from console.reviewers import habits
from tests.evaluation.files import ROLE, decision, evaluation, file
from workflows.models.production import Budget
from workflows.models.rubrics import Docket, HiringPolicy

DOCKET = Docket(title="Baker <wanted>", role=ROLE, policy=HiringPolicy(), budget=Budget(), candidates=())


def page(*files, **more):
    return render(sheet_of("r1", DOCKET, files, **more))


def test_ranks_are_worked_out_afterwards_ties_share_one_and_no_total_is_no_rank():
    files = [
        file("r1", evaluation(2), key="low"),
        file("r1", evaluation(4), key="first"),
        file("r1", evaluation(4), key="also"),
        file("r1", evaluation(None, flag="missing_must_have"), key="open"),
    ]
    rows = [(row.file.key, row.rank, row.tied) for row in ranked(files)]
    assert rows == [("also", 1, True), ("first", 1, True), ("low", 3, False), ("open", None, False)]


def test_the_page_shows_evidence_doubts_and_decision_and_stands_alone():
    found = evaluation(2, quote="Baked <rye> bread", flag="disagreement")
    text = page(file("r1", found, decided=decision(found, stance="overrode")), groups={"ada": {"sex": "female"}})
    assert "Baked &lt;rye&gt; bread" in text
    assert "Bakes &lt;b&gt;well&lt;/b&gt;." in text
    assert "Baker &lt;wanted&gt;" in text
    assert "disagreement of something" in text
    assert "overrode by Ines" in text
    assert "Bread speaks." in text
    assert "impact ratio" in text
    assert not re.search(r'(?:src|href)="(?!#)', text)


def test_an_erased_candidate_is_shown_with_the_decision_alone():
    text = page(file("r1", None, decided=decision(evaluation(3))))
    assert "was erased on 2026-11-26 by Vera" in text
    assert "Bread speaks." in text
    assert "Baked rye bread" not in text


def test_without_groups_no_rates_are_shown():
    found = evaluation(3)
    assert "impact ratio" not in page(file("r1", found, decided=decision(found)))


def test_a_reviewer_who_always_agrees_in_seconds_is_a_finding():
    found = evaluation(3)
    fast = [decision(found, key=f"c-{number}", by="Ines", seconds=4) for number in range(6)]
    slow = [decision(found, key=f"d-{number}", by="Noor", seconds=900, stance=stance) for number, stance in
            enumerate(["approved", "overrode", "modified", "approved", "approved"])]  # fmt: skip
    ines, noor = habits([*fast, *slow])
    assert ines.finding == "decides in 4 s: too fast to have read what was shown; followed the evaluation 6 of 6 times"
    assert noor.finding == ""
    assert (noor.approved, noor.modified, noor.overrode) == (3, 1, 1)


def test_a_few_decisions_are_no_habit():
    assert habits([decision(evaluation(3), seconds=1)])[0].finding == ""
