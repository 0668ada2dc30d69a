"""The provider's own client cannot tell the rehearsal from the Messages API."""

import httpx2

from rehearsal.scripts import answer, call, calls, cut, forever, pause, refuse, say, think
from tests.activities.rehearsed import MODEL, OLDER, TOOLS, assistant, critic, picture, prompt, rehearsed, result, user
from tests.activities.rehearsed import streamed as stream_of


async def test_a_stream_and_a_whole_reply_say_the_same():
    turn = think("Let me see.", calls(say("Looking."), call("look", at="sleeve", größe=2), call("look", at="hem")))
    async with rehearsed(critic(turn, turn)) as (_, client):
        events, streamed = await stream_of(client, **prompt(tools=TOOLS))
        whole = await client.messages.create(**prompt(tools=TOOLS))

    assert streamed.to_dict() == whole.to_dict()
    assert whole.stop_reason == "tool_use"
    assert whole.content[2].input == {"at": "sleeve", "größe": 2}
    kinds = [event.type for event in events]
    assert kinds[0] == "message_start"
    assert kinds[-1] == "message_stop"
    assert kinds.count("content_block_start") == kinds.count("content_block_stop") == 4


async def test_tool_input_arrives_in_pieces():
    async with rehearsed(critic(call("look", note="x" * 300))) as (_, client):
        events, message = await stream_of(client, **prompt(tools=TOOLS))

    assert len([event for event in events if event.type == "input_json"]) > 3
    assert message.content[0].input == {"note": "x" * 300}


async def test_equal_prompts_get_equal_ids_and_others_get_others():
    turn = calls(call("look", at=1), call("look", at=1))
    async with rehearsed(critic(turn, turn, turn)) as (_, client):
        first = await client.messages.create(**prompt(tools=TOOLS))
        again = await client.messages.create(**prompt(tools=TOOLS))
        other = await client.messages.create(**prompt(user("Judge that."), tools=TOOLS))

    ids = [block.id for block in first.content]
    assert len(set(ids)) == 2
    assert all(name.startswith("toolu_") for name in ids)
    assert (first.id, ids) == (again.id, [block.id for block in again.content])
    assert first.id != other.id
    assert set(ids).isdisjoint(block.id for block in other.content)


async def test_every_answer_has_a_request_id_and_says_that_it_is_rehearsed():
    async with rehearsed(critic(say("Fine."))) as (server, client):
        raw = await client.messages.with_raw_response.create(**prompt())
        message = await raw.parse()
        async with httpx2.AsyncClient() as plain:
            about = (await plain.get(f"{server.url}/rehearsal")).json()
            nowhere = await plain.get(f"{server.url}/v2/anything")

    assert raw.headers["x-callsheet-rehearsal"] == "rule-based"
    assert message._request_id == raw.headers["request-id"] == server.requests[0].request_id
    assert about["kind"] == "rule-based stand-in, no language model"
    assert about["usage"]["replies"] == 1
    assert about["micro_usd"] == server.bill
    assert (nowhere.status_code, nowhere.json()["error"]["type"]) == (404, "not_found_error")


async def test_the_journal_keeps_what_was_asked_and_what_it_cost():
    async with rehearsed(critic(say("Fine."))) as (server, client):
        message = await client.messages.create(**prompt(output_config={"effort": "low"}))
        (entry,) = server.requests

    assert (entry.agent, entry.status, entry.finished) == ("critic", 200, True)
    assert entry.body["output_config"] == {"effort": "low"}
    assert server.usage.input == message.usage.input_tokens == entry.usage["input_tokens"]
    assert server.usage.output == message.usage.output_tokens == 2


async def test_the_journal_forgets_the_oldest_but_counts_on():
    async with rehearsed(critic(forever(say("Fine."))), remembered=2) as (server, client):
        for name in "abc":
            await client.messages.create(**prompt(user(name)))

    assert [entry.body["messages"][0]["content"] for entry in server.requests] == ["b", "c"]
    assert server.usage.replies == 3


async def test_the_player_sees_agent_task_results_tools_and_schema():
    seen = []

    def turn(request):
        seen.append(request)
        return answer({"ok": True})

    schema = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "additionalProperties": False}
    said = [user("Judge."), assistant([{"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}])]
    said.append(user([result("toolu_1"), {"type": "text", "text": "Keep it short."}]))
    async with rehearsed(critic(turn)) as (_, client):
        shape = {"effort": "high", "format": {"type": "json_schema", "schema": schema}}
        await client.messages.create(**prompt(*said, tools=TOOLS, output_config=shape))

    (request,) = seen
    assert (request.agent, request.task, request.turn, request.effort) == ("critic", "Judge.", 2, "high")
    assert request.results[0]["content"] == [{"type": "text", "text": "seen"}]
    assert request.messages[-1].text == "Keep it short."
    assert request.tools[0].name == "look"
    assert request.schema == schema


async def test_an_image_costs_one_token_per_patch():
    async with rehearsed(critic()) as (_, client):
        words = await client.messages.count_tokens(model=MODEL, messages=[user("Look.")])
        block = {"type": "text", "text": "Look."}
        small = await client.messages.count_tokens(model=MODEL, messages=[user([block, picture(280, 290)])])
        large = await client.messages.count_tokens(model=MODEL, messages=[user([block, picture(3136, 1568, "jpeg")])])

    assert small.input_tokens - words.input_tokens == 10 * 11
    assert large.input_tokens - words.input_tokens == 56 * 28


async def test_counting_agrees_with_the_bill():
    said = prompt(user([picture(56, 56), {"type": "text", "text": "x" * 401}]), tools=TOOLS)
    async with rehearsed(critic(say("Fine."))) as (server, client):
        counted = await client.messages.count_tokens(**{k: v for k, v in said.items() if k != "max_tokens"})
        message = await client.messages.create(**said)

        assert counted.input_tokens == message.usage.input_tokens
        assert len(server.requests) == 1


async def test_models_tell_their_limits_and_lifecycle():
    async with rehearsed(critic()) as (_, client):
        listed = [model.id async for model in client.models.list(limit=5)]
        newest = await client.models.retrieve(MODEL)
        deprecated = await client.models.retrieve("claude-sonnet-4-5")

    assert MODEL in listed
    assert len(listed) == len(set(listed)) > 5
    assert newest.lifecycle == "active"
    assert newest.max_input_tokens == 1_000_000
    assert newest.capabilities.thinking.types.adaptive.supported
    assert not newest.capabilities.thinking.types.disabled.supported
    assert newest.capabilities.effort.xhigh.supported
    assert deprecated.lifecycle == "deprecated"


async def test_a_reply_longer_than_max_tokens_is_cut_off():
    async with rehearsed(critic(say("word " * 100))) as (_, client):
        message = await client.messages.create(**prompt() | {"max_tokens": 10})

    assert (message.stop_reason, len(message.content[0].text)) == ("max_tokens", 40)
    assert message.usage.output_tokens == 10


async def test_a_call_that_is_cut_off_lacks_its_last_arguments():
    async with rehearsed(critic(*[cut(call("look", at="hem", note="y" * 200))] * 2)) as (_, client):
        _, streamed = await stream_of(client, **prompt(tools=TOOLS))
        whole = await client.messages.create(**prompt(tools=TOOLS))

    assert streamed.stop_reason == whole.stop_reason == "max_tokens"
    assert whole.content[0].input == {"at": "hem"}
    assert streamed.content[0].input["at"] == "hem"
    assert len(streamed.content[0].input.get("note", "")) < 200


async def test_no_tokens_at_all_only_warm_the_cache():
    async with rehearsed(critic(say("Unheard."))) as (_, client):
        message = await client.messages.create(**prompt() | {"max_tokens": 0})

    assert (message.content, message.stop_reason, message.usage.output_tokens) == ([], "max_tokens", 0)


async def test_a_refusal_is_a_reply_with_a_category():
    async with rehearsed(critic(refuse("bio"), refuse(None))) as (_, client):
        _, message = await stream_of(client, **prompt())
        unnamed = await client.messages.create(**prompt())

    assert (message.stop_reason, message.stop_details.category) == ("refusal", "bio")
    assert unnamed.stop_details.category is None


async def test_a_paused_turn_goes_on_when_it_is_sent_back_as_it_is():
    async with rehearsed(critic(pause(query="linen"), say("Found it."))) as (_, client):
        paused = await client.messages.create(**prompt())
        said = [user("Judge this."), assistant(paused.to_dict()["content"])]
        resumed = await client.messages.create(**prompt(*said))

    assert paused.stop_reason == "pause_turn"
    assert resumed.content[0].text == "Found it."


async def test_thinking_is_silent_where_it_was_switched_off_and_empty_where_the_model_hides_it():
    turn = think("Hm.", say("Fine."))
    async with rehearsed(critic(turn, turn, turn, turn)) as (_, client):
        off = await client.messages.create(**prompt(model=OLDER, thinking={"type": "disabled"}))
        shown = await client.messages.create(**prompt(model=OLDER, thinking={"type": "adaptive"}))
        hidden = await client.messages.create(**prompt())
        asked_for = await client.messages.create(**prompt(thinking={"type": "adaptive", "display": "summarized"}))

    assert [block.type for block in off.content] == ["text"]
    assert shown.content[0].thinking == asked_for.content[0].thinking == "Hm."
    assert hidden.content[0].thinking == ""
    assert hidden.content[0].signature
    assert hidden.usage.output_tokens_details.thinking_tokens == 1
