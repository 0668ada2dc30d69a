"""The prefix of a conversation: it only ever grows, and whoever changes it is noticed."""

import json
from itertools import pairwise

import pytest
from sqlalchemy import update

from activities.conversation_tables import PinRow
from activities.database import Database
from activities.records import Records
from tests.activities.conversing import new_store, note, opening, request, result, say, think, use
from tests.activities.endpoint import Endpoint, message, new_model, run

VOLATILE = ("talk-1", "run-1", "0001", "turn")


@pytest.fixture
def database(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/talks.db")
    yield database
    database.close()


@pytest.fixture
def store(database):
    return new_store(database)


def notes_of(turn):
    """What the workflow adds: a reminder every five turns, a nudge now and then."""
    notes = [note(f"Turn {turn}: mind the goal.")] if turn % 5 == 0 else []
    return (*notes, note("You repeat yourself.", "nudge")) if turn % 7 == 0 else tuple(notes)


async def talk_of(store, database, turns):
    """A conversation with tools, reminders and nudges; returns the requests as they were sent."""
    pin = (await store.open(opening())).pin
    sizes = [1 + 8 * (turn % 8 == 0) for turn in range(turns)]
    calls = [[use(f"call_{turn}_{n}", name="Ama") for n in range(size)] for turn, size in enumerate(sizes)]
    said = [message(think(f"hm {turn}"), *each, stop_reason="tool_use") for turn, each in enumerate(calls)]
    endpoint, head = Endpoint(*said), 1
    model = new_model(endpoint, database)
    for turn in range(1, turns + 1):
        asked = request(pin, head, turn, notes=notes_of(turn) if head > 1 else (), without_tools=turn == turns)
        head = (await run(model, asked)).head
        for call in calls[turn - 1]:
            await store.put_result(result(call["id"], head - 1, f'{{"found":{turn}}}'))
    return endpoint.bodies


def unmarked(messages):
    """Messages without the marks of where the cache may end, which are no part of what is cached."""
    return [
        {**each, "content": [{k: v for k, v in block.items() if k != "cache_control"} for block in each["content"]]}
        for each in messages
    ]


async def test_over_thirty_turns_every_request_begins_with_the_bytes_of_the_one_before(store, database):
    bodies = await talk_of(store, database, 30)
    for before, after in pairwise(bodies):
        old, new = unmarked(before["messages"]), unmarked(after["messages"])
        assert json.dumps(new[: len(old)]) == json.dumps(old)
        assert len(new) == len(old) + 2
    frozen = {
        json.dumps({name: body[name] for name in ("model", "tools", "system", "output_config", "thinking")})
        for body in bodies
    }
    assert len(frozen) == 1


async def test_nothing_that_changes_stands_in_the_frozen_part(store, database):
    (body,) = await talk_of(store, database, 1)
    frozen = json.dumps([body["tools"], body["system"], body["output_config"], body["thinking"]])
    assert [word for word in VOLATILE if word in frozen] == []


async def test_no_request_has_more_marks_than_the_endpoint_takes(store, database):
    for body in await talk_of(store, database, 10):
        assert json.dumps(body).count('"cache_control"') <= 4


async def test_a_build_that_writes_another_prefix_is_noticed_once_and_goes_on(store, database):
    pin = (await store.open(opening())).pin
    with database.transaction() as session:  # as a build before this one pinned it
        row = session.get_one(PinRow, pin)
        session.execute(update(PinRow).values(body=json.dumps({**json.loads(row.body), "prefix": "sha256:old"})))
    model = new_model(Endpoint(message(use("call_1"), stop_reason="tool_use"), message(say("{}"))), database)
    reply = await run(model, request(pin, 1, 1))
    await store.put_result(result("call_1", 1, "{}"))
    assert (await run(model, request(pin, reply.head, 2))).stop == "end_turn"
    assert [(each["kind"], each["before"]) for each in await rulings(database)] == [("prefix_changed", "sha256:old")]


async def test_the_same_build_writes_the_prefix_that_was_pinned(store, database):
    pin = (await store.open(opening())).pin
    await run(new_model(Endpoint(message(say("{}"))), database), request(pin, 1, 1))
    assert await rulings(database) == []


async def rulings(database):
    return [each["data"] for each in await Records(database).entries("talk-1") if each["action"] == "ruling"]


async def test_another_model_is_asked_where_the_conversation_fell_back(store, database):
    pin = (await store.open(opening())).pin
    endpoint = Endpoint(message(say("no"), stop_reason="refusal"), message(say("{}"), model="claude-haiku-4-5"))
    model = new_model(endpoint, database)
    refused = await run(model, request(pin, 1, 1))
    asked = request(pin, refused.head, 2, model="claude-haiku-4-5", resume=True)
    reply = await run(model, asked)
    assert (reply.stop, reply.model, reply.micro_usd) == ("end_turn", "claude-haiku-4-5", 900 + 100 * 5)
    body = endpoint.bodies[1]
    assert (body["model"], "thinking" in body, "effort" in body["output_config"]) == ("claude-haiku-4-5", False, False)
    assert body["messages"] == endpoint.bodies[0]["messages"]
