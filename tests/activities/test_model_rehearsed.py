"""The model activity against the rehearsal server, which checks pairs, prefixes and signatures as the API does."""

import pytest

from activities.database import Database
from activities.model import ClaudeModel
from activities.pricing import Prices
from rehearsal.scripts import Script, answer, call, calls, forever, pause, think
from tests.activities.conversing import new_store, note, opening, request, result
from tests.activities.endpoint import run
from tests.activities.rehearsed import rehearsed
from workflows.models import Cut


@pytest.fixture
def store(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/talks.db")
    yield new_store(database)
    database.close()


async def images(digest):
    raise FileNotFoundError(digest)


async def test_a_long_conversation_with_cuts_and_pauses_is_never_refused(store):
    pin = (await store.open(opening())).pin
    look = think("Who?", calls(call("find_model", name="Ama"), call("find_model", name="Noor")))
    script = Script({"generator": [look] * 5 + [pause("So far."), *[look] * 4, forever(answer({"z": "done"}))]})
    async with rehearsed(script) as (_, client):
        model, head, resume = ClaudeModel(client, store, Prices(), images), 1, False
        for turn in range(1, 12):
            if turn in {5, 9}:
                await store.compact(Cut(conversation="talk-1", scope=opening().scope, head=head, turn=turn, keep=2))
            notes = () if resume else (note(f"Turn {turn}."),)
            reply = await run(model, request(pin, head, turn, notes=notes, resume=resume))
            for each in reply.calls:
                await store.put_result(result(each.id, reply.head - 1, '{"found":"' + "x" * 600 + '"}'))
            head, resume = reply.head, reply.stop == "pause_turn"
            assert reply.stop in {"tool_use", "pause_turn", "end_turn"}, reply.text
            assert reply.micro_usd > 0
        assert reply.output == '{"z": "done"}'
        assert reply.usage.cache_read > 0
