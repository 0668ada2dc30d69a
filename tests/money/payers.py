"""Everything that pays: turns, summaries, judges, batches, other models, and what is dear about them."""

import json

from sqlalchemy import select

from activities.conversation_tables import JournalRow
from activities.ledger_tables import AttemptRow
from activities.paid_calls import Paid
from rehearsal.bill import bill
from tests.activities.batch_office import Office
from tests.activities.conversing import SCOPE, cut_at, new_store, note, opening, request, talk_for
from tests.activities.endpoint import new_model, run
from tests.activities.provider import succeeded
from tests.money.greedy import Greedy
from tests.money.till import order, pay
from workflows.models import Cap, JudgeRequest

HAIKU = "claude-haiku-5-5"
DEARER = "claude-opus-5-5"
BYTES = "0123456789" * 30 + "\u65e5\u672c\u8a9e\U0001f4b8" * 60


def caps_of(talk="talk-1", **caps):
    """The accounts of a conversation, those without a cap of their own with one that is never reached."""
    names = {"agent": f"agent:{talk}", "item": "item:run-1:tee", "run": "run:run-1"}
    return tuple(Cap(account=name, micro_usd=caps.get(level, 10**9)) for level, name in names.items())


async def opened(till, talk="talk-1", caps=(), **changes):
    return (await new_store(till.database).open(opening(conversation=talk, caps=caps, **changes))).pin


def texts_of(blocks):
    for block in blocks:
        yield from texts_of(block["content"]) if "content" in block else [block["text"]]


def counted(blocks):
    """Count every byte as a token."""
    return sum(len(text.encode()) for text in texts_of(blocks))


async def every_byte_a_token(till):
    """No text is dearer than that: the bound of what is read holds turn by turn, and so does each reservation."""
    pin = await opened(till, caps=caps_of(agent=400_000), task=BYTES, instructions=BYTES)
    said, context = 0, 0

    def read(body):
        """What was billed before is read again, and of the rest every byte."""
        return context + counted(body["messages"][said:] if said else [*body["system"], *body["messages"]])

    endpoint = Greedy(prompt=read, hour=lambda body: counted(body["system"]), text=json.dumps({"z": "0"}))
    model, head = new_model(endpoint, till.database, calls=till.calls(endpoint)), 1
    for turn in range(1, 99):
        reply = await run(model, request(pin, head, turn, notes=(note(BYTES),)))
        if reply.stop != "end_turn":
            break
        head, context, said = reply.head, reply.context, len(endpoint.bodies[-1]["messages"]) + 1
    assert (reply.stop, reply.purse.account, len(endpoint.bodies) > 4) == ("over_budget", "agent:talk-1", True)
    excess = select(JournalRow).where(JournalRow.action == "error")
    assert not till.do(lambda session: session.scalars(excess).all())
    return till.row("agent:talk-1", endpoint.billed)


async def long_prompts(till):
    """Above 100k tokens everything costs five times as much, the output too."""
    till.talk(item=160_000)
    prompts = iter((99_999, 100_001, 100_001))
    endpoint = Greedy(prompt=lambda _: next(prompts))
    calls = till.calls(endpoint)
    cheap, dear, dear_again = [
        await pay(calls, order(turn=turn, model=HAIKU, prompt=prompt, least_tokens=256))
        for turn, prompt in enumerate((99_999, 100_001, 100_001))
    ]
    assert dear.bill.micro_usd > 4 * cheap.bill.micro_usd
    assert (isinstance(dear_again, Paid), endpoint.rooms[2] < 4_096) == (True, True)
    unpaid = await pay(calls, order(turn=4, model=HAIKU, prompt=100_001))
    assert unpaid.account == "item:run-1:tee"
    return till.row("item:run-1:tee", endpoint.billed)


async def a_dearer_model(till):
    """A refusal is billed, and the model that is asked next reserves at its own price."""
    pin = await opened(till, caps=caps_of(agent=150_000))
    endpoint = Greedy("refuses", text=json.dumps({"z": "0"}))
    model = new_model(endpoint, till.database, calls=till.calls(endpoint))
    first = await run(model, request(pin, 1, 1))
    assert (first.stop, first.micro_usd) == ("refusal", endpoint.billed)
    replies = [await run(model, request(pin, first.head, turn, model=DEARER, notes=(note("On."),))) for turn in (2,)]
    assert (replies[0].stop, endpoint.bodies[1]["model"]) == ("end_turn", DEARER)
    assert endpoint.billed - first.micro_usd > first.micro_usd
    last = await run(model, request(pin, replies[0].head, 3, model=DEARER, notes=(note("On."),)))
    assert (last.stop, last.purse.account) == ("over_budget", "agent:talk-1")
    return till.row("agent:talk-1", endpoint.billed)


async def summaries(till):
    """The provider's summary and our own are paid for; when the money ends, the plain list is made, for nothing."""
    store = new_store(till.database)
    endpoint = Greedy("reply", "overloaded", "reply", text="All was said.")
    model = new_model(endpoint, till.database, calls=till.calls(endpoint))
    pin, head = await talk_for(store, 8, caps=caps_of(agent=130_000))
    made, turn = [], 8
    while "plain" not in made:
        made.append((await model.compact(cut_at(head, turn + 1))).strategy)
        _, head = await talk_for(store, 8, first=turn + 1, pin=pin, head=head)
        turn += 8
    assert made[:2] == ["signed", "own"]
    assert {kind for kind, _ in kinds(till)} == {"compaction"}
    return till.row("agent:talk-1", endpoint.billed)


async def judges(till):
    """A look of the judge is a call like any other; without money nobody looks, and the work goes on."""
    store = new_store(till.database)
    _, head = await talk_for(store, 8, caps=caps_of(run=100_000))
    endpoint = Greedy()
    model = new_model(endpoint, till.database, calls=till.calls(endpoint))
    looks = [
        await model.judge(JudgeRequest(conversation="talk-1", scope=SCOPE, head=at, turn=at // 2, turns=2))
        for at in range(3, head)
    ]
    assert (looks[0].reason, looks[-1].drifts) == ("It serves.", False)
    assert "run:run-1" in looks[-1].reason
    assert {kind for kind, _ in kinds(till)} == {"judge"}
    return till.row("run:run-1", endpoint.billed)


async def batches(till):
    """A parcel reserves and pays half; it holds its money until it is home, and the next call finds that."""
    office = Office(till.url)
    try:
        asked = [await _patient(office, talk) for talk in "abcd"]
        await office.call(asked[0])
        ((_, held),) = kinds(till)
        await office.ledger.set_cap("run:run-1", held * 5 // 2, "ops")
        stops = [(await office.call(each)).stop for each in asked[1:]]
        assert stops == ["queued", "queued", "over_budget"]
        await office.tend()
        handed_in = office.provider.batches["msgbatch_1"].requests
        assert sorted(each["params"]["max_tokens"] for each in handed_in)[1:] == [4_096] * 2
        billed = _deliver(office.provider, handed_in)
        await office.tend()
        assert {state for state, _ in till.attempts()} == {"billed"}
        assert (await office.call(asked[3])).stop == "over_budget"
    finally:
        office.database.close()
    return till.row("run:run-1", billed)


async def _patient(office, talk):
    pin = (await office.store.open(opening(conversation=talk, caps=caps_of(talk)))).pin
    return request(pin, 1, 1, conversation=talk, patience="batch")


def _deliver(provider, handed_in):
    """End the batch: every reply is as long as it may be; tells what all of them cost at half the price."""
    results, billed = {}, 0
    for each in handed_in:
        usage = {"input_tokens": 0, "cache_creation_input_tokens": 1_000, "output_tokens": each["params"]["max_tokens"]}
        results[each["custom_id"]] = succeeded(usage=usage)
        billed += bill(each["params"]["model"], {**usage, "service_tier": "batch"})
    provider.end(**results)
    return billed


def kinds(till):
    rows = till.do(lambda session: session.scalars(select(AttemptRow).order_by(AttemptRow.id)).all())
    return [(row.kind, row.reserved) for row in rows]
