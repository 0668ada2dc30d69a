"""`replay`: histories of a server against the code that is here. The staged workflows have our names, not our code."""

from console.errors import Exit
from tests.console.test_runs import settled, start

THEIRS = ("--pipelines", "tests.console.stage:PIPELINES")
NOBODYS = ()


def test_a_run_replays_with_its_items_against_the_code_that_made_it(staged):
    settled(staged, start(staged, "replayed", "Tee Dress"), 2)
    found = staged.json("replay", "replayed", *THEIRS)
    assert staged.code == Exit.OK
    assert {(each["id"], each["type"], each["result"]) for each in found} == {
        ("replayed", "ImageProduction", "ok"),
        ("replayed:tee", "ShootItem", "ok"),
        ("replayed:dress", "ShootItem", "ok"),
    }


def test_what_other_code_would_do_otherwise_is_told_and_ends_with_a_code_for_ci(staged):
    settled(staged, start(staged, "deployed"))
    found = {each["id"]: each for each in staged.json("replay", "deployed")}
    assert staged.code == Exit.RUN_FAILED
    assert found["deployed"]["result"] == "changed"
    assert "TMPRL1100" in found["deployed"]["why"]


def test_open_finds_what_is_under_way_and_nothing_else(staged):
    settled(staged, start(staged, "under-way"))
    settled(staged, start(staged, "ended-already"))
    staged("approve", "ended-already", "--as", "Ines")
    staged("watch", "ended-already")
    found = {each["id"] for each in staged.json("replay", "--open", *THEIRS)}
    assert {"under-way", "under-way:tee"} <= found
    assert not {"ended-already", "ended-already:tee"} & found


def test_a_workflow_that_nobody_knows_here_is_no_pass(staged):
    settled(staged, start(staged, "strange"))
    found = staged.json("replay", "strange", "--pipelines", "tests.console.test_replay:NOBODYS")
    assert (staged.code, {each["result"] for each in found}) == (Exit.RUN_FAILED, {"unknown"})


def test_a_wrong_call_is_told_in_one_line(staged):
    assert staged("replay") == Exit.USAGE
    assert "name runs, or say --open" in staged.err
    assert staged("replay", "x", "--open") == Exit.USAGE
    assert staged("replay", "nobody") == Exit.UNKNOWN_ID
    assert staged("replay", "x", "--pipelines", "nowhere:X") == Exit.USAGE
    assert "MODULE:NAME" in staged.err
