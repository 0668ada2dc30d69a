"""The model activity: requests, replies, money."""

import asyncio
import io

import pytest
from PIL import Image
from temporalio.exceptions import ApplicationError

from activities.database import Database
from activities.records import Records
from tests.activities.conversing import (
    cut_at,
    new_compactor,
    new_store,
    note,
    opening,
    request,
    result,
    say,
    think,
    use,
)
from tests.activities.endpoint import USAGE, Endpoint, message, new_model, run


@pytest.fixture
def database(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/talks.db")
    yield database
    database.close()


@pytest.fixture
def store(database):
    return new_store(database)


async def test_a_finished_answer_is_a_small_record_with_its_price(store, database):
    pin = (await store.open(opening())).pin
    reply = await run(new_model(Endpoint(message(think("hm"), say('{"z":"done"}'))), database), request(pin, 1, 1))
    assert (reply.stop, reply.output, reply.head, reply.calls) == ("end_turn", '{"z":"done"}', 2, ())
    assert (reply.usage.input, reply.usage.output, reply.context) == (900, 100, 1_000)
    assert (reply.micro_usd, reply.model, reply.request_id) == (900 * 2 + 100 * 10, "claude-sonnet-5-5", "req_1")


async def test_the_frozen_part_of_a_request_is_the_same_in_every_turn(store, database):
    pin = (await store.open(opening())).pin
    endpoint = Endpoint(message(use("call_1", name="Ama"), stop_reason="tool_use"), message(say("{}")))
    model = new_model(endpoint, database)
    first = await run(model, request(pin, 1, 1))
    await store.put_result(result("call_1", 1, '{"id":"mod_1"}'))
    await run(model, request(pin, first.head, 2, notes=(note("Mind the goal."),)))
    before, after = endpoint.bodies
    assert after["messages"][: len(before["messages"])] == before["messages"]
    assert {**before, "messages": 0} == {**after, "messages": 0}
    assert [tool["name"] for tool in before["tools"]] == ["find_model", "publish", "render_shot"]
    assert before["system"][0]["cache_control"] == {"type": "ephemeral", "ttl": "1h"}
    assert before["output_config"]["format"]["schema"]["additionalProperties"] is False
    assert (before["thinking"], before["output_config"]["effort"]) == ({"type": "adaptive"}, "medium")
    assert (before["service_tier"], before["stream"], before["max_tokens"]) == ("standard_only", True, 4_096)


async def test_an_older_model_is_not_asked_for_what_it_does_not_know(store, database):
    pin = (await store.open(opening(model="claude-haiku-4-5"))).pin
    endpoint = Endpoint(message(say("{}"), model="claude-haiku-4-5"))
    await run(new_model(endpoint, database), request(pin, 1, 1))
    assert "thinking" not in endpoint.bodies[0]
    assert "effort" not in endpoint.bodies[0]["output_config"]


async def test_without_tools_the_tools_stay_in_the_prefix(store, database):
    pin = (await store.open(opening())).pin
    endpoint = Endpoint(message(say("{}")))
    await run(new_model(endpoint, database), request(pin, 1, 1, without_tools=True))
    assert endpoint.bodies[0]["tool_choice"] == {"type": "none"}
    assert len(endpoint.bodies[0]["tools"]) == 3


async def test_a_paid_reply_is_not_paid_for_twice(store, database):
    pin = (await store.open(opening())).pin
    endpoint = Endpoint(message(say("{}")))
    model = new_model(endpoint, database)
    assert await run(model, request(pin, 1, 1)) == await run(model, request(pin, 1, 1))
    assert len(endpoint.bodies) == 1


async def test_calls_carry_the_policy_that_was_pinned(store, database):
    pin = (await store.open(opening())).pin
    answer = message(
        use("call_1", "render_shot", width=2_000, title="A tee"), use("call_2", "fly"), stop_reason="tool_use"
    )
    reply = await run(new_model(Endpoint(answer), database), request(pin, 1, 1))
    render, fly = reply.calls
    assert (render.effect, render.queue, render.quick, render.timeout.total_seconds()) == ("write", "studio", False, 90)
    assert render.preview == "render_shot(width=2000, title=A tee)"
    assert (fly.effect, fly.quick) == ("read", True)


async def test_jitter_of_arguments_is_folded_into_one_shape(store, database):
    pin = (await store.open(opening())).pin
    calls = [
        use("call_1", key_light=1.01, name="Ama ", page=2),
        use("call_2", name="ama", key_light=1.0, page=2),
        use("call_3", name="ama", key_light=1.0, page=3),
    ]
    reply = await run(new_model(Endpoint(message(*calls, stop_reason="tool_use")), database), request(pin, 1, 1))
    first, second, third = reply.calls
    assert first.shape == second.shape != third.shape
    assert first.digest != second.digest


async def test_input_that_is_no_json_reaches_the_toolbox_as_it_was_written(store, database):
    pin = (await store.open(opening())).pin
    answer = message({**use("call_1"), "input": '{"name": Ama}'}, stop_reason="tool_use")
    endpoint = Endpoint(answer, message(say("{}")))
    model = new_model(endpoint, database)
    reply = await run(model, request(pin, 1, 1))
    assert (reply.stop, (await store.calls("talk-1", 1))[0].arguments) == ("tool_use", '{"name": Ama}')
    await store.put_result(result("call_1", 1, "{}", ok=False))
    await run(model, request(pin, 2, 2))
    assert endpoint.bodies[1]["messages"][1]["content"][0]["input"] == {}


async def test_of_very_many_calls_the_first_32_are_run_and_the_others_answered(store, database):
    pin = (await store.open(opening())).pin
    answer = message(*(use(f"call_{n}", name="Ama") for n in range(40)), stop_reason="tool_use")
    endpoint = Endpoint(answer, message(say("{}")))
    model = new_model(endpoint, database)
    reply = await run(model, request(pin, 1, 1))
    for call in reply.calls:
        await store.put_result(result(call.id, 1, "{}"))
    await run(model, request(pin, reply.head, 2))
    blocks = endpoint.bodies[1]["messages"][2]["content"]
    assert (len(reply.calls), len(blocks), sum(block.get("is_error", False) for block in blocks)) == (32, 40, 8)
    assert endpoint.bodies[1]["messages"][0]["content"][-1]["cache_control"] == {"type": "ephemeral"}


@pytest.mark.parametrize(
    ("reason", "stop"),
    [
        ("stop_sequence", "end_turn"),
        ("pause_turn", "pause_turn"),
        ("compaction", "pause_turn"),
        ("max_tokens", "max_tokens"),
        ("model_context_window_exceeded", "context_exceeded"),
        (None, "broken"),
        ("tea_time", "broken"),
    ],
)
async def test_every_stop_reason_is_a_value_and_only_tool_use_runs_tools(store, database, reason, stop):
    pin = (await store.open(opening())).pin
    endpoint = Endpoint(message(say("hm"), use("call_1"), stop_reason=reason), message(say("{}")))
    model = new_model(endpoint, database)
    reply = await run(model, request(pin, 1, 1))
    assert (reply.stop, reply.calls) == (stop, ())
    await run(model, request(pin, reply.head, 2, notes=(note("Go on."),)))
    answer = endpoint.bodies[1]["messages"][-1]["content"][0]
    assert (answer["tool_use_id"], answer["is_error"]) == ("call_1", True)


async def test_a_refusal_keeps_its_category_and_is_not_sent_back(store, database):
    pin = (await store.open(opening())).pin
    refused = message(say("no"), use("call_1"), stop_reason="refusal", stop_details={"category": "cyber"})
    endpoint = Endpoint(refused, message(say("{}")))
    model = new_model(endpoint, database)
    reply = await run(model, request(pin, 1, 1))
    assert (reply.stop, reply.text, reply.calls) == ("refusal", "refused (cyber): no", ())
    await run(model, request(pin, reply.head, 2, notes=(note("Go on."),)))
    assert [each["role"] for each in endpoint.bodies[1]["messages"]] == ["user", "user"]


async def test_tool_use_without_a_call_is_the_end(store, database):
    pin = (await store.open(opening())).pin
    reply = await run(new_model(Endpoint(message(say("{}"), stop_reason="tool_use")), database), request(pin, 1, 1))
    assert (reply.stop, reply.output) == ("end_turn", "{}")


@pytest.mark.parametrize("ids", [("call_1", "call_1"), ("call 1",), ("",)])
async def test_calls_that_could_not_be_answered_in_pairs_are_not_run(store, database, ids):
    pin = (await store.open(opening())).pin
    answer = message(*map(use, ids), stop_reason="tool_use")
    reply = await run(new_model(Endpoint(answer), database), request(pin, 1, 1))
    assert (reply.stop, reply.calls) == ("broken", ())


async def test_images_are_shown_as_bytes_and_made_smaller_when_they_are_large(store, database):
    async def images(digest):
        out = io.BytesIO()
        Image.new("RGB", (3_000, 1_500) if digest == "sha256:big" else (280, 140), "white").save(out, "PNG")
        return out.getvalue()

    pin = (await store.open(opening(images=("sha256:small", "sha256:big")))).pin
    endpoint = Endpoint(message(say("{}")))
    await run(new_model(endpoint, database, images), request(pin, 1, 1))
    small, big = (block["source"] for block in endpoint.bodies[0]["messages"][0]["content"][1:])
    assert (small["media_type"], big["media_type"]) == ("image/png", "image/jpeg")


async def test_a_missing_image_is_an_error_because_nobody_may_judge_it(store, database):
    pin = (await store.open(opening(images=("sha256:gone",)))).pin
    with pytest.raises(ApplicationError, match="sha256:gone is not in the store") as caught:
        await run(new_model(Endpoint(), database), request(pin, 1, 1))
    assert (caught.value.type, caught.value.non_retryable) == ("AssetMissing", True)


async def test_a_cut_conversation_is_sent_in_whole_pairs(store, database):
    pin = (await store.open(opening())).pin
    answers = [message(use(f"call_{n}", name="Ama"), stop_reason="tool_use") for n in range(8)]
    endpoint = Endpoint(*answers, message(say("{}")))
    model = new_model(endpoint, database)
    head = 1
    for turn in range(1, 9):
        head = (await run(model, request(pin, head, turn))).head
        await store.put_result(result(f"call_{turn - 1}", head - 1, '{"text":"' + "x" * 900 + '"}'))
    await new_compactor(database).compact(cut_at(head, 9))
    reply = await run(model, request(pin, head, 9))
    assert (reply.stop, len(endpoint.bodies[-1]["messages"])) == ("end_turn", 10)


async def test_a_long_call_beats_on_a_timer(store, database):
    beats, enough = [], asyncio.Event()

    def beat(*details):
        beats.append(details)
        if len(beats) == 3:
            enough.set()

    async def slow(digest):
        await enough.wait()
        raise FileNotFoundError(digest)

    pin = (await store.open(opening(images=("sha256:slow",)))).pin
    with pytest.raises(ApplicationError):
        await run(new_model(Endpoint(), database, slow, beat_seconds=0.01), request(pin, 1, 1), on_beat=beat)
    assert len(beats) >= 3


async def test_what_happened_can_be_read_afterwards(store, database):
    pin = (await store.open(opening())).pin
    endpoint = Endpoint(message(think("hm"), use("call_1", name="Ama"), stop_reason="tool_use"), message(say("{}")))
    model = new_model(endpoint, database)
    await run(model, request(pin, 1, 1))
    await store.put_result(result("call_1", 1, '{"id":"mod_1"}', ok=False))
    await run(model, request(pin, 2, 2, notes=(note("Mind the goal."),)))
    records = Records(database)
    for name in ("run-1", "run-1:tee", "0001", "talk-1"):
        actions = [entry["action"] for entry in await records.entries(name)]
        assert sorted(actions) == sorted(
            ["llm_call", "thinking", "tool_call", "tool_result", "ruling", "llm_call", "final_output"]
        )
    entry = next(entry for entry in await records.entries("run-1") if entry["action"] == "llm_call")
    assert entry["data"]["token_usage"]["input"] == USAGE["input_tokens"]
    assert (entry["workflow_id"], entry["run_id"], entry["agent_name"]) == ("run-1:tee", "0001", "generator")
    summary = {"tool": "find_model", "calls": 1, "errors": 1, "average_ms": 30.0, "p95_ms": 30.0}
    assert await records.tool_summary("run-1") == [summary]
    (talk,) = await records.transcript("run-1")
    assert [line["role"] for line in talk["messages"]] == ["user", "assistant", "user", "assistant"]
    assert await records.entries("unknown") == await records.transcript("unknown") == []
