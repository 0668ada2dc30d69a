"""The rehearsal goes away and comes back, and remembers no more than it has room for."""

import asyncio
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx2
import pytest
from anthropic import APIConnectionError, OverloadedError

from rehearsal.journal import Entry, Journal
from rehearsal.scripts import fail, forever, say, stall
from rehearsal.server import Rehearsal
from tests.activities.rehearsed import MODEL, TOOLS, assistant, critic, prompt, rehearsed, result, use, user

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


async def test_an_overloaded_endpoint_answers_529_to_everything_until_it_is_back():
    async with rehearsed(critic(say("Fine."))) as (server, client):
        await server.down(retry_after=7)
        asks = [
            client.messages.create(**prompt()),
            client.messages.count_tokens(model=MODEL, messages=[user("x")]),
            client.models.retrieve(MODEL),
            client.messages.batches.list(),
        ]
        for ask in asks:
            with pytest.raises(OverloadedError) as refused:
                await ask
            assert refused.value.response.headers["retry-after"] == "7"
        await server.up()
        message = await client.messages.create(**prompt())

    assert message.content[0].text == "Fine."
    assert [(entry.status, entry.began) for entry in server.requests] == [(529, False), (200, True)]
    assert server.usage.replies == 1


async def test_a_refusing_endpoint_drops_what_is_open_and_returns_on_its_port():
    async with rehearsed(critic(stall(3), say("Fine."))) as (server, client):
        port = server.port
        async with client.messages.stream(**prompt()) as stream:
            await anext(aiter(stream))
            await server.down(refuse=True)
            with pytest.raises((httpx2.TransportError, APIConnectionError)):
                await stream.get_final_message()
        with pytest.raises(APIConnectionError) as refused:
            await client.messages.create(**prompt())
        await server.up()
        message = await client.messages.create(**prompt())

    assert isinstance(refused.value.__cause__, httpx2.ConnectError)
    assert (server.port, message.content[0].text) == (port, "Fine.")
    assert len(server.requests) == 2


async def test_a_client_that_is_killed_in_the_middle_of_its_request_leaves_no_traceback(caplog):
    head = "POST /v1/messages HTTP/1.1\r\nhost: x\r\nx-api-key: k\r\nanthropic-version: 2023-06-01\r\n"
    async with rehearsed(critic(say("Fine."))) as (server, client):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(f'{head}content-type: application/json\r\ncontent-length: 900\r\n\r\n{{"model":'.encode())
        await writer.drain()
        await asyncio.sleep(0.1)  # so that the server waits for the rest
        writer.transport.abort()
        message = await client.messages.create(**prompt())
    assert message.content[0].text == "Fine."
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []
    assert len(server.requests) == 1
    assert reader.at_eof()


async def test_a_server_that_stops_while_it_is_away_stays_away():
    server = Rehearsal(critic())
    with pytest.raises(RuntimeError, match="not running"):
        _ = server.port
    await server.start()
    await server.down(refuse=True)
    await server.stop()

    async with httpx2.AsyncClient() as client:
        with pytest.raises(httpx2.ConnectError):
            await client.get(f"{server.url}/rehearsal")


async def test_overload_says_when_to_come_back_in_seconds_or_as_a_date():
    turns = [
        fail(529, "overloaded_error", retry_after=2.5),
        fail(529, "overloaded_error", retry_after=NOON),
    ]
    told = []
    async with rehearsed(critic(*turns)) as (_, client):
        for _ in turns:
            with pytest.raises(OverloadedError) as refused:
                await client.messages.create(**prompt())
            told.append(refused.value.response.headers["retry-after"])

    assert told[0] == "2.5"
    assert parsedate_to_datetime(told[1]) == NOON


def test_the_journal_forgets_the_oldest_bodies_before_it_grows_too_large():
    journal = Journal(remembered=3, most_bytes=25)
    for number in range(5):
        journal.open(Entry(NOON, f"req_{number}", b'{"n": %d}' % number))

    assert [entry.request_id for entry in journal.entries] == ["req_2", "req_3", "req_4"]
    assert [entry.body for entry in journal.entries] == [{"n": 2}, {"n": 3}, {"n": 4}]
    journal.open(Entry(NOON, "req_5", b'{"n": "twenty bytes"}'))
    assert [entry.body for entry in journal.entries] == [{}, {}, {"n": "twenty bytes"}]


async def test_a_conversation_that_grew_or_changed_is_judged_as_if_it_were_read_anew():
    said = [user("Go."), assistant([use("t1")]), user([result("t1")]), assistant([use("t2")]), user([result("t2")])]
    reordered = assistant([use("t1") | {"input": {"b": 1, "a": 2}}])
    ordered = assistant([use("t1") | {"input": {"a": 2, "b": 1}}])
    async with rehearsed(critic(forever(say("Fine.")))) as (_, client):

        async def count(*messages):
            return await client.messages.create(**prompt(*messages, tools=TOOLS))

        grown = [await count(*said[:end]) for end in (1, 3, 5)]
        again = [await count(*said[:end]) for end in (5, 3, 1)]
        one = await count(user("Go."), reordered, said[2])
        other = await count(user("Go."), ordered, said[2])

    assert [each.to_dict() for each in grown] == [each.to_dict() for each in reversed(again)]
    assert one.id != other.id
    async with rehearsed(critic(say("Fine."))) as (_, client):
        fresh = await client.messages.create(**prompt(*said, tools=TOOLS))
    assert fresh.id == grown[-1].id
    assert fresh.usage.input_tokens == grown[-1].usage.input_tokens
