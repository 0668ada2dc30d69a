"""Caps at every level, and what crowds, clocks and people do at their edges."""

import asyncio
from datetime import UTC, datetime, timedelta

from activities.ledger_bids import Denied
from activities.paid_calls import Paid, Unpaid
from activities.pricing import Prices
from tests.activities.counting_house import DAY, FLEET, LEASE, MONTH, NOON
from tests.money.greedy import Greedy
from tests.money.till import MODEL, order, pay, use_up
from workflows.models import TopUp

WORST = Prices().worst_case(MODEL, 1_000, 4_096)
NEXT_DAY = DAY.replace("22", "23")


async def everything_is_used(till):
    """The reservation is exactly what the dearest reply costs."""
    till.talk()
    endpoint = Greedy(hour=400)
    paid = await pay(till.calls(endpoint), order(hour=400))
    held = Prices().worst_case(MODEL, 1_000, 4_096, hour=400)
    assert (paid.bill.micro_usd, till.attempts()) == (held, [("billed", held)])
    return till.row_of_call(held, endpoint.billed)


async def one_caller_to_the_edge(till):
    till.talk(agent=100_000)
    endpoint = Greedy()
    *paid, unpaid = await use_up(till.calls(endpoint))
    assert endpoint.rooms == [4_096, 4_096, (100_000 - 2 * WORST - 2_500) // 10]
    assert (len(paid), unpaid.stop, unpaid.account) == (3, "over_budget", "agent:a")
    return till.row("agent:a", endpoint.billed)


async def below_the_floor(till):
    """What is left covers the prompt and some output, but not the least that is of use."""
    till.talk(agent=Prices().worst_case(MODEL, 1_000, 512) - 1)
    endpoint = Greedy()
    answer = await pay(till.calls(endpoint), order())
    assert (answer.stop, endpoint.bodies, till.attempts()) == ("over_budget", [], [])
    return till.row("agent:a", endpoint.billed)


async def two_agents_of_an_item(till):
    till.talk("a", agent=1_000_000, item=100_000, run=1_000_000)
    till.talk("b", agent=1_000_000)
    endpoint = Greedy()
    answers = await asyncio.gather(*(use_up(till.calls(endpoint), talk) for talk in "ab"))
    assert {each[-1].account for each in answers} == {"item:run-1:tee"}
    return till.row("item:run-1:tee", endpoint.billed)


async def sixteen_callers(till):
    """Callers on four workers; what one of them gives back, another takes."""
    for number in range(16):
        till.talk(f"t{number}", run=500_000)
    endpoint = Greedy(share=(1.0, 0.3, 0.6))
    workers = [till.calls(endpoint, patience=0.2) for _ in range(4)]
    answers = await asyncio.gather(*(use_up(workers[n % 4], f"t{n}", most=99) for n in range(16)))
    assert all(isinstance(each[-1], Unpaid) for each in answers)
    row = till.row("run:run-1", endpoint.billed)
    assert row.spent == row.billed > 500_000 - WORST
    return row


async def midnight_passes(till):
    """A call is charged to the day on which it began, whatever the time of its bill."""
    till.standard("tenant/day", 150)
    till.talk()
    before, after = NOON.replace(hour=23, minute=59, second=59), NOON.replace(day=23, hour=0)
    late = till.reserve("k1", wanted=200, at=before)
    assert isinstance(till.reserve("k2", least=1, at=before), Denied)
    assert till.reserve("k2", at=after).micro_usd == 100
    till.settle(late, 80, at=after)
    assert till.stands(DAY, NEXT_DAY) == [(80, 0), (0, 100)]
    return till.row(DAY, 80)


async def one_of_two_tenants(till):
    """A rule for one tenant goes before the standard for all, and each has its own account."""
    till.standard("tenant/day", 300)
    till.talk("a")
    till.talk("b", "run-2:tee", tenant="other")
    await till.ledger().set_cap("tenant:acme/day", 150, "ops")
    assert [till.settle(till.reserve(f"a{n}"), held) for n, held in enumerate((100, 50))] == [None] * 2
    assert till.reserve("a3").account == DAY
    for number in range(3):
        till.settle(till.reserve(f"b{number}", "b"), 100)
    assert till.reserve("b4", "b").account == DAY.replace("acme", "other")
    return till.row(DAY, 150)


async def a_crowd_of_runs(till):
    """Sixteen threads of four tenants and eight runs: some pay, some fail, some fall silent."""
    till.standard("fleet/day", 2_000)
    for number in range(16):
        till.talk(f"t{number}", f"run-{number % 8}:tee", f"tenant-{number % 4}", run=900)
    truth = []

    def live(door, number):
        for step in range(6):
            held = door.reserve(f"t{number}-{step}", f"t{number}", wanted=90 + number, least=10, turn=step)
            if isinstance(held, Denied):
                continue
            match (number + step) % 4:
                case 0:
                    door.release(held)
                case 1:
                    door.lose(held)
                    truth.append(held.micro_usd)
                case _:
                    cost = held.micro_usd * (step + 1) // 6
                    door.settle(held, cost)
                    truth.append(cost)

    till.rush(live)
    return till.row(FLEET, sum(truth))


async def the_last_part_of_a_day(till):
    """Sixteen threads rush for money that suffices for five; no micro-dollar is given out twice."""
    till.standard("fleet/day", 450)
    for number in range(16):
        till.talk(f"t{number}", f"run-{number}:tee", run=1_000)
    answers = till.rush(lambda door, number: door.reserve(f"k{number}", f"t{number}", least=10))
    held = [answer for answer in answers if not isinstance(answer, Denied)]
    assert sorted(each.micro_usd for each in held) == [50, 100, 100, 100, 100]
    for each in held:
        till.settle(each, each.micro_usd)
    return till.row(FLEET, 450)


async def day_after_day(till):
    """Each day leaves its share to the month; the call of the last minute stays in its month."""
    till.standard("fleet/month", 1_000)
    till.talk()
    began = datetime(2026, 11, 1, 12, tzinfo=UTC)
    for day in range(13):
        till.settle(till.reserve(f"k{day}", turn=day, at=began + timedelta(days=day)), 70)
    last = datetime(2026, 11, 30, 23, 59, tzinfo=UTC)
    held = till.reserve("k13", turn=13, at=last)
    assert isinstance(till.reserve("k14", turn=14, at=last), Denied)
    assert till.reserve("k15", turn=15, at=last + LEASE).micro_usd == 100
    till.settle(held, held.micro_usd, at=last + LEASE)
    return till.row(MONTH, 1_000)


async def topped_up_while_callers_wait(till):
    """The account and those below it rise, once; the callers who waited go on, also with what is given back."""
    till.talk("a", agent=45_000, item=48_000, run=50_000)
    for talk in "bcd":
        till.talk(talk, "run-1:shoe")
    endpoint = Greedy()
    slow, calls = till.calls(endpoint), till.calls(endpoint, patience=30)
    held = await slow.ledger.reserve(slow.bid_for(order("a")))
    waiting = [asyncio.create_task(pay(calls, order(talk))) for talk in "bcd"]
    await asyncio.sleep(0.1)
    assert not any(task.done() for task in waiting)
    order_of_ama = TopUp(account="run:run-1", micro_usd=60_000, by="ama", key="decision-1", conversation="a")
    for _ in range(2):
        await calls.ledger.top_up(order_of_ama)
    assert [till.accounts()[name].cap for name in ("agent:a", "item:run-1:tee", "run:run-1")] == [
        105_000,
        108_000,
        110_000,
    ]
    while sum(task.done() for task in waiting) < 2:
        await asyncio.wait([task for task in waiting if not task.done()], return_when=asyncio.FIRST_COMPLETED)
    assert sum(task.done() for task in waiting) == 2
    await till.ledger().release(held.attempt, "refused")
    answers = await asyncio.gather(*waiting)
    assert all(isinstance(answer, Paid) for answer in answers)
    return till.row("run:run-1", endpoint.billed)


async def lowered_below_what_is_spent(till):
    """Nothing is taken back, the call under way gets its bill, and nothing more goes out."""
    ledger = till.ledger()
    till.talk("a")
    till.talk("b", "run-2:tee", tenant="other")
    await ledger.set_cap(FLEET, 1_000, "ops")
    till.settle(till.reserve("k1"), 80)
    under_way = till.reserve("k2")
    await ledger.set_cap(FLEET, 50, "ops", "enough")
    assert till.reserve("b1", "b", least=1, wanted=1).account == FLEET
    till.settle(under_way, 60)
    assert till.reserve("k3").account == FLEET
    return till.row(FLEET, 140)
