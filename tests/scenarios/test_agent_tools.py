"""An agent and its tools: every wrong call comes back with what would be right."""

import re
from datetime import timedelta

import pytest

from activities.assets import digest_of
from activities.catalog import model_id
from activities.tools import TOOLS
from activities.tools.answers import encode
from activities.tools.definition import tool
from rehearsal.scripts import call, calls
from tests.scenarios.agents import DONE, assistant, bodies, decide, ended, results, tool_use, wire
from tests.scenarios.stage import OWN_TOOLS, Look, Notebook, Write

TINY = timedelta(seconds=5)


@tool(effect="read", timeout=TINY, quick=True)
async def pour(at: Look) -> dict[str, str]:
    """Pour out far too much."""
    return {"poured": f"{at.place} " * 8_000}


async def nobody_knows(what: Write, notebook: Notebook) -> None:
    """There is no way to tell whether a letter was sent."""


@tool(effect="once", timeout=TINY, reconcile=nobody_knows)
async def send_letter(what: Write, notebook: Notebook) -> dict[str, str]:
    """Send a letter, and break down behind it."""
    notebook.lines.append(what.line)
    raise ConnectionError("the line went dead")


async def test_an_invented_model_comes_back_with_suggestions_and_the_agent_corrects_itself(play):
    def corrected(request):
        hint = results(request.body)[0][1]["hint"]
        return call("book", model_id=re.search(r"nearest first: (\S+) \(", hint).group(1))

    wrong = call("book", model_id="mod_ama-sarpong!")
    async with play(assistant(call("book", model_id=model_id("Yuki Arden")), wrong, corrected, DONE)) as stage:
        outcome = await stage.run_agent()
        [(_, refusal, is_error)] = results(bodies(stage)[2])
        booked = stage.notebook.lines
    assert outcome.status == "complete"
    assert is_error
    assert (refusal["success"], refusal["error"]) == (False, "model_id: there is no model 'mod_ama-sarpong!'")
    assert f"nearest first: {model_id('Ama Sarpong')} (Ama Sarpong)" in refusal["hint"]
    assert f"recently used: {model_id('Yuki Arden')} (Yuki Arden)" in refusal["hint"]
    assert booked == [model_id("Yuki Arden"), model_id("Ama Sarpong")]


async def test_an_unknown_tool_comes_back_with_the_known_ones_nearest_first(play):
    async with play(assistant(call("write_lines", line="x"), DONE)) as stage:
        outcome = await stage.run_agent(tools=("look", "book", "write_line"))
        [(_, refusal, is_error)] = results(bodies(stage)[1])
    assert (outcome.status, is_error) == ("complete", True)
    assert refusal["error"] == "there is no tool 'write_lines'"
    assert refusal["hint"].startswith("the tools you have, nearest first: write_line, ")
    assert {"look", "book"} <= set(re.split(r"[ ,:]+", refusal["hint"]))


async def test_a_tool_that_this_agent_was_not_given_is_as_unknown_as_any_other(play):
    async with play(assistant(call("write_line", line="x"), DONE)) as stage:
        await stage.run_agent(tools=("look",))
        [(_, refusal, _)] = results(bodies(stage)[1])
        written = stage.notebook.lines
    assert refusal["error"] == "there is no tool 'write_line'"
    assert written == []


async def test_malformed_arguments_come_back_with_their_path_and_what_is_expected(play):
    wrong = wire(
        tool_use("look", '{"place": 5}', "toolu_1"),
        tool_use("look", '["the left"]', "toolu_2"),
        tool_use("look", '{"place": "the le', "toolu_3"),
        tool_use("look", '{"plaec": "the left"}', "toolu_4"),
        tool_use("look", "null", "toolu_5"),
        stop="tool_use",
    )
    async with play(assistant(wrong, DONE)) as stage:
        outcome = await stage.run_agent()
        answered = results(bodies(stage)[1])
    assert outcome.status == "complete"
    assert [refusal["error"] for _, refusal, _ in answered] == [
        "place: Input should be a valid string",
        "the arguments must be a JSON object, not a list",
        "the arguments must be a JSON object, not a text",
        "place: Field required; plaec: Extra inputs are not permitted",
        "the arguments must be a JSON object, not null",
    ]
    assert {refusal["hint"] for _, refusal, _ in answered} == {"look expects {place: string ..2000}"}
    assert all(is_error for _, _, is_error in answered)


async def test_a_tool_that_raises_gives_one_short_line_and_never_a_traceback(play):
    async with play(assistant(call("break_down", place="Rome"), DONE)) as stage:
        outcome = await stage.run_agent()
        [(_, refusal, is_error)] = results(bodies(stage)[1])
    assert (outcome.status, is_error) == ("complete", True)
    assert refusal["error"] == "RuntimeError: no road to Rome"
    assert not re.search(r"Traceback|\.py|line \d", str(refusal))


@pytest.mark.every_store
async def test_a_result_that_is_too_long_is_cut_and_the_whole_is_named_and_kept(play):
    async with play(assistant(call("pour", place="sea"), DONE), tools=(*TOOLS, *OWN_TOOLS, pour)) as stage:
        outcome = await stage.run_agent(tools=("pour",))
        [(_, shown, is_error)] = results(bodies(stage)[1])
        content = bodies(stage)[1]["messages"][-1]["content"][0]["content"]
        whole = encode({"poured": "sea " * 8_000}).encode()
        kept = await stage.world.assets.get(digest_of(whole))
    assert (outcome.status, is_error, shown["truncated"]) == ("complete", False, True)
    assert len(content.encode()) <= 8 * 1024
    assert shown["full"] == f"ast_{digest_of(whole).removeprefix('sha256:')[:20]}"
    assert (shown["bytes"], kept) == (len(whole), whole)
    assert whole.decode().startswith(shown["head"])


async def test_a_once_tool_whose_outcome_is_unknown_asks_a_person_and_never_runs_twice(play):
    send = calls(call("send_letter", line="Dear Ines"), call("look", place="the letterbox"))
    async with play(assistant(send, DONE), tools=(*TOOLS, *OWN_TOOLS, send_letter)) as stage:
        handle = await stage.start_agent(tools=("look", "send_letter"))
        question = await stage.until_asked(handle)
        await decide(handle, "revise", "The letter is out; go on.")
        outcome = await ended(handle)
        sent = stage.notebook.lines
        (_, refusal, _), (_, seen, _) = results(bodies(stage)[1])
    assert "unknown whether send_letter took effect" in question["reason"]
    assert refusal["error"] == "it is not known whether send_letter happened; it was not repeated"
    assert seen == {"seen": "nothing new at the letterbox"}
    assert (outcome.status, sent) == ("complete", ["Dear Ines"])
