"""Tool calls that need a person's agreement: the free ones run, each is answered once, what was seen is what runs."""

import json
from datetime import timedelta

import pytest
from pydantic import Field
from sqlalchemy import select
from temporalio.client import WorkflowFailureError

from activities.conversation_tables import MessageRow, ToolResultRow
from activities.deciding import NotTaken
from activities.tools import TOOLS
from activities.tools.definition import Arguments, tool
from rehearsal.scripts import answer
from tests.scenarios.agents import DONE, assistant, bodies, ended, last_words, results, tool_use, wire
from tests.scenarios.shoots import until
from tests.scenarios.signing import desk, person, seal
from tests.scenarios.stage import OWN_TOOLS, Notebook
from workflows.models import Decision, Question, ReviewPolicy


class Order(Arguments):
    what: str = Field(max_length=200)
    pieces: int = Field(default=1, ge=1, le=500)


@tool(effect="once", timeout=timedelta(seconds=5), approval="it is paid for, and cannot be sent back")
async def order_goods(order: Order, notebook: Notebook) -> dict[str, int]:
    """Order goods from the mill."""
    notebook.lines.append(f"{order.pieces} x {order.what}")
    return {"ordered": order.pieces}


@tool(
    effect="write",
    timeout=timedelta(seconds=5),
    approval=lambda order: "more than ten are a lot" if order.pieces > 10 else None,
)
async def ask_samples(order: Order, notebook: Notebook) -> dict[str, int]:
    """Ask for samples."""
    notebook.lines.append(f"{order.pieces} samples of {order.what}")
    return {"samples": order.pieces}


GATED = (order_goods, ask_samples)
NAMES = ("order_goods", "ask_samples", "write_line", "look")


def calls(*made):
    """One reply with several calls; their ids are c1, c2, ..."""
    blocks = [tool_use(name, given, f"toolu_c{number}") for number, (name, given) in enumerate(made, start=1)]
    return wire(*blocks, stop="tool_use")


@pytest.fixture
def shop(play):
    return lambda *turns: play(assistant(*turns), tools=(*TOOLS, *OWN_TOOLS, *GATED))


async def begin(stage, **order):
    handle = await stage.start_agent(tools=NAMES, **order)
    await stage.until_asked(handle)
    return handle, await handle.query("question", result_type=Question)


async def say(stage, handle, choice, call="", by="Vera", **more):
    decision = Decision(choice=choice, by=by, call=call, **more)
    return await desk(stage).deliver(handle.id, await seal(handle, decision, person(by, role="reviewer")))


LINEN, SILK = {"what": "linen", "pieces": 4}, {"what": "silk", "pieces": 2}


async def test_the_free_calls_run_at_once_and_the_others_when_somebody_agrees(shop):
    reply = calls(("write_line", {"line": "free"}), ("order_goods", LINEN), ("look", {"place": "here"}))
    async with shop(reply, DONE) as stage:
        handle, question = await begin(stage)
        await until(lambda: _lines(stage, ["free"]))
        (asked,) = question.calls
        await say(stage, handle, "approve")
        outcome = await ended(handle)
        answered = results(bodies(stage)[1])
        lines = stage.notebook.lines
    assert (question.kind, asked.tool, json.loads(asked.arguments)) == ("calls", "order_goods", LINEN)
    assert question.reason == "it is paid for, and cannot be sent back"
    assert lines == ["free", "4 x linen"]
    assert [(call, error) for call, _, error in answered] == [(f"toolu_c{n}", False) for n in (1, 2, 3)]
    assert outcome.status == "complete"


async def _lines(stage, wanted):
    return stage.notebook.lines == wanted


async def test_several_calls_are_answered_one_by_one_by_whoever_comes_first(shop):
    reply = calls(("order_goods", LINEN), ("order_goods", SILK), ("ask_samples", {"what": "wool", "pieces": 40}))
    async with shop(reply, DONE) as stage:
        handle, question = await begin(stage)
        first, second, third = (call.call_id for call in question.calls)
        await say(stage, handle, "reject", first, note="too dear")
        with pytest.raises(NotTaken, match="Already decided: Vera chose reject"):
            await say(stage, handle, "approve", first, by="Noor")
        await say(stage, handle, "approve", second, by="Noor")
        await say(stage, handle, "approve", by="Tove")  # whatever is still open
        await ended(handle)
        answered = {call: (content, error) for call, content, error in results(bodies(stage)[1])}
        lines, told = sorted(stage.notebook.lines), await stage.world.people.questions(handle.id)
    assert question.reason == "it is paid for, and cannot be sent back; more than ten are a lot"
    assert lines == ["2 x silk", "40 samples of wool"]
    assert "Vera did not agree to this call: too dear" in answered[first][0]["error"]
    assert {call: error for call, (_, error) in answered.items()} == {first: True, second: False, third: False}
    assert [each.kind for each in told] == ["question", "answered", "conflict", "answered", "decided"]


async def test_a_call_asks_nobody_where_its_arguments_are_harmless_or_wrong(shop):
    reply = calls(("ask_samples", {"what": "wool", "pieces": 3}), ("order_goods", {"pieces": 0}))
    async with shop(reply, DONE) as stage:
        outcome = await stage.run_agent(tools=NAMES)
        answered = results(bodies(stage)[1])
        lines = stage.notebook.lines
    assert (outcome.status, lines) == ("complete", ["3 samples of wool"])
    assert [error for _, _, error in answered] == [False, True]


async def test_edited_arguments_are_what_runs_and_what_is_kept_and_the_agent_is_told(shop):
    async with shop(calls(("order_goods", LINEN)), DONE) as stage:
        handle, _ = await begin(stage)
        await say(stage, handle, "edit", edited='{"what": "linen", "pieces": 1}')
        await ended(handle)
        (row,) = await stage.world.database.read(lambda session: session.scalars(select(ToolResultRow)).all())
        told, lines = last_words(bodies(stage)[1]), stage.notebook.lines
        ((_, content, _),) = results(bodies(stage)[1])
    assert (lines, content) == (["1 x linen"], {"ordered": 1})
    assert json.loads(row.arguments) == {"what": "linen", "pieces": 1}
    assert json.loads(row.outcome)["agreed_by"] == "Vera"
    (note,) = told
    assert note.startswith("Vera changed the arguments of order_goods")
    assert '"pieces": 1' in note


@pytest.mark.parametrize("edited", ['{"what": "linen", "pieces": 0}', '{"colour": "red"}', "four", "[1]"])
async def test_an_edit_that_does_not_fit_goes_back_to_its_person_and_not_to_the_agent(shop, edited):
    async with shop(calls(("order_goods", LINEN)), DONE) as stage:
        handle, first = await begin(stage)
        await say(stage, handle, "edit", edited=edited)
        await until(lambda: _asks_after(handle, first))
        again = await handle.query("question", result_type=Question)
        await say(stage, handle, "approve")
        await ended(handle)
        lines = stage.notebook.lines
    assert again.reason.startswith("what Vera edited does not fit: ")
    assert (again.calls[0].digest, lines) == (first.calls[0].digest, ["4 x linen"])


async def _asks_after(handle, first):
    question = await handle.query("question", result_type=Question)
    return question is not None and question.id != first.id


async def test_arguments_that_changed_after_they_were_seen_do_not_run(shop):
    async with shop(calls(("order_goods", LINEN)), DONE) as stage:
        handle, first = await begin(stage)
        sealed = await seal(handle, Decision(choice="approve", by="Vera"))

        def tamper(session):
            for row in session.scalars(select(MessageRow).where(MessageRow.role == "assistant")):
                row.content = row.content.replace('"pieces":4', '"pieces":400').replace('"pieces": 4', '"pieces": 400')

        await stage.world.database.run(tamper)
        await desk(stage).deliver(handle.id, sealed)
        await until(lambda: _asks_after(handle, first))
        again = await handle.query("question", result_type=Question)
        await say(stage, handle, "reject")
        await ended(handle)
        lines = stage.notebook.lines
    assert again.reason.startswith("the arguments are not those that Vera saw; look again.")
    assert json.loads(again.calls[0].arguments)["pieces"] == 400
    assert lines == []


async def test_a_decision_about_other_arguments_is_void(shop):
    async with shop(calls(("order_goods", LINEN), ("order_goods", SILK)), DONE) as stage:
        handle, question = await begin(stage)
        linen, silk = question.calls
        with pytest.raises(NotTaken, match="Void: you decided about"):
            await say(stage, handle, "approve", linen.call_id, digest=silk.digest)
        await say(stage, handle, "reject")
        await ended(handle)
        lines = stage.notebook.lines
    assert lines == []


async def test_silence_refuses_every_open_call_and_answers_each_once(shop):
    quick = ReviewPolicy(reminders=(), deadline=timedelta(seconds=2))
    async with shop(calls(("order_goods", LINEN), ("order_goods", SILK)), DONE) as stage:
        handle, question = await begin(stage, review=quick)
        await say(stage, handle, "approve", question.calls[0].call_id)
        outcome = await ended(handle)
        answered = results(bodies(stage)[1])
        lines, told = stage.notebook.lines, await stage.world.people.questions(handle.id)
    assert (outcome.status, lines) == ("complete", ["4 x linen"])
    assert [error for _, _, error in answered] == [False, True]
    assert "deadline did not agree" in answered[1][1]["error"]
    assert [each.kind for each in told] == ["question", "answered", "expired"]


async def test_a_run_that_is_called_off_while_it_asks_runs_nothing(shop):
    async with shop(calls(("order_goods", LINEN)), answer({"answer": "never"})) as stage:
        handle, _ = await begin(stage)
        await handle.cancel()
        with pytest.raises(WorkflowFailureError):
            await ended(handle)
        lines = stage.notebook.lines
    assert lines == []
