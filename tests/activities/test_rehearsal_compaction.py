"""The rehearsal compacts on demand as the API does."""

import anthropic
import pytest
from anthropic import BadRequestError, NotFoundError

from rehearsal.scripts import Script, answer, call, compacts, fail, forever, overflow, refuse, say, think
from tests.activities.rehearsed import MODEL, TOOLS, assistant, critic, prompt, rehearsed, result, use, user

BETAS = ["compact-2026-09-04"]
SUMMARISE = {"type": "summarize"}
HOUR = {"type": "ephemeral", "ttl": "1h"}
SCHEMA = {"type": "object", "properties": {}, "additionalProperties": False}


def summarising(*turns, **parts):
    """A script whose turns are never used up by a summary."""
    return Script({"critic": list(turns)}, **parts)


async def compact(client, *said, betas=BETAS, **more):
    return await client.beta.messages.create(**prompt(*said) | more, betas=betas, compaction=SUMMARISE)


async def ask(client, *said, **more):
    return await client.beta.messages.create(**prompt(*said) | more, betas=BETAS)


async def talk(client, turns, **more):
    """A conversation that thinks and calls; its last message is a result."""
    said = [user("Judge mod_3f7a1c.")]
    for _ in range(turns):
        reply = await ask(client, *said, tools=TOOLS, **more)
        content = reply.to_dict()["content"]
        calls = [block["id"] for block in content if block["type"] == "tool_use"]
        said += [assistant(content), user([result(name, f"saw art_{at}b77") for at, name in enumerate(calls)])]
    return said


def looking():
    return forever(think("Hm.", call("look")))


async def test_a_summary_comes_alone_signed_and_names_what_was_found():
    async with rehearsed(summarising(looking())) as (server, client):
        said = await talk(client, 2)
        reply = await compact(client, *said, tools=TOOLS)

    (block,) = reply.to_dict()["content"]
    assert (reply.stop_reason, sorted(block)) == ("compaction", ["content", "signature", "type"])
    assert "Judge mod_3f7a1c." in block["content"]
    assert "look({}) ok: saw art_0b77" in block["content"]
    assert "art_0b77" in block["content"].rpartition("Identifiers:")[2]
    assert server.requests[-1].agent == "critic"


async def test_a_streamed_summary_arrives_whole_and_says_the_same():
    async with rehearsed(summarising(looking())) as (_, client):
        said = await talk(client, 1)
        whole = await compact(client, *said, tools=TOOLS)
        arguments = prompt(*said, tools=TOOLS)
        async with client.beta.messages.stream(**arguments, betas=BETAS, compaction=SUMMARISE) as stream:
            events = [event async for event in stream]
            streamed = await stream.get_final_message()

    kinds = [event.type for event in events]
    assert streamed.to_dict() == whole.to_dict()
    assert "content_block_delta" not in kinds
    assert (kinds[0], kinds[-1]) == ("message_start", "message_stop")


async def test_a_summary_is_billed_in_its_iteration_and_reads_the_cache():
    system = [{"type": "text", "text": "You are the critic of x." + "s" * 8000, "cache_control": HOUR}]
    async with rehearsed(summarising(say("Yes."))) as (server, client):
        said = user("w" * 4000)
        await ask(client, said, system=system, cache_control={"type": "ephemeral"})
        reply = await compact(client, said, system=system, cache_control={"type": "ephemeral"})

    usage = reply.usage
    top = (usage.input_tokens, usage.output_tokens, usage.cache_read_input_tokens, usage.cache_creation_input_tokens)
    (part,) = usage.iterations
    assert top == (0, 0, 0, 0)
    assert (part.type, "model" in part.to_dict()) == ("compaction", False)
    assert part.cache_read_input_tokens > 3000
    assert 0 < part.input_tokens < 200
    assert part.output_tokens > 10
    assert server.usage.cache_read == part.cache_read_input_tokens
    entry = server.requests[-1]
    assert entry.micro_usd == round(
        (part.input_tokens * 4 + part.cache_read_input_tokens / 5) + part.output_tokens * 20
    )
    assert server.bill == sum(entry.micro_usd for entry in server.requests)


async def test_work_goes_on_from_a_summary_and_thinking_kept_after_it_stays_valid():
    async with rehearsed(summarising(looking())) as (_, client):
        said = await talk(client, 3)
        first = await compact(client, *said[:3], tools=TOOLS)
        held = [first.to_dict()["content"], *said[3:]]
        kept = [assistant(held[0]), *said[3:]]
        reply = await ask(client, *kept, tools=TOOLS)
        content = reply.to_dict()["content"]
        kept += [assistant(content), user([result(content[1]["id"])])]
        again = await compact(client, *kept[:3], tools=TOOLS)
        twice = [assistant(again.to_dict()["content"]), *kept[3:]]
        last = await ask(client, *twice, tools=TOOLS)

    assert last.stop_reason == "tool_use"
    assert "Earlier: Summary by rule" in again.content[0].content


@pytest.mark.parametrize(
    "edit",
    [
        lambda block, kept: ([block, *kept[1:]], {}),
        lambda block, kept: ([block, user("And?"), *kept], {}),
        lambda block, kept: ([block, *kept], {"system": "You are the critic of something else."}),
        lambda block, kept: ([user("Judge mod_3f7a1c."), *kept], {}),
    ],
    ids=["a message left out", "a message put in", "another system prompt", "a summary of one's own"],
)
async def test_kept_thinking_is_refused_after_anything_else(edit):
    async with rehearsed(summarising(looking())) as (_, client):
        said = await talk(client, 3)
        summary = await compact(client, *said[:3], tools=TOOLS)
        messages, more = edit(assistant(summary.to_dict()["content"]), said[3:])
        answered = [each for each in messages if not (each["role"] == "user" and each is messages[1] and each in said)]
        with pytest.raises(BadRequestError, match=r"Invalid `signature` in `thinking` block.*different conversation"):
            await ask(client, *answered, **{"tools": TOOLS} | more)


async def test_kept_thinking_is_refused_where_the_cut_joins_two_messages_of_one_role():
    async with rehearsed(summarising(looking(), compaction=[compacts("S")])) as (_, client):
        said = await talk(client, 2)
        more = user([*said[2]["content"], {"type": "text", "text": "Go on."}])
        reply = await ask(client, *said[:2], more, tools=TOOLS)
        content = reply.to_dict()["content"]
        # The summary ends with the user's results, and what is kept starts with the user's words.
        summary = await compact(client, *said[:3], tools=TOOLS)
        kept = [user("Go on."), assistant(content), user([result(content[1]["id"])])]
        with pytest.raises(BadRequestError, match="different conversation"):
            await ask(client, assistant(summary.to_dict()["content"]), *kept, tools=TOOLS)


async def test_a_summary_counts_as_its_text_and_may_open_the_first_message():
    async with rehearsed(summarising(forever(say("Yes.")), compaction=[compacts("S" * 400)])) as (_, client):
        reply = await compact(client, user("Judge."))
        block = reply.to_dict()["content"][0]
        counted = await client.beta.messages.count_tokens(
            model=MODEL, messages=[assistant([block]), user("w" * 40)], betas=BETAS
        )
        plain = await client.beta.messages.count_tokens(model=MODEL, messages=[user("w" * 40)], betas=BETAS)
        opened = await ask(client, user([block, {"type": "text", "text": "Go on."}]))

    assert counted.input_tokens - plain.input_tokens == 100
    assert opened.content[0].text == "Yes."


async def test_a_script_takes_its_turns_as_if_nothing_had_been_summarised():
    seen = []

    def turn(request):
        seen.append((request.task, request.turn, request.compaction))
        return say("Two.")

    async with rehearsed(summarising(say("One."), turn, say("Three."))) as (_, client):
        one = await ask(client, user("Judge this."))
        said = [user("Judge this."), assistant(one.to_dict()["content"]), user("And?")]
        summary = assistant((await compact(client, *said)).to_dict()["content"])
        two = await ask(client, summary, user("Well?"))
        three = await ask(client, summary, user("Well?"), assistant(two.to_dict()["content"]), user("So?"))

    assert three.content[0].text == "Three."
    assert seen == [("Judge this.", 2, False)]


async def test_a_script_may_write_lose_or_refuse_the_summary():
    turns = [
        fail(529, "overloaded_error", code="compaction_unavailable"),
        compacts(None),
        refuse("cyber"),
        overflow(""),
        call("look"),
        say("In short: fine."),
        lambda request: compacts(f"Of {request.turn} turns."),
    ]
    async with rehearsed(summarising(compaction=turns)) as (server, client):
        with pytest.raises(anthropic.OverloadedError) as failed:
            await compact(client, user("Judge."))
        replies = [await compact(client, user("Judge."), tools=TOOLS) for _ in turns]

    lost, refused, full, called, said, built, ruled = replies
    assert failed.value.error_code == "compaction_unavailable"
    assert lost.to_dict()["content"] == [{"type": "compaction", "content": None}]
    assert (refused.content, refused.stop_reason, refused.stop_details.category) == ([], "refusal", "cyber")
    assert [(reply.content, reply.stop_reason) for reply in (full, called)] == [
        ([], "model_context_window_exceeded"),
        ([], "tool_use"),
    ]
    assert [reply.content[0].content for reply in (said, built)] == ["In short: fine.", "Of 1 turns."]
    assert ruled.content[0].content.startswith("Summary by rule")
    assert [entry.began for entry in server.requests] == [False, *[True] * len(turns)]


async def test_a_summary_longer_than_max_tokens_is_cut_off_and_billed():
    async with rehearsed(summarising(compaction=[forever(compacts("S" * 400))])) as (server, client):
        whole = await compact(client, user("Judge."))
        cut = await compact(client, user("Judge."), max_tokens=99)

    assert whole.stop_reason == "compaction"
    assert (cut.content, cut.stop_reason, cut.usage.iterations[0].output_tokens) == ([], "max_tokens", 99)
    assert server.usage.output == 199


WRONG = {
    "context management": ({"context_management": {"edits": []}}, "context_management: cannot be combined"),
    "stop sequences": ({"stop_sequences": ["x"]}, "stop_sequences: cannot be combined"),
    "a format": (
        {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
        "output_config.format: cannot be combined",
    ),
    "a forced tool": (
        {"model": "claude-opus-5", "tools": TOOLS, "tool_choice": {"type": "any"}, "thinking": {"type": "disabled"}},
        "tool_choice.type `any`: cannot be combined",
    ),
    "an older model": ({"model": "claude-haiku-4-5"}, "does not support compaction"),
    "no header": ({"betas": []}, "requires anthropic-beta: compact-2026-09-04"),
}


@pytest.mark.parametrize(("more", "complaint"), WRONG.values(), ids=WRONG)
async def test_a_wrong_wish_for_a_summary_is_refused(more, complaint):
    async with rehearsed(summarising()) as (server, client):
        with pytest.raises(BadRequestError, match=complaint):
            await compact(client, user("Judge."), **more)

    assert server.usage.replies == 0


async def test_a_conversation_with_an_open_call_or_without_content_cannot_be_summarised():
    async with rehearsed(summarising()) as (_, client):
        with pytest.raises(BadRequestError) as unfinished:
            await compact(client, user("Judge."), assistant([use("t1")]), tools=TOOLS)
        with pytest.raises(BadRequestError) as empty:
            await client.beta.messages.create(**prompt() | {"messages": []}, betas=BETAS, compaction=SUMMARISE)
        finished = await compact(client, user("Judge."), assistant("Fine."))

    assert unfinished.value.error_code == "compaction_incomplete_turn"
    assert empty.value.error_code == "compaction_nothing_to_summarize"
    assert finished.stop_reason == "compaction"


async def test_a_block_must_come_back_first_alone_and_as_it_was():
    async with rehearsed(summarising()) as (_, client):
        block = (await compact(client, user("Judge."))).to_dict()["content"][0]
        wrong = {
            "compaction_content_mismatch": [assistant([block | {"content": "Else."}])],
            "compaction_signature_invalid": [assistant([block | {"signature": block["signature"][:-8] + "AAAAAAA="}])],
            "compaction_block_misplaced": [user("Judge."), assistant([block])],
            "compaction_block_ambiguous": [assistant([block, block])],
        }
        codes = []
        for messages in wrong.values():
            with pytest.raises(BadRequestError) as refused:
                await ask(client, *messages, user("Go on."))
            codes.append(refused.value.error_code)
        with pytest.raises(BadRequestError, match=r"compaction\.citations: Extra inputs are not permitted"):
            await ask(client, assistant([block | {"citations": None}]), user("Go on."))
        with pytest.raises(BadRequestError, match="'compaction' found using 'type' does not match any"):
            await client.messages.create(**prompt(assistant([block]), user("Go on.")))

    assert codes == list(wrong)


async def test_the_sdks_own_runner_compacts_against_the_rehearsal():
    @anthropic.beta_async_tool
    async def look() -> str:
        """Look."""
        return "seen"

    turns = [think("Hm.", call("look")), think("Hm.", call("look")), answer({"ok": True})]
    async with rehearsed(critic(*turns)) as (server, client):
        runner = client.beta.messages.tool_runner(**prompt() | {"max_tokens": 1000}, tools=[look], betas=BETAS)
        reasons = []
        async for message in runner:
            reasons.append(message.stop_reason)
            if len(reasons) == 1:
                runner.compact_before_next_turn()

    assert reasons == ["tool_use", "compaction", "tool_use", "end_turn"]
    assert server.requests[-1].body["messages"][0]["content"][0]["type"] == "compaction"


async def test_models_tell_under_the_beta_header_whether_they_compact():
    async with rehearsed(summarising()) as (_, client):
        newest = await client.beta.models.retrieve(MODEL, betas=BETAS)
        oldest = await client.beta.models.retrieve("claude-haiku-4-5", betas=BETAS)
        unasked = await client.beta.models.retrieve(MODEL)
        with pytest.raises(NotFoundError):
            await client.beta.models.retrieve("claude-nobody")

    assert newest.capabilities.compaction.summarize.supported
    assert not oldest.capabilities.compaction.supported
    assert unasked.capabilities.compaction is None
    assert newest.capabilities.batch.supported
    assert not newest.capabilities.context_management.compact_20260112.supported


async def test_a_beta_reply_tells_its_one_iteration_streamed_or_whole():
    async with rehearsed(critic(forever(say("Fine.")))) as (_, client):
        whole = await ask(client)
        async with client.beta.messages.stream(**prompt(), betas=BETAS) as stream:
            streamed = await stream.get_final_message()
        plain = await client.messages.create(**prompt())

    (part,) = whole.usage.iterations
    assert streamed.usage.iterations == whole.usage.iterations
    assert (part.type, part.model) == ("message", MODEL)
    assert (part.input_tokens, part.output_tokens) == (whole.usage.input_tokens, whole.usage.output_tokens)
    assert "iterations" not in plain.usage.to_dict()
