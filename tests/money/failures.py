"""What goes wrong on the way to a bill, and what it counts until the truth is known."""

import asyncio
import contextlib
import multiprocessing

from temporalio.exceptions import ApplicationError

from activities import ledger_rows
from activities.database import Database, now
from activities.ledger_bids import Denied
from activities.paid_calls import Paid, Unpaid
from tests.activities.counting_house import LEASE, NOON
from tests.activities.endpoint import new_calls
from tests.money.greedy import Greedy
from tests.money.levels import WORST
from tests.money.till import order, pay, use_up


async def failing(calls, *turns, talk="a", **changes):
    """Make calls that raise, as all do which the endpoint or the way to it has failed."""
    for turn in turns:
        with contextlib.suppress(ApplicationError):
            await pay(calls, order(talk, turn, **changes))
            raise AssertionError("the call has not failed")


async def refused(till):
    """A refusal costs nothing, and gives everything back, every time."""
    till.talk(agent=WORST)
    endpoint = Greedy("busy", "overloaded", "down", "wrong")
    calls = till.calls(endpoint)
    await failing(calls, 1, 1, 1)
    assert (await pay(calls, order(turn=1))).stop == "rejected"
    assert till.stands("agent:a") == [(0, 0)]
    paid, unpaid = await use_up(calls)
    assert (paid.bill.micro_usd, unpaid.account, set(till.attempts()[:4])) == (WORST, "agent:a", {("free", 0)})
    return till.row("agent:a", endpoint.billed)


async def reply_lost(till):
    """Nobody heard the reply, but it was billed: it counts, the retry gets what is left, and then it is over."""
    till.talk(agent=100_000)
    endpoint = Greedy("lost", "lost", "lost")
    calls = till.calls(endpoint)
    await failing(calls, 1, 1, 1)
    assert endpoint.rooms == [4_096, 4_096, 1_058]
    assert {state for state, _ in till.attempts()} == {"unknown"}
    assert (await pay(calls, order(turn=1))).account == "agent:a"
    return till.row("agent:a", endpoint.billed)


async def stream_cut(till):
    """Half a reply has no bill: it counts at its reservation, and its half was not for nothing to the provider."""
    till.talk(item=100_000)
    endpoint = Greedy("cut", "cut", share=(0.5,))
    calls = till.calls(endpoint)
    await failing(calls, 1, 2)
    *_, unpaid = await use_up(calls, first=3)
    assert (unpaid.account, till.attempts()[:2]) == ("item:run-1:tee", [("unknown", WORST)] * 2)
    return till.row("item:run-1:tee", endpoint.billed)


async def cancelled(till):
    """It was on its way when its run was cancelled; whether anything came of it, nobody waits to hear."""
    till.talk(run=WORST)
    endpoint = Greedy("hang")
    calling = asyncio.create_task(pay(till.calls(endpoint), order()))
    await endpoint.hangs.wait()
    calling.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await calling
    assert (till.attempts(), calling.cancelled()) == ([("unknown", WORST)], True)
    return till.row("run:run-1", endpoint.billed)


async def unknown_price(till):
    """A model that has no price is not called; a reply that has none counts at its reservation."""
    till.talk(run=WORST)
    endpoint = Greedy("nameless")
    calls = till.calls(endpoint)
    assert (await pay(calls, order(model="claude-opus-4-85"))).stop == "rejected"
    assert (endpoint.bodies, till.attempts()) == ([], [])
    assert not (await pay(calls, order())).bill.known
    assert till.attempts() == [("unknown", WORST)]
    return till.row("run:run-1", endpoint.billed)


async def worker_killed(till):
    """With `kill -9` in the middle of a call: money that nobody holds any more is spent, and callers go on."""
    till.talk("a", run=150_000)
    till.talk("b")
    fork = multiprocessing.get_context("fork")
    here, there = fork.Pipe()
    worker = fork.Process(target=_hangs, args=(till.url, there), daemon=True)
    worker.start()
    there.close()
    billed = await asyncio.to_thread(here.recv)
    worker.kill()
    await asyncio.to_thread(worker.join)
    assert till.attempts() == [("open", WORST)]
    endpoint = Greedy()
    assert isinstance(await pay(till.calls(endpoint), order("b")), Paid)
    till.do(ledger_rows.lapse, now() + LEASE * 2)
    assert till.attempts()[0] == ("unknown", WORST)
    *_, unpaid = await use_up(till.calls(endpoint), "b", first=2)
    assert unpaid.account == "run:run-1"
    return till.row("run:run-1", billed + endpoint.billed)


def _hangs(url, pipe):
    """Another worker: its call has reached the endpoint, which says what it will bill and then nothing more."""

    class Slow(Greedy):
        def _hang(self, body):
            answer = super()._hang(body)
            pipe.send(self.billed)
            return answer

    asyncio.run(pay(new_calls(Slow("hang"), Database(url)), order("a")))


async def truth_after_lapse(till):
    """A call that was given up for lost is billed after all: the bill takes the place of its reservation, once."""
    till.talk(item=150)
    silent = till.reserve("k1")
    assert till.do(ledger_rows.lapse, NOON + LEASE * 2) == 1
    till.settle(till.reserve("k2", at=NOON + LEASE * 3), 50)
    assert isinstance(till.reserve("k3", at=NOON + LEASE * 3), Denied)
    till.rush(lambda door, _: door.settle(silent, 60), callers=8)
    assert till.stands("item:run-1:tee") == [(110, 0)]
    till.settle(till.reserve("k3", wanted=40, least=40), 40)
    return till.row("item:run-1:tee", 60 + 50 + 40)


async def same_call_at_once(till):
    """Eight workers make one call: each attempt counts, and none stands on the reservation of another."""
    till.talk(run=300_000)
    endpoint = Greedy()
    answers = await asyncio.gather(*(pay(till.calls(endpoint), order()) for _ in range(8)))
    assert {type(answer) for answer in answers} == {Paid, Unpaid}
    assert len(endpoint.bodies) == len(till.attempts())
    return till.row("run:run-1", endpoint.billed)


async def billed_twice(till):
    """Sixteen threads book one bill, and some say that there was none."""
    till.talk(agent=150)
    held = till.reserve("k1")
    till.settle(held, 90)

    def again(door, number):
        (door.settle, door.release, door.lose)[number % 3](held, *((100,) if number % 3 == 0 else ()))

    till.rush(again)
    assert (till.stands("agent:a"), till.reserve("k2", least=10).micro_usd) == ([(90, 0)], 60)
    return till.row("agent:a", 90)
