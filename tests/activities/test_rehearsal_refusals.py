"""The rehearsal refuses what the API refuses, in its words."""

import httpx2
import pytest
from anthropic import APIStatusError, BadRequestError, NotFoundError

from rehearsal.cards import Card
from rehearsal.player import Performance
from rehearsal.scripts import call, forever, say, think
from tests.activities.rehearsed import (
    MODEL,
    OLDER,
    TOOLS,
    assistant,
    critic,
    picture,
    prompt,
    rehearsed,
    result,
    use,
    user,
)

TEXT = {"type": "text", "text": "and"}
WRONG = {
    "no messages": (prompt() | {"messages": []}, "at least one message is required"),
    "the assistant first": (prompt(assistant("Hello.")), 'first message must use the "user" role'),
    "a prefill": (prompt(user("Hi."), assistant("I")), "does not support assistant message prefill"),
    "empty content": (prompt(user([])), "messages.0: all messages must have non-empty content"),
    "an empty text": (prompt(user("")), "text content blocks must be non-empty"),
    "blank text": (prompt(user(" \n")), "must contain non-whitespace text"),
    "an unknown role": (prompt({"role": "tool", "content": "x"}), "messages.0.role: Input should be 'user'"),
    "an unknown block": (prompt(user([{"type": "sound"}])), "messages.0.content.0: Input tag 'sound'"),
    "an unknown field": (prompt(extra_body={"temperature": 0.5}), "temperature: Extra inputs are not permitted"),
    "a foreign block": (prompt(user([use("t1")])), "`tool_use` blocks can only be in `assistant` messages"),
    "too many tokens": (prompt(stream=True) | {"max_tokens": 200_000}, "200000 > 128000, which is the maximum allowed"),
    "twin tools": (prompt(tools=TOOLS * 2), "Tool names must be unique"),
    "forced tools": (prompt(tools=TOOLS, tool_choice={"type": "any"}), "`any` is not supported on claude-opus-5-5"),
    "an unknown tool": (
        prompt(model=OLDER, tools=TOOLS, tool_choice={"type": "tool", "name": "cut"}),
        "Tool 'cut' not found",
    ),
    "thinking switched off": (prompt(thinking={"type": "disabled"}), "is not supported for this model"),
    "an open schema": (
        prompt(output_config={"format": {"type": "json_schema", "schema": {"type": "object"}}}),
        "'additionalProperties' must be explicitly set to false",
    ),
    "a limited schema": (
        prompt(output_config={"format": {"type": "json_schema", "schema": {"type": "string", "maxLength": 3}}}),
        "property 'maxLength' is not supported",
    ),
    "a system message at the wrong place": (
        prompt(user("Hi."), {"role": "system", "content": "a"}, {"role": "system", "content": "b"}, user("x")),
        "must directly follow a `user` message",
    ),
}
TWO = assistant([use("t1"), use("t2")])
UNPAIRED = {
    "an open call": ((TWO, user([result("t1")])), "without `tool_result` blocks immediately after: t2"),
    "an answer too late": ((TWO, user("wait"), user([result("t1"), result("t2")])), "immediately after: t1, t2"),
    "a call left at the end": ((assistant([TEXT, use("t1")]),), "prefill"),
    "an answer to nothing": ((assistant("Hm."), user([result("t9")])), "unexpected `tool_use_id` found"),
    "two answers": ((assistant([use("t1")]), user([result("t1")] * 2)), "Found multiple `tool_result` blocks"),
    "text before results": ((assistant([use("t1")]), user([TEXT, result("t1")])), "must come before all other content"),
    "twin ids": ((assistant([use("t1"), use("t1")]), user([result("t1")])), "`tool_use` ids must be unique"),
}


@pytest.mark.parametrize(("arguments", "complaint"), WRONG.values(), ids=WRONG)
async def test_a_wrong_request_is_refused(arguments, complaint):
    async with rehearsed(critic(forever(say("Fine.")))) as (server, client):
        with pytest.raises(BadRequestError) as refused:
            await client.messages.create(**arguments)

    assert complaint in refused.value.api_message
    assert refused.value.type == "invalid_request_error"
    assert refused.value.request_id == server.requests[0].request_id
    assert server.requests[0].error == refused.value.api_message
    assert server.usage.replies == 0


@pytest.mark.parametrize(("said", "complaint"), UNPAIRED.values(), ids=UNPAIRED)
async def test_calls_and_results_must_pair(said, complaint):
    async with rehearsed(critic(forever(say("Fine.")))) as (_, client):
        with pytest.raises(BadRequestError) as refused:
            await client.messages.create(**prompt(user("Go."), *said, tools=TOOLS))

    assert complaint in refused.value.api_message


async def test_paired_results_with_text_after_them_and_a_system_message_are_fine():
    said = (user("Go."), TWO, user([result("t2"), result("t1"), TEXT]), {"role": "system", "content": "Be brief."})
    async with rehearsed(critic(say("Fine."))) as (_, client):
        message = await client.messages.create(**prompt(*said, tools=TOOLS))

    assert message.content[0].text == "Fine."


@pytest.mark.parametrize(
    ("image", "complaint"),
    [
        ({"type": "base64", "media_type": "image/png", "data": "no base64!"}, "Invalid base64 data"),
        ({"type": "base64", "media_type": "image/png", "data": "AAAA"}, "Could not process image"),
        ({"type": "url", "url": "https://example.org/a.png"}, "Unable to download"),
    ],
)
async def test_a_picture_must_be_one(image, complaint):
    async with rehearsed(critic()) as (_, client):
        with pytest.raises(BadRequestError, match=complaint):
            await client.messages.create(**prompt(user([{"type": "image", "source": image}])))


async def test_a_picture_must_be_what_it_says_and_of_bearable_size():
    async with rehearsed(critic()) as (_, client):
        with pytest.raises(BadRequestError, match="appears to be a image/png image"):
            await client.messages.create(**prompt(user([picture(9, 9, media_type="image/jpeg")])))
        with pytest.raises(BadRequestError) as wide:
            await client.messages.create(**prompt(user([TEXT, picture(8001, 2)])))
        with pytest.raises(BadRequestError) as many:
            await client.messages.create(**prompt(user([picture(2001, 2)] * 21)))
        strict = picture(1600, 10) | {"transformations": {"oversized_image": "error"}}
        with pytest.raises(BadRequestError, match="1600x10 pixels"):
            await client.messages.create(**prompt(user([strict])))

    assert wide.value.error_code == "image_dimensions_too_large"
    assert wide.value.details.paths == ["messages.0.content.1"]
    assert (many.value.details.max_side_length_pixels, len(many.value.details.paths)) == (2000, 21)


async def test_unknown_and_retired_models_are_not_found():
    async with rehearsed(critic(), cards=[Card("claude-opus-3", lifecycle="retired")]) as (_, client):
        for name in ("claude-opus-3", "claude-opus-99"):
            with pytest.raises(NotFoundError, match=f"model: {name}"):
                await client.messages.create(**prompt(model=name))
        with pytest.raises(NotFoundError):
            await client.models.retrieve("claude-opus-99")
        assert (await client.models.retrieve("claude-opus-3")).lifecycle == "retired"


async def test_a_prompt_beyond_the_window_is_too_long():
    async with rehearsed(critic(), cards=[Card(MODEL, max_input=1000)]) as (_, client):
        with pytest.raises(BadRequestError, match=r"prompt is too long: 10\d\d tokens > 1000 maximum"):
            await client.messages.create(**prompt(user("w" * 4000)))


async def test_a_key_is_needed_and_a_body_and_no_more_than_32_megabytes_of_it():
    async with rehearsed(critic()) as (server, client):
        with pytest.raises(APIStatusError) as large:
            await client.messages.create(**prompt(user("w" * (32 * 1024 * 1024))))
        async with httpx2.AsyncClient(headers={"x-api-key": "k", "anthropic-version": "2026-10-21"}) as plain:
            broken = await plain.post(f"{server.url}/v1/messages", content=b"{")
            listed = await plain.post(f"{server.url}/v1/messages", content=b"[]")
        async with httpx2.AsyncClient() as nobody:
            unknown = await nobody.post(f"{server.url}/v1/messages", json=prompt())
            unversioned = await nobody.get(f"{server.url}/v1/models", headers={"authorization": "Bearer k"})

    assert large.value.status_code == 413
    assert "not valid JSON" in broken.json()["error"]["message"]
    assert (broken.status_code, listed.status_code) == (400, 400)
    assert (unknown.status_code, unknown.json()["error"]["type"]) == (401, "authentication_error")
    assert (unversioned.status_code, unversioned.json()["error"]["type"]) == (400, "invalid_request_error")


async def thought(client, model, **more):
    """A first turn that thinks and calls a tool, and the conversation that follows from it."""
    first = await client.messages.create(**prompt(user("Go."), tools=TOOLS, model=model, **more))
    content = first.to_dict()["content"]
    return [user("Go."), assistant(content), user([result(content[1]["id"])])]


async def test_thinking_is_bound_to_all_that_came_before():
    async with rehearsed(critic(forever(think("Hm.", call("look"))))) as (_, client):
        said = await thought(client, MODEL)
        await client.messages.create(**prompt(*said, tools=TOOLS))
        marked = user([{"type": "text", "text": "Go.", "cache_control": {"type": "ephemeral"}}])
        await client.messages.create(**prompt(marked, *said[1:], tools=TOOLS))
        edits = [
            prompt(user("Go!"), *said[1:], tools=TOOLS),
            prompt(*said, tools=TOOLS) | {"system": "You are the critic of something else."},
            prompt(*said, tools=[*TOOLS, {**TOOLS[0], "name": "more"}]),
        ]
        for edit in edits:
            with pytest.raises(
                BadRequestError, match=r"Invalid `signature` in `thinking` block.*different conversation"
            ):
                await client.messages.create(**edit)


async def test_thinking_must_come_back_unchanged_also_where_it_is_not_bound():
    async with rehearsed(critic(forever(think("Hm.", call("look"))))) as (_, client):
        said = await thought(client, OLDER)
        await client.messages.create(**prompt(user("Go!"), *said[1:], tools=TOOLS, model=OLDER))
        await client.messages.create(**prompt(*said, tools=TOOLS, model=MODEL))  # another model does not read it
        for change in ({"thinking": "Hmm."}, {"signature": "AAAA"}):
            said[1]["content"][0] = said[1]["content"][0] | change
            with pytest.raises(BadRequestError, match="Invalid `signature` in `thinking` block"):
                await client.messages.create(**prompt(*said, tools=TOOLS, model=OLDER))


async def test_blocks_of_another_conversation_are_dropped_on_request():
    lenient = {"type": "adaptive", "block_binding": {"prefix_mismatch_behavior": "drop_block"}}
    async with rehearsed(critic(forever(think("Hm.", call("look"))))) as (_, client):
        said = await thought(client, MODEL)
        message = await client.beta.messages.create(
            **prompt(user("Go!"), *said[1:], tools=TOOLS, thinking=lenient),
            betas=["thinking-binding-controls-2026-08-01"],
        )

    (dropped,) = message.input_transformations
    assert (dropped.path, dropped.reason) == ("messages.1.content.0", "prefix_binding_mismatch")


async def test_a_player_that_breaks_is_no_outage():
    def broken(_request) -> Performance:
        raise KeyError("stage")

    async with rehearsed(critic(broken)) as (_, client):
        with pytest.raises(BadRequestError, match="the player failed: KeyError: 'stage'"):
            await client.messages.create(**prompt())
