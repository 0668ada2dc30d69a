"""The model activity against the rehearsal server, which checks pairs, prefixes and signatures as the API does."""

import pytest

from activities.database import Database
from activities.records import Records
from rehearsal.scripts import Script, answer, call, calls, forever, pause, think
from tests.activities.conversing import cut_at, new_store, note, opening, request, result
from tests.activities.endpoint import model_of, run
from tests.activities.rehearsed import rehearsed
from workflows.models import Cap


@pytest.fixture
def database(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/talks.db")
    yield database
    database.close()


async def test_a_long_conversation_with_cuts_and_pauses_is_never_refused_and_all_of_it_is_paid_for(database):
    store, cap = new_store(database), Cap(account="agent:talk-1", micro_usd=2_000_000)
    pin = (await store.open(opening(caps=(cap,)))).pin
    look = think("Who?", calls(call("find_model", name="Ama"), call("find_model", name="Noor")))
    script = Script({"generator": [look] * 5 + [pause("So far."), *[look] * 4, forever(answer({"z": "done"}))]})
    async with rehearsed(script) as (_, client):
        model, head, resume, spent = model_of(client, database), 1, False, 0
        for turn in range(1, 12):
            if turn in {5, 9}:
                compacted = await model.compact(cut_at(head, turn, keep=2))
                spent = compacted.purse.total
            notes = () if resume else (note(f"Turn {turn}."),)
            reply = await run(model, request(pin, head, turn, notes=notes, resume=resume))
            for each in reply.calls:
                await store.put_result(result(each.id, reply.head - 1, '{"found":"' + "x" * 600 + '"}'))
            head, resume, spent = reply.head, reply.stop == "pause_turn", spent + reply.micro_usd
            assert reply.stop in {"tool_use", "pause_turn", "end_turn"}, reply.text
            assert 0 < reply.micro_usd <= reply.purse.total == spent
        assert reply.output == '{"z": "done"}'
        assert reply.usage.cache_read > 0
    errors = [entry["data"] for entry in await Records(database).entries("talk-1") if entry["action"] == "error"]
    assert errors == []  # no call was dearer than what was reserved for it
