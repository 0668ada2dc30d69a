"""Cuts against the rehearsal server, which checks seals, signatures and prefixes as the API does."""

import json

import pytest
from sqlalchemy import select

from activities.conversation_tables import PinRow
from activities.database import Database
from activities.ledger_tables import AttemptRow
from rehearsal.scripts import Script, answer, call, calls, fail, forever, think
from tests.activities.conversing import cut_at, new_store, note, opening, request, result
from tests.activities.endpoint import model_of, run
from tests.activities.rehearsed import rehearsed

LOOK = think("Who?", calls(call("find_model", name="Ama"), call("find_model", name="Noor")))


@pytest.fixture
def database(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/talks.db")
    yield database
    database.close()


class Talk:
    """Takes turns with the rehearsal, each with two calls."""

    def __init__(self, database, client, pin):
        self.store, self.model, self.pin = new_store(database), model_of(client, database), pin
        self.head, self.turn = 1, 0

    async def take(self, turns, model=""):
        for _ in range(turns):
            self.turn += 1
            asked = request(self.pin, self.head, self.turn, model=model, notes=(note(f"Turn {self.turn}."),))
            reply = await run(self.model, asked)
            assert reply.stop == "tool_use", reply.text
            for each in reply.calls:
                await self.store.put_result(result(each.id, reply.head - 1, '{"found":"' + "x" * 900 + '"}'))
            self.head = reply.head
        return reply

    async def cut(self, **changes):
        return await self.model.compact(cut_at(self.head, self.turn, **changes))

    async def thoughts(self):
        draft = await self.store.draft(request(self.pin, self.head, self.turn + 1))
        return sum(block["type"] == "thinking" for message in draft.messages for block in message["content"])

    def change_prefix(self, database, words):
        """Begin requests in other words than before, as a new build of the house may do."""
        with database.transaction() as session:
            row = session.get_one(PinRow, self.pin)
            row.body = json.dumps({**json.loads(row.body), "instructions": words})


async def begin(database, client, **changes):
    return Talk(database, client, (await new_store(database).open(opening(**changes))).pin)


async def test_signed_summaries_are_accepted_and_the_thinking_behind_them_stays(database):
    async with rehearsed(Script({"generator": [forever(LOOK)]})) as (_, client):
        talk = await begin(database, client)
        await talk.take(6)
        first = await talk.cut()
        assert (first.strategy, first.tried, await talk.thoughts()) == ("signed", "", 1)
        await talk.take(6)
        assert await talk.thoughts() == 7
        second = await talk.cut()
        assert (second.strategy, await talk.thoughts()) == ("signed", 1)
        reply = await talk.take(2)
        assert reply.purse.total > second.purse.total > first.purse.total > 0
        await talk.take(2, model="claude-opus-5-5")
        await talk.take(1)


async def test_a_new_build_that_begins_requests_in_other_words_goes_on_without_what_was_bound_to_the_old_ones(database):
    async with rehearsed(Script({"generator": [forever(LOOK)]})) as (_, client):
        talk = await begin(database, client)
        await talk.take(6)
        assert ((await talk.cut()).strategy, await talk.thoughts()) == ("signed", 1)
        await talk.take(2)
        talk.change_prefix(database, "You are the generator of another build.")
        await talk.take(2)
        assert await talk.thoughts() == 0
        await talk.take(4)
        cut = await talk.cut()
        assert cut.tried.startswith("signed: requests begin in other words")
        await talk.take(2)


async def test_our_own_summary_reads_the_cache_of_the_conversation(database):
    turns = [*[LOOK] * 6, answer("Ama and Noor were found."), forever(LOOK)]
    broken = [fail(529, "overloaded_error")]
    async with rehearsed(Script({"generator": turns}, compaction=broken)) as (_, client):
        talk = await begin(database, client, output_schema={})
        await talk.take(6)
        cut = await talk.cut()
        assert (cut.strategy, cut.tried) == ("own", "signed: model API error 529 overloaded_error")
        assert await talk.thoughts() == 0
        await talk.take(3)
    query = select(AttemptRow).where(AttemptRow.kind == "compaction", AttemptRow.state == "billed")
    (attempt,) = await database.read(lambda session: session.scalars(query).all())
    assert attempt.cache_read > 4 * attempt.input
