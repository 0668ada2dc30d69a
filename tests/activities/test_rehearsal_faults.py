"""What goes wrong at the rehearsal goes wrong as it does at the API."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import anthropic
import httpx2
import pytest
from anthropic import APIConnectionError, APIStatusError, BadRequestError

from rehearsal.scripts import (
    Script,
    answer,
    break_off,
    call,
    calls,
    drip,
    fail,
    forever,
    garble,
    hang_up,
    later,
    overflow,
    say,
    stall,
    stop,
    times,
    truncate,
)
from tests.activities.rehearsed import critic, prompt, rehearsed, streamed


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (404, "not_found_error"),
        (413, "request_too_large"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (529, "overloaded_error"),
    ],
)
async def test_an_error_has_status_type_and_request_id(status, kind):
    async with rehearsed(critic(fail(status, kind, "No."), say("Fine."))) as (server, client):
        with pytest.raises(APIStatusError) as failed:
            await streamed(client, **prompt())
        await streamed(client, **prompt())

    error = failed.value
    assert (error.status_code, error.type, error.api_message) == (status, kind, "No.")
    assert (server.requests[0].request_id, server.requests[0].status) == (error.request_id, status)
    assert server.usage.replies == 1


async def test_retry_after_comes_in_seconds_or_as_a_date_and_codes_and_headers_as_given():
    at = datetime(2026, 11, 2, 12, 0, 7, tzinfo=UTC)
    turns = [
        fail(429, "rate_limit_error", retry_after=1.5, code="ramp_limit_exceeded"),
        fail(429, "rate_limit_error", retry_after=at, headers={"x-should-retry": "false"}),
    ]
    errors = []
    async with rehearsed(critic(*turns)) as (_, client):
        for _ in turns:
            with pytest.raises(anthropic.RateLimitError) as failed:
                await client.messages.create(**prompt())
            errors.append(failed.value)

    first, second = (error.response.headers for error in errors)
    assert (first["retry-after"], errors[0].error_code) == ("1.5", "ramp_limit_exceeded")
    assert parsedate_to_datetime(second["retry-after"]) == at
    assert second["x-should-retry"] == "false"


async def test_an_error_in_mid_stream_has_status_200_and_a_type():
    async with rehearsed(critic(break_off(), break_off())) as (server, client):
        with pytest.raises(APIStatusError) as failed:
            await streamed(client, **prompt())
        with pytest.raises(APIStatusError) as whole:
            await client.messages.create(**prompt())

    assert (failed.value.status_code, failed.value.type) == (200, "overloaded_error")
    assert (whole.value.status_code, whole.value.type) == (529, "overloaded_error")
    assert [entry.finished for entry in server.requests] == [False, False]
    assert server.usage.replies == 1  # what had begun is billed


async def test_a_truncated_stream_raises_nothing_and_has_no_stop_reason():
    async with rehearsed(critic(truncate(), truncate(99))) as (server, client):
        events, message = await streamed(client, **prompt())
        late, _ = await streamed(client, **prompt())

    assert message.stop_reason is None
    assert "message_stop" not in {event.type for event in (*events, *late)}
    assert not any(entry.finished for entry in server.requests)


async def test_a_dropped_connection_is_a_lost_one():
    async with rehearsed(critic(hang_up(), hang_up(4), hang_up(4), say("Fine."))) as (server, client):
        with pytest.raises(APIConnectionError):
            await streamed(client, **prompt())
        with pytest.raises(httpx2.RemoteProtocolError):
            await streamed(client, **prompt())
        with pytest.raises((APIConnectionError, httpx2.RemoteProtocolError)):
            await client.messages.create(**prompt())
        await streamed(client, **prompt())

    assert [entry.status for entry in server.requests] == [0, 200, 200, 200]
    assert [entry.finished for entry in server.requests] == [False, False, False, True]


async def test_a_stalled_stream_runs_into_the_clients_timeout():
    async with rehearsed(critic(stall(30), stall(0.01))) as (_, client):
        impatient = client.with_options(timeout=0.2)
        with pytest.raises((httpx2.ReadTimeout, anthropic.APITimeoutError)):
            await streamed(impatient, **prompt())
        _, message = await streamed(client, **prompt())

    assert message.stop_reason == "end_turn"


async def test_a_slow_or_late_reply_arrives_whole():
    async with rehearsed(critic(drip(0.001, say("Slow.")), later(0.001, say("Late.")))) as (_, client):
        _, slow = await streamed(client, **prompt())
        _, late = await streamed(client, **prompt())

    assert (slow.content[0].text, late.content[0].text) == ("Slow.", "Late.")


async def test_junk_is_passed_on_as_it_is():
    odd = [stop(None, say("Hm.")), stop("weariness", say("Hm.")), overflow()]
    async with rehearsed(critic(garble("{half"), garble(), *odd)) as (_, client):
        with pytest.raises(ValueError, match=r"Expecting|expected|key"):
            await streamed(client, **prompt())
        raw = await client.messages.with_raw_response.create(**prompt())
        reasons = [(await streamed(client, **prompt()))[1].stop_reason for _ in odd]

    assert (await raw.text()).startswith("<html>")
    assert reasons == [None, "weariness", "model_context_window_exceeded"]


async def test_closing_ends_replies_on_their_way():
    async with rehearsed(critic(stall(60))) as (server, client), client.messages.stream(**prompt()) as stream:
        assert (await anext(aiter(stream))).type == "message_start"
        await server.stop()
        with pytest.raises((httpx2.TransportError, APIConnectionError)):
            await stream.get_final_message()


async def test_conversations_take_their_turns_independently():
    async with rehearsed(critic(call("look"), say("Done."))) as (_, client):
        one, two = ({"role": "user", "content": name} for name in ("shot one", "shot two"))
        heard = [await client.messages.create(**prompt(said)) for said in (one, two, one, two)]

    assert [message.stop_reason for message in heard] == ["tool_use", "tool_use", "end_turn", "end_turn"]


async def test_a_script_that_has_run_out_says_whose_and_where():
    async with rehearsed(critic(say("One."), say("Two."))) as (_, client):
        for _ in range(2):
            await client.messages.create(**prompt())
        with pytest.raises(BadRequestError, match="script for 'critic' has no turn 3"):
            await client.messages.create(**prompt())
        with pytest.raises(BadRequestError, match="no script for 'planner'"):
            await client.messages.create(**prompt() | {"system": "You are the planner of a shoot."})


async def test_turns_repeat_and_parts_may_depend_on_the_request():
    def part(request):
        return [times(2, say("Again.")), fail(529, times=2), forever(answer({"task": request.task}))]

    texts, failures = [], 0
    async with rehearsed(Script({"critic": part})) as (_, client):
        for _ in range(6):
            try:
                texts.append((await client.messages.create(**prompt())).content[0].text)
            except APIStatusError:
                failures += 1

    assert failures == 2
    assert texts == ["Again.", "Again.", '{"task": "Judge this."}', '{"task": "Judge this."}']


async def test_agents_without_a_part_are_left_to_another_player():
    async with rehearsed(Script({"planner": []}, else_=critic(calls(say("a"), say("b"))))) as (_, client):
        message = await client.messages.create(**prompt())

    assert [block.text for block in message.content] == ["a", "b"]
