"""A span is told when what it is of is kept and over, once, with the ids that it will have for ever."""

import json
from contextlib import suppress

import pytest
from opentelemetry.trace import SpanKind, StatusCode

from activities import ledger_rows
from activities.conversation_tables import JournalRow, ToolResultRow
from activities.database import now
from activities.records import Records
from tests.activities.conversing import note, result, say, think, use
from tests.activities.traced import ITEM, MODEL, NOON, TALK, Traced, answer, begun, ids, tree
from workflows.models import Decision
from workflows.tracing import Ai, At

CHAT, TOOL = f"chat {MODEL}", "execute_tool find_model"
SECRET = "sk-ant-api03-Zk9x41QQ"


@pytest.fixture
def house(tmp_path):
    opened = []

    def open_one(url="", **settings):
        opened.append(Traced(url or f"sqlite:///{tmp_path}/{len(opened)}.db", home=tmp_path, **settings))
        return opened[-1]

    yield open_one
    for each in opened:
        each.shut()


async def everything(traced):
    """A run with one of each: calls that fail, get lost and succeed, rulings, people, a halt and an answer."""
    lost = await traced.reserve(1)
    await traced.ledger.lose(lost.attempt, "the stream ended early")
    free = await traced.reserve(1)
    await traced.ledger.release(free.attempt, "model API error 529 overloaded_error")
    head = await traced.turn(1, 1, [think("hm"), use("call_1", name="Ama")], stop="tool_use")
    await answer(traced)
    judged = await traced.reserve(1, "judge")
    await traced.ledger.settle(judged.attempt, traced.bill())
    head = await traced.turn(head, 2, [say("{}")], notes=(note("Remember."),))
    await traced.close(2, "loop", ruled=True)
    await traced.ask()
    await traced.ask("decided", Decision(choice="revise", by="Vera", note="Go on."))
    await traced.turn(head, 3, [say('{"z": "done"}')], notes=(note("Vera answers: Go on.", "person"),))
    await traced.close(3)
    await traced.end(ITEM, "published")
    await traced.end()


async def test_a_run_is_one_trace_and_everything_in_it_is_told_exactly_once(house):
    traced = await begun(house)
    await everything(traced)
    told = traced.told
    assert len({ids(span)[1] for span in told}) == len(told)
    assert {ids(span)[0] for span in told} == {ids(told[0])[0]}
    assert tree(told) == sorted(
        [
            ("-", "invoke_workflow image_production"),
            ("invoke_workflow image_production", "opened"),
            ("invoke_workflow image_production", "invoke_workflow shoot_item"),
            ("invoke_workflow shoot_item", "opened"),
            ("invoke_workflow shoot_item", "stage generator"),
            ("invoke_workflow shoot_item", "stage awaiting_person"),
            ("invoke_workflow shoot_item", "stage decided"),
            ("invoke_workflow shoot_item", "invoke_agent generator"),
            *[("invoke_agent generator", "turn")] * 3,
            *[("turn", CHAT)] * 6,
            ("turn", TOOL),
        ]
    )


async def test_every_entry_of_the_log_names_the_span_that_it_is_about(house):
    traced = await begun(house)
    await everything(traced)
    names = {ids(span)[:2]: span.name for span in traced.told}
    entries = await Records(traced.database).entries("run-1")
    about = {(each["action"], names[each["trace_id"], each["span_id"]]) for each in entries}
    assert about == {
        *((action, CHAT) for action in ("llm_call", "thinking", "error")),
        *((action, TOOL) for action in ("tool_call", "tool_result")),
        ("ruling", "turn"),
        ("approval", "turn"),
        ("approval", "invoke_workflow shoot_item"),
    }


async def test_what_is_exported_again_is_what_was_told(house):
    traced = await begun(house)
    await everything(traced)
    before = {ids(span): (span.name, dict(span.attributes), span.start_time, span.end_time) for span in traced.told}
    after = {
        ids(span): (span.name, dict(span.attributes), span.start_time, span.end_time) for span in await traced.again()
    }
    assert after == before


async def test_also_of_a_run_that_goes_on_exactly_what_was_told_is_exported_again(house):
    traced = await begun(house)
    lost = await traced.reserve(1)
    await traced.ledger.lose(lost.attempt, "cancelled")
    head = await traced.turn(1, 1, [use("call_1")], stop="tool_use")
    await answer(traced)
    told = {ids(span) for span in traced.told}
    assert {ids(span) for span in await traced.again()} == told
    traced.forget()
    await traced.turn(head, 2, [use("call_2")], stop="tool_use")
    await traced.reserve(2, "compaction")
    told |= {ids(span) for span in traced.told}
    assert {ids(span) for span in await traced.again()} == told


async def test_a_call_says_whom_it_asked_what_came_back_and_what_it_cost(house):
    traced = await begun(house)
    await traced.turn(1, 1, [say("{}")])
    span = traced.one(CHAT)
    told = dict(span.attributes)
    assert (span.kind, span.status.status_code) == (SpanKind.CLIENT, StatusCode.UNSET)
    assert (
        told.items()
        >= {
            Ai.OPERATION: "chat",
            Ai.PROVIDER: "anthropic",
            Ai.AGENT: "generator",
            Ai.CONVERSATION: TALK,
            Ai.REQUEST_MODEL: MODEL,
            Ai.MAX_TOKENS: 4_096,
            Ai.RESPONSE_MODEL: f"{MODEL}-of-today",
            Ai.RESPONSE_ID: "msg_1",
            Ai.FINISH_REASONS: ("end_turn",),
            Ai.INPUT_TOKENS: 450,
            Ai.OUTPUT_TOKENS: 40,
            Ai.REASONING_TOKENS: 15,
            Ai.CACHE_READ_TOKENS: 300,
            Ai.CACHE_CREATION_TOKENS: 50,
            Ai.CACHE_WRITE_TOKENS: 50,
            Ai.COST: 0.0007,
            At.LOGFIRE_COST: 0.0007,
            At.COST_MICRO_USD: 700,
            At.COST_KNOWN: True,
            At.COST_SOURCE: "table/1",
            At.RUN: "run-1",
            At.ITEM: "tee",
            At.TENANT: "default",
            At.WORKFLOW_ID: "run-1:tee",
        }.items()
    )


async def test_a_call_that_failed_says_how_and_costs_nothing_or_what_was_reserved(house):
    traced = await begun(house)
    lost = await traced.reserve(1)
    await traced.ledger.lose(lost.attempt, "the stream ended early")
    free = await traced.reserve(1)
    await traced.ledger.release(free.attempt, "model API error 529 overloaded_error")
    broken, overloaded = traced.named(CHAT)
    assert [(span.status.status_code, span.status.description) for span in (broken, overloaded)] == [
        (StatusCode.ERROR, "stream"),
        (StatusCode.ERROR, "overloaded"),
    ]
    assert [span.attributes[At.ERROR_TYPE] for span in (broken, overloaded)] == ["stream", "overloaded"]
    assert [(span.attributes[At.COST_MICRO_USD], span.attributes[At.COST_KNOWN]) for span in (broken, overloaded)] == [
        (900, False),
        (0, True),
    ]
    assert Ai.INPUT_TOKENS not in broken.attributes


async def test_a_call_that_was_thought_lost_and_is_billed_is_told_anew_under_its_id(house):
    traced = await begun(house)
    held = await traced.reserve(1)
    await traced.database.run(lambda session: ledger_rows.lose(session, held.attempt, ledger_rows.SILENT, now()))
    await traced.ledger.settle(held.attempt, traced.bill())
    lapsed, billed = traced.named(CHAT)
    assert ids(lapsed) == ids(billed)
    assert (lapsed.attributes[At.ERROR_TYPE], billed.attributes[At.COST_MICRO_USD]) == ("lapsed", 700)
    assert billed.status.status_code == StatusCode.UNSET


async def test_costs_that_backends_add_up_stand_on_calls_only_and_sums_under_our_own_names(house):
    traced = await begun(house)
    await everything(traced)
    with_cost = {
        span.name for span in traced.told if {Ai.COST, At.LOGFIRE_COST, Ai.INPUT_TOKENS} & set(span.attributes)
    }
    first, *_ = traced.named("turn")
    agent, whole = traced.one("invoke_agent generator"), traced.one("invoke_workflow image_production")
    assert with_cost == {CHAT}
    assert first.attributes[At.TURN_COST] == 0.0009 + 0.0007 + 0.0007
    assert [first.attributes[name] for name in (At.TURN_LLM_CALLS, At.TURN_TOOL_CALLS, At.TURN_TOOL_ERRORS)] == [
        4,
        1,
        0,
    ]
    assert first.attributes[f"{At.TURN_TOKENS}.thinking"] == 30
    assert (agent.attributes[At.AGENT_TURNS], agent.attributes[At.ENDED]) == (3, "answered")
    assert agent.attributes[At.AGENT_COST] == pytest.approx(0.0009 + 4 * 0.0007)
    assert (whole.attributes[At.WORKFLOW_COST], whole.attributes[At.HISTORY_EVENTS]) == (0.007, 90)


async def test_rulings_are_events_of_their_turn_and_people_of_the_item(house):
    traced = await begun(house)
    await everything(traced)
    events = [
        [(event.name, event.attributes.get("callsheet.event.kind")) for event in span.events] for span in traced.told
    ]
    _, second, third = [[event.name for event in span.events] for span in traced.named("turn")]
    item = traced.one("invoke_workflow shoot_item")
    assert (second, third) == (["ruling", "ruling"], ["approval"])
    assert [(event.name, event.attributes["callsheet.event.kind"]) for event in item.events] == [
        ("approval", "question"),
        ("approval", "decided"),
    ]
    assert item.events[1].attributes["callsheet.event.choice"] == "revise"
    assert sum(map(len, events)) == 5


async def test_a_turn_holds_its_calls_and_is_told_only_when_the_next_one_has_begun(house):
    traced = await begun(house)
    head = await traced.turn(1, 1, [use("call_1")], stop="tool_use")
    await answer(traced)
    assert "turn" not in traced.names
    await traced.turn(head, 2, [say("{}")])
    turn, inner = traced.one("turn"), [*traced.named(CHAT)[:1], traced.one(TOOL)]
    assert turn.start_time <= min(span.start_time for span in inner)
    assert turn.end_time >= max(span.end_time for span in inner)
    assert [ids(span)[2] for span in inner] == [ids(turn)[1]] * 2


async def test_while_a_run_is_open_its_trace_says_that_it_began_who_works_and_who_is_waited_for(house):
    traced = await begun(house)
    await traced.ask()
    markers = [span for span in traced.told if span.attributes.get(At.MARKER)]
    assert [(span.name, span.end_time - span.start_time) for span in markers] == [
        ("opened", 0),
        ("opened", 0),
        ("stage generator", 0),
        ("stage awaiting_person", 0),
    ]
    assert markers[3].attributes.items() >= {At.OWNER: "reviewers", At.STATUS: "awaiting_person"}.items()
    assert not any(name.startswith("invoke_") for name in traced.names)


async def test_an_agent_that_never_ended_and_its_last_turn_are_told_with_the_end_of_the_item(house):
    traced = await begun(house)
    await traced.turn(1, 1, [use("call_1")], stop="tool_use")
    await traced.end(ITEM, "cancelled")
    agent, item = traced.one("invoke_agent generator"), traced.one("invoke_workflow shoot_item")
    assert traced.names.count("turn") == 1
    assert (agent.status.status_code, item.status.status_code) == (StatusCode.UNSET, StatusCode.UNSET)
    assert At.ENDED not in agent.attributes
    assert item.attributes[At.STATUS] == "cancelled"


async def test_an_agent_that_was_stopped_and_an_item_that_failed_are_errors(house):
    traced = await begun(house)
    await traced.turn(1, 1, [say("{}")])
    await traced.close(1, "money", ruled=True)
    await traced.end(ITEM, "failed")
    assert traced.one("invoke_agent generator").status.description == "money"
    assert traced.one("invoke_workflow shoot_item").status.description == "failed"


async def test_a_turn_without_a_reply_is_told_as_well_with_why(house):
    traced = await begun(house)
    head = await traced.turn(1, 1, [say("{}")])
    held = await traced.reserve(2, position=head)
    await traced.ledger.release(held.attempt, "model API error 400 invalid_request_error")
    await traced.close(2, "rejected")
    _, second = traced.named("turn")
    assert (second.attributes[At.TURN], second.status.description) == (2, "rejected")


async def test_turns_that_an_end_has_told_are_not_told_again_when_it_goes_on(house):
    traced = await begun(house)
    head = await traced.turn(1, 1, [say("{}")])
    await traced.close(1, "loop", at=NOON)
    await traced.close(1, "loop", at=now())
    head = await traced.turn(head, 2, [say("{}")], notes=(note("Go on.", "person"),))
    await traced.close(2, "loop", at=now())
    await traced.turn(head, 3, [say("{}")], notes=(note("Go on.", "person"),))
    await traced.close(3)
    assert [span.attributes[At.TURN] for span in traced.named("turn")] == [1, 2, 3]
    assert traced.names.count("invoke_agent generator") == 1


async def test_a_second_end_tells_only_what_came_after_the_first(house):
    traced = await begun(house)
    head = await traced.turn(1, 1, [say("{}")])
    await traced.close(1, "loop")
    held = await traced.reserve(2, position=head)
    await traced.ledger.release(held.attempt, "model API error 400 invalid_request_error")
    await traced.close(2, "rejected", at=now())
    assert [span.attributes[At.TURN] for span in traced.named("turn")] == [1, 2]


async def test_a_tool_says_how_it_was_refused_and_an_invented_name_names_no_span(house):
    traced = await begun(house)
    await traced.turn(1, 1, [use("call_1"), use("call_2")], stop="tool_use")
    invented = result("call_1", 2, "{}", ok=False, tool="summon_a_unicorn")
    outcome = invented.outcome.model_copy(update={"refusal": "unknown_tool"})
    await traced.store.put_result(invented._replace(conversation=TALK, outcome=outcome))
    await answer(traced, "call_2", ok=False)
    refused, declined = traced.one("execute_tool unknown"), traced.one(TOOL)
    assert (refused.attributes[Ai.TOOL], refused.attributes[At.REFUSAL]) == ("summon_a_unicorn", "unknown_tool")
    assert [span.status.description for span in (refused, declined)] == ["unknown_tool", "declined"]
    assert declined.end_time - declined.start_time == 30_000_000


async def test_what_is_taken_back_is_not_told(house):
    traced = await begun(house)
    traced.forget()

    def work(session):
        session.add(JournalRow(run="run-1", action="ruling", data="{}"))
        session.flush()
        raise RuntimeError("the disk is full")

    with suppress(RuntimeError):
        await traced.database.run(work)
    assert traced.names == []


async def test_a_conversation_that_belongs_to_no_invocation_has_a_trace_all_the_same(house):
    traced = house()
    await traced.talk("a talk of somebody's own", workflow_id="theirs")
    span = traced.one("stage generator")
    assert (ids(span)[2], ids(span)[0] != "0" * 32) == ("", True)


async def test_nothing_that_was_said_is_in_a_span_unless_it_is_asked_for(house):
    traced = await begun(house)
    await everything(traced)
    whole = "".join(span.to_json() for span in traced.told)
    for word in ("Ama", "Remember", "Go on", "done", "again and again", "white", "planner of a catalog", "found"):
        assert word not in whole, word


async def test_when_asked_for_it_is_there_as_the_conventions_write_it_and_without_secrets(house):
    traced = await begun(house, trace_content=True)
    said = [think("I wonder."), say(f"My key is {SECRET}"), use("call_1", place="Lisbon", token="hush")]
    head = await traced.turn(1, 1, said, stop="tool_use")
    kept = result("call_1", 1, f'{{"seen": "a wall, {SECRET}"}}')._replace(conversation=TALK)
    await traced.store.put_result(kept._replace(arguments='{"place": "Lisbon", "token": "hush"}'))
    await traced.turn(head, 2, [say("{}")], notes=(note("Remember."),))
    first, second = (dict(span.attributes) for span in traced.named(CHAT))
    [reply] = json.loads(first[Ai.OUTPUT_MESSAGES])
    [asked] = json.loads(second[Ai.INPUT_MESSAGES])
    tool = traced.one(TOOL).attributes
    whole = "".join(span.to_json() for span in traced.told)
    assert (SECRET in whole, "hush" in whole) == (False, False)
    assert (reply["role"], reply["finish_reason"]) == ("assistant", "tool_use")
    assert reply["parts"][0] == {"type": "reasoning", "content": "I wonder."}
    assert reply["parts"][1] == {"type": "text", "content": "My key is [REDACTED]"}
    assert reply["parts"][2]["arguments"] == {"place": "Lisbon", "token": "[REDACTED]"}
    assert [part["type"] for part in asked["parts"]] == ["tool_call_response", "text"]
    assert "generator of a catalog" in first[Ai.SYSTEM_INSTRUCTIONS]
    assert Ai.SYSTEM_INSTRUCTIONS not in second
    assert ("Lisbon" in tool[Ai.TOOL_ARGUMENTS], "a wall" in tool[Ai.TOOL_RESULT]) == (True, True)


async def test_what_is_long_is_cut_and_still_json(house):
    traced = await begun(house, trace_content=True)
    await traced.turn(1, 1, [say("word " * 50_000), *(use(f"call_{n}", text="x" * 9_000) for n in range(80))])
    written = traced.one(CHAT).attributes[Ai.OUTPUT_MESSAGES]
    assert len(written) < 40_000
    assert json.loads(written)[0]["parts"][0]["content"].endswith("(250000 characters)")


async def test_a_record_that_no_span_can_be_made_of_is_kept_all_the_same(house, caplog):
    traced = await begun(house)
    row = ToolResultRow(
        conversation=TALK, call_id="c", position=1, turn=1, tool="t", arguments="{}", content="", outcome="?"
    )
    await traced.database.run(lambda session: session.add(row))
    await answer(traced)
    kept = await traced.database.read(lambda session: session.query(ToolResultRow).count())
    assert (kept, traced.names.count(TOOL), traced.names.count("execute_tool t")) == (2, 1, 0)
    assert "could not be told as spans" in caplog.text


async def test_it_is_the_same_on_postgresql(house, postgres_url):
    sqlite, postgres = await begun(house), await begun(lambda: house(url=postgres_url))
    for traced in (sqlite, postgres):
        await everything(traced)
    assert tree(postgres.told) == tree(sqlite.told)
    assert {ids(span) for span in await postgres.again()} == {ids(span) for span in await sqlite.again()}
