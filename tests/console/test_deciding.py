"""Deciding at the terminal, as far as no server is needed: wrong wishes, keys, and trails of nothing."""

from pathlib import Path

import pytest

from console.decide import bound
from console.errors import Exit
from workflows.models import Decision, GatedCall, Question, Scope

DIGEST = f"sha256:{'ab' * 32}"


@pytest.mark.parametrize("text", ["  ", "@empty.txt", "x" * 16_001])
def test_an_edit_says_what_is_to_run(shell, text):
    Path("empty.txt").write_text(" \n")
    assert shell("edit", "any", "--text", text) == Exit.USAGE
    assert shell.err.startswith("callsheet: --text: say what is to run instead")


def test_an_edit_from_a_file_that_is_not_there_is_a_bad_file(shell):
    assert shell("edit", "any", "--text", "@nowhere.txt") == Exit.BAD_FILE


def test_keys_are_shown_as_a_fleet_needs_them_and_rotated(shell):
    shown = shell.json("keys")
    assert shell("keys") == Exit.OK
    assert f"CALLSHEET_DECISION_KEYS={shown['public_key']}" in shell.out
    rotated = shell.json("keys", "--rotate")
    assert (rotated["before"], rotated["key"] != shown["key"]) == (shown["key"], True)


def test_a_key_that_others_can_read_signs_nothing(shell, monkeypatch):
    monkeypatch.setenv("CALLSHEET_HOME", "home")
    shell("keys")
    Path("home/keys/signing.pem").chmod(0o644)
    assert shell("keys") == Exit.MISSING
    assert "chmod 600" in shell.err
    assert shell.err.count("\n") == 1


def test_a_key_of_ones_own_is_not_rotated_for_him(shell, monkeypatch):
    monkeypatch.setenv("CALLSHEET_SIGNING_KEY", "mine.pem")
    assert shell("keys", "--rotate") == Exit.USAGE
    assert shell("keys") == Exit.MISSING
    assert "mine.pem cannot be read: No such file or directory" in shell.err


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (("audit",), Exit.USAGE, "name a run, or say --since when"),
        (("audit", "--since", "yesterday"), Exit.USAGE, "write a date, a moment in ISO 8601, or an age like 7d"),
        (("audit", "nobody"), Exit.UNKNOWN_ID, "nobody was asked anything in nobody"),
        (("audit", "--verify", "nowhere.jsonl"), Exit.BAD_FILE, "there is no file"),
        (("audit", "--verify", "text.txt"), Exit.BAD_FILE, "line 1: it is no line of an audit trail"),
        (("audit", "--since", "7d", "--out", "no/such/folder.jsonl"), Exit.USAGE, "cannot be written"),
    ],
)
def test_a_wrong_wish_for_the_trail_is_one_clear_line(shell, words, code, why):
    Path("text.txt").write_text("Dear auditor,\n")
    assert shell(*words) == code
    assert why in shell.err
    assert shell.err.count("\n") == 1


@pytest.mark.parametrize("since", ["2026-01-01", "2026-01-01T10:00:00+01:00", "7d", "12h"])
def test_a_trail_of_nothing_has_a_head_and_a_signed_end_and_holds(shell, since):
    assert shell("audit", "--since", since, "--out", "trail.jsonl") == Exit.OK
    assert shell("audit", "--verify", "trail.jsonl") == Exit.OK
    assert "0 records" in shell.out


@pytest.mark.parametrize("given", ["", DIGEST, "abababab", "sha256:abababab"])
def test_a_digest_may_be_given_by_its_first_digits(given):
    decision = bound(Decision(choice="approve", by="Vera", digest=given), question())
    assert (decision.question, decision.digest) == ("item?1", DIGEST)


@pytest.mark.parametrize("given", ["abab", "cdcdcdcd", f"sha256:{'cd' * 32}"])
def test_a_digest_of_something_else_is_sent_as_it_is_so_that_it_is_void(given):
    assert bound(Decision(choice="approve", by="Vera", digest=given), question()).digest == given


def test_a_decision_about_one_call_is_bound_to_its_arguments():
    call = GatedCall(call_id="c1", tool="write", arguments="{}", digest="sha256:c1", why="money")
    asked = question(calls=(call,))
    assert bound(Decision(choice="approve", by="Vera", call="c1"), asked).digest == "sha256:c1"
    assert bound(Decision(choice="claim", by="Vera"), asked).digest == ""


def question(**more) -> Question:
    about = {"id": "item?1", "scope": Scope(run="run"), "title": "White tee", "reason": "too dark", "digest": DIGEST}
    return Question(**about, asked_at="2026-11-26T10:00:00Z", **more)
