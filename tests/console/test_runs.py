"""Commands against a stack that runs: a real server, a worker with small workflows."""

from pathlib import Path

from console.errors import Exit
from tests.console.test_exit_codes import BRIEF


def start(shell, name: str, title: str = "Tee") -> str:
    Path("brief.yaml").write_text(BRIEF.replace("Two tees", title))
    assert shell("start", "production", "brief.yaml", "--id", name) == Exit.OK
    return name


def settled(shell, name: str, items: int = 1) -> str:
    """Wait until every item asks."""
    for _ in range(200):
        state = shell.json("status", name)["run"]
        if state and [row["status"] for row in state["items"]] == ["awaiting_review"] * items:
            return name
    raise AssertionError(f"{name} did not come to ask: {state}")


def test_an_unknown_run_is_an_unknown_id(staged):
    for words in (("status", "nobody"), ("watch", "nobody"), ("approve", "nobody"), ("cancel", "nobody")):
        assert staged(*words) == Exit.UNKNOWN_ID, words


def test_the_same_id_twice_is_refused(staged):
    start(staged, "twice")
    assert staged("start", "production", "brief.yaml", "--id", "twice") == Exit.ID_EXISTS
    assert "twice exists already" in staged.err


def test_status_shows_items_cost_and_cap(staged):
    settled(staged, start(staged, "looked-at"))
    assert staged("status", "looked-at") == Exit.OK
    assert "awaiting_review" in staged.out
    assert "$0.0123 of $5.0000" in staged.out


def test_what_waits_for_people_is_listed_and_an_approval_ends_it(staged):
    settled(staged, start(staged, "asked"))
    waiting = {each["id"] for each in staged.json("pending")}
    for _ in range(100):  # the list of the server may lag a moment behind
        if "asked:tee" in waiting:
            break
        waiting = {each["id"] for each in staged.json("pending")}
    assert "asked:tee" in waiting

    receipt = staged.json("approve", "asked", "--as", "ines", "--note", "the white is the product")
    assert (staged.code, receipt["id"], receipt["choice"], receipt["by"]) == (0, "asked:tee", "approve", "ines")
    assert staged("watch", "asked") == Exit.OK
    assert "complete" in staged.out


def test_a_second_decision_is_a_conflict_that_names_the_first(staged):
    settled(staged, start(staged, "decided"))
    assert staged("approve", "decided:tee", "--as", "ines") == Exit.OK
    assert staged("reject", "decided", "--item", "tee") == Exit.CONFLICT
    assert "approve by ines" in staged.err


def test_a_choice_that_is_not_offered_is_a_conflict(staged):
    settled(staged, start(staged, "offered"))
    assert staged("reassign", "offered", "--to", "mo") == Exit.CONFLICT
    assert "not an option" in staged.err


def test_several_open_questions_need_an_item(staged):
    settled(staged, start(staged, "several", "Tee Dress"), items=2)
    assert staged("approve", "several") == Exit.CONFLICT
    assert "tee" in staged.err
    assert "dress" in staged.err
    assert staged("approve", "several", "--item", "tee") == Exit.OK
    assert staged("reject", "several", "--item", "dress") == Exit.OK
    assert staged("watch", "several") == Exit.OK
    assert "partial" in staged.out


def test_a_run_without_anything_published_ends_with_its_own_code(staged):
    settled(staged, start(staged, "refused"))
    assert staged("reject", "refused") == Exit.OK
    assert staged("watch", "refused") == Exit.RUN_FAILED


def test_nothing_to_decide_is_a_conflict(staged):
    settled(staged, start(staged, "over"))
    staged("approve", "over")
    staged("watch", "over")
    assert staged("approve", "over") == Exit.CONFLICT


def test_a_cancelled_run_says_so_and_cannot_be_cancelled_again(staged):
    settled(staged, start(staged, "stopped"))
    assert staged("cancel", "stopped") == Exit.OK
    assert staged("watch", "stopped") == Exit.RUN_FAILED
    assert staged("cancel", "stopped") == Exit.CONFLICT


def test_an_agent_is_started_from_an_order_and_waited_for(staged):
    Path("order.yaml").write_text("goal: count to three\nconstraints: [be brief]\n")
    outcome = staged.json("start", "agent", "order.yaml", "--id", "counter", "--wait")
    assert staged.code == Exit.OK
    assert outcome["agent"]["answer"] == "done: count to three"


def test_an_ended_run_is_read_as_it_ended(staged):
    settled(staged, start(staged, "kept"))
    staged("approve", "kept")
    staged("watch", "kept")
    seen = staged.json("status", "kept")
    assert (seen["running"], seen["run"]["status"]) == (False, "complete")
