"""The model activity when the endpoint, the way to it or the model itself misbehaves."""

import asyncio
import json
import math
from datetime import timedelta
from email.utils import format_datetime
from uuid import uuid4

import httpx2
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from temporalio.exceptions import ApplicationError

from activities.conversations import ConversationStore
from activities.database import Database, now
from tests.activities.conversing import Shelf, note, opening, request, say, use
from tests.activities.endpoint import Endpoint, events, failure, message, new_model, run, sse


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('faults')}/talks.db")
    database.prepare()
    yield database
    database.close()


async def one_turn(database, *script, attempt=1, **info):
    """Take one turn of a new conversation."""
    store, talk = ConversationStore(database, Shelf()), uuid4().hex
    pin = (await store.open(opening(conversation=talk))).pin
    return await run(new_model(Endpoint(*script), database), request(pin, 1, 1, conversation=talk), attempt, **info)


async def failed(database, *script, attempt=1, **info):
    """Take one turn that fails."""
    with pytest.raises(ApplicationError) as caught:
        await one_turn(database, *script, attempt=attempt, **info)
    assert caught.value.__cause__ is None
    return caught.value


@pytest.mark.parametrize(
    ("answer", "kind", "retried"),
    [
        (failure(429, "rate_limit_error"), "anthropic.rate_limit_error", True),
        (failure(500, "api_error"), "anthropic.api_error", True),
        (failure(529, "overloaded_error"), "anthropic.overloaded_error", True),
        (failure(408, "timeout_error"), "anthropic.timeout_error", True),
        (failure(401, "authentication_error"), "anthropic.authentication_error", False),
        (failure(402, "billing_error"), "anthropic.billing_error", False),
        (failure(403, "permission_error"), "anthropic.permission_error", False),
        (failure(404, "not_found_error"), "anthropic.not_found_error", False),
        (failure(500, "api_error", headers={"x-should-retry": "false"}), "anthropic.api_error", False),
        (
            failure(429, "rate_limit_error", error_code="enforced_spend_limit_reached"),
            "anthropic.enforced_spend_limit_reached",
            False,
        ),
        (httpx2.Response(502, content=b"<html>bad gateway</html>"), "anthropic.http_502", True),
        (httpx2.ConnectError("refused"), "anthropic.connection", True),
        (httpx2.ReadTimeout("slow"), "anthropic.timeout", True),
    ],
)
async def test_errors_are_classified_once(database, answer, kind, retried):
    error = await failed(database, answer)
    assert (error.type, error.non_retryable) == (kind, not retried)


@pytest.mark.parametrize(
    ("answer", "stop"),
    [
        (failure(400, "invalid_request_error", "messages.1: wrong"), "rejected"),
        (failure(400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000"), "context_exceeded"),
        (failure(413, "request_too_large", "too large"), "context_exceeded"),
    ],
)
async def test_what_the_endpoint_refuses_in_the_content_is_a_value(database, answer, stop):
    reply = await one_turn(database, answer)
    assert (reply.stop, reply.head, reply.purse.total) == (stop, 1, 0)


async def test_an_error_inside_a_stream_is_known_by_its_type(database):
    start = next(events([]))
    overloaded = {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}
    error = await failed(database, sse([start, overloaded]))
    assert (error.type, error.non_retryable) == ("anthropic.overloaded_error", False)
    wrong = {"type": "error", "error": {"type": "invalid_request_error", "message": "no"}}
    assert (await failed(database, sse([start, wrong]))).non_retryable


async def test_a_stream_that_just_ends_is_retried(database):
    half = list(events([say("half")]))[:-1]
    error = await failed(database, sse(half))
    assert (error.type, error.non_retryable) == ("anthropic.truncated_stream", False)


async def test_a_connection_that_is_lost_in_the_stream_is_retried(database):
    async def body():
        yield f"event: message_start\ndata: {json.dumps(next(events([])))}\n\n".encode()
        raise httpx2.ReadError("lost")

    answer = httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=body())
    error = await failed(database, answer)
    assert (error.type, error.non_retryable) == ("anthropic.connection", False)


@pytest.mark.parametrize(
    "body",
    [
        b"event: message_start\ndata: {not json\n\n",
        b"event: message_start\ndata: [1]\n\n",
        b'event: content_block_delta\ndata: {"type":"content_block_delta","index":7}\n\n',
        b"<html>",
        b'{"id":"msg_1","content":[]}',
    ],
)
async def test_a_garbled_stream_is_retried(database, body):
    error = await failed(database, httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=body))
    assert error.type in {"anthropic.garbled_stream", "anthropic.truncated_stream"}
    assert not error.non_retryable


@pytest.mark.parametrize(
    ("headers", "least"),
    [
        ({"retry-after": "30"}, 30),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "30"}, 30),
        ({"retry-after": format_datetime(now().replace(year=now().year + 1))}, 3_600),
    ],
)
async def test_retry_after_is_a_floor(database, headers, least):
    error = await failed(database, failure(429, "rate_limit_error", headers=headers))
    assert least <= error.next_retry_delay.total_seconds() <= 3_600


@pytest.mark.parametrize(("left", "least", "most"), [(2_000, 790, 800), (9_000, 3_000, 3_600), (1_150, 3_600, 3_600)])
async def test_a_delay_leaves_time_for_another_attempt_or_is_longer_than_there_is_any(database, left, least, most):
    begun = {
        "scheduled_time": now() - timedelta(hours=1),
        "schedule_to_close_timeout": timedelta(seconds=3_600 + left),
        "start_to_close_timeout": timedelta(seconds=1_200),
    }
    error = await failed(database, failure(529, "overloaded_error", headers={"retry-after": "3000"}), **begun)
    assert least <= error.next_retry_delay.total_seconds() <= most


async def test_a_short_retry_after_does_not_shorten_the_backoff(database):
    error = await failed(database, failure(429, "rate_limit_error", headers={"retry-after": "1"}), attempt=6)
    assert error.next_retry_delay.total_seconds() >= 32


NEVER = "Fri, 01 Jan 0001 00:00:00 -0000"


@pytest.mark.parametrize("value", ["", "soon", "-3", "nan", "Sat, 01 Jan 2000 00:00:00 GMT", NEVER])
async def test_a_meaningless_retry_after_leaves_the_delay_to_the_policy(database, value):
    error = await failed(database, failure(429, "rate_limit_error", headers={"retry-after": value}))
    assert error.next_retry_delay is None


async def test_no_error_quotes_the_conversation(database):
    error = await failed(database, failure(500, "api_error", said="secret words of the prompt"))
    assert "secret" not in f"{error.message} {error.details}"


async def test_a_megabyte_of_text_is_kept_whole_and_recorded_small(database):
    store, talk = ConversationStore(database, Shelf()), uuid4().hex
    pin = (await store.open(opening(conversation=talk))).pin
    endpoint = Endpoint(message(say("é" * 1_000_000)), message(say("{}")))
    model = new_model(endpoint, database)
    reply = await run(model, request(pin, 1, 1, conversation=talk))
    assert len(reply.model_dump_json()) < 40 * 1024
    await run(model, request(pin, 2, 2, conversation=talk, notes=(note("Shorter."),)))
    assert len(endpoint.bodies[1]["messages"][1]["content"][0]["text"]) == 1_000_000


async def test_many_calls_with_long_arguments_stay_small(database):
    calls = [use(f"toolu_{n:050}", "render_shot", title="\U0001f600" * 500, more="\0" * 500) for n in range(40)]
    reply = await one_turn(database, message(*calls, stop_reason="tool_use"))
    assert len(reply.calls) == 32
    assert len(reply.model_dump_json().encode()) < 24 * 1024


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
BLOCKS = st.lists(
    st.builds(say, st.text(max_size=200))
    | st.builds(lambda text, sign: {"type": "thinking", "thinking": text, "signature": sign}, st.text(), st.text())
    | st.builds(
        lambda call, name, given: {"type": "tool_use", "id": call, "name": name, "input": given},
        st.from_regex(r"toolu_[a-z]{1,4}", fullmatch=True) | JSON,
        st.sampled_from(["find_model", "render_shot"]) | JSON,
        JSON,
    )
    | st.dictionaries(st.text(max_size=8), JSON, max_size=3)
    | st.builds(lambda kind, junk: {**junk, "type": kind}, JSON, st.dictionaries(st.text(), JSON, max_size=2)),
    max_size=6,
)
REASONS = st.sampled_from(["end_turn", "tool_use", "max_tokens", "pause_turn", "refusal", None]) | JSON


@settings(max_examples=120, deadline=None)
@example([{"type": math.inf, "deep": [{"x": math.nan}]}], "end_turn", None)
@given(BLOCKS, REASONS, JSON)
def test_whatever_a_model_says_becomes_a_small_value_and_the_next_turn_is_whole(database, blocks, reason, usage):
    async def turn():
        store, talk = ConversationStore(database, Shelf()), uuid4().hex
        pin = (await store.open(opening(conversation=talk))).pin
        endpoint = Endpoint(message(*blocks, stop_reason=reason, usage=usage if isinstance(usage, dict) else None))
        try:
            reply = await run(new_model(endpoint, database), request(pin, 1, 1, conversation=talk))
        except ApplicationError as error:
            return error.type in {"anthropic.garbled_stream", "anthropic.truncated_stream"}
        if reply.stop != "broken":
            kept = {"conversation": talk, "interrupted": "stopped", "notes": (note("Go on."),)}
            draft = await store.draft(request(pin, reply.head, 2, **kept))
            json.dumps(draft.messages, ensure_ascii=False, allow_nan=False).encode()
        return len(reply.model_dump_json().encode()) < 24 * 1024

    assert asyncio.run(turn())
