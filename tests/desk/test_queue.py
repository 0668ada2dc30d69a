"""The queue: oldest first out of a list that has no order, with filters, by a bounded number of requests."""

import asyncio
import time

import pytest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from activities.deciding import Deciding
from console.processes import free_port
from desk.queue import PER_PAGE, Filters, Queue
from screentest.servers import serve
from tests.desk.crowd import Counted, gather
from tests.scenarios.signing import DESK
from workflows.models import Identity

CROWD = 1_000
EVERYBODY = Identity(name="Vera Holm", role="operator", groups=("reviewers",))
ACME = Identity(name="Ada Acme", role="lead", tenants=("acme",), groups=("leads",))


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server of its own with a thousand questions, so that they stand in nobody else's way."""
    port = free_port()
    with serve(port, tmp_path_factory.mktemp("crowd") / "temporal.db"):
        asyncio.run(_crowd(f"127.0.0.1:{port}"))
        yield f"127.0.0.1:{port}"


async def _crowd(address: str) -> None:
    client = await Client.connect(address, data_converter=pydantic_data_converter)
    await gather(client, CROWD)
    end = time.monotonic() + 60
    while (await client.count_workflows("CallsheetAwaitingReview = true")).count < CROWD:
        assert time.monotonic() < end
        await asyncio.sleep(0.2)


@pytest.fixture
async def asked(server):
    """What the server was asked, and a queue that asks it."""
    counted = Counted()
    client = await Client.connect(server, data_converter=pydantic_data_converter, interceptors=[counted])
    return counted, lambda most=1_000: Queue(client, Deciding(client, DESK), most)


def numbers(rows) -> list[int]:
    return [int(each.card.item.removeprefix("item-")) for each in rows]


async def test_a_thousand_questions_are_listed_oldest_first_by_two_requests(asked):
    counted, queue = asked
    listed = await queue().page(Filters(), EVERYBODY)
    assert numbers(listed.rows) == list(range(PER_PAGE))
    assert (listed.total, listed.found, listed.pages, listed.cut) == (CROWD, CROWD, CROWD // PER_PAGE, False)
    assert (counted.lists, counted.counts, counted.others) == (1, 1, 0)


async def test_pages_follow_one_another_without_a_gap_and_end_at_the_last(asked):
    _, queue = asked
    found = queue()
    second, last, beyond = [await found.page(Filters(), EVERYBODY, page) for page in (2, 25, 900)]
    assert numbers(second.rows) == list(range(PER_PAGE, 2 * PER_PAGE))
    assert numbers(last.rows)[-1] == CROWD - 1
    assert beyond.page == 25


async def test_where_more_wait_than_are_read_at_once_the_oldest_are_found_by_counting(asked):
    counted, queue = asked
    listed = await queue(100).page(Filters(), EVERYBODY)
    assert numbers(listed.rows) == list(range(PER_PAGE))
    assert (listed.total, listed.cut) == (CROWD, True)
    assert 75 < listed.found <= 100
    assert counted.lists == 1
    assert counted.counts <= 26


@pytest.mark.parametrize(
    ("filters", "fits"),
    [
        (Filters(kind="budget"), lambda number: number % 5 == 0),
        (Filters(owner="leads"), lambda number: number % 10 == 0),
        (Filters(run="run-3"), lambda number: number % 7 == 3),
        (Filters(search="dress 77, FRONT"), lambda number: number % 100 == 77),
        (Filters(run="run-3", kind="budget"), lambda number: number % 7 == 3 and number % 5 == 0),
        (Filters(mine=True), lambda number: number % 10 != 0),
        (Filters(pipeline="single_agent"), lambda number: False),
        (Filters(run="' or CallsheetAwaitingReview = true or CallsheetRun = '"), lambda number: False),
    ],
)
async def test_filters_leave_exactly_what_fits(asked, filters, fits):
    _, queue = asked
    found = await queue().every(filters, EVERYBODY)
    assert numbers(found) == [number for number in range(CROWD) if fits(number)]


async def test_age_counts_from_the_asking(asked):
    _, queue = asked
    assert len(await queue().every(Filters(age="72h"), EVERYBODY)) == CROWD


async def test_another_tenants_questions_are_not_even_counted(asked):
    _, queue = asked
    listed = await queue().page(Filters(), ACME)
    assert numbers(listed.rows) == list(range(0, 4 * PER_PAGE, 4))
    assert listed.total == CROWD // 4
    assert await queue().page(Filters(), ACME.model_copy(update={"tenants": ("nobody",)})) is not None
    assert (await queue().page(Filters(), ACME.model_copy(update={"tenants": ()}))).rows == ()


async def test_the_next_question_is_the_one_behind_and_after_the_last_the_oldest(asked):
    _, queue = asked
    found = queue()
    assert await found.following(Filters(), EVERYBODY) == "run-0:item-0"
    assert await found.following(Filters(), EVERYBODY, "run-0:item-0") == "run-1:item-1"
    assert await found.following(Filters(), EVERYBODY, f"run-{999 % 7}:item-999") == "run-0:item-0"
    assert await found.following(Filters(owner="leads"), EVERYBODY, "run-0:item-0") == "run-3:item-10"
    assert await found.following(Filters(search="nothing like it"), EVERYBODY) == ""


async def test_the_pulse_is_the_same_until_something_changes(asked):
    _, queue = asked
    found = queue()
    assert await found.pulse(("acme",)) == await found.pulse(("acme",))
    assert await found.pulse(("acme",)) != await found.pulse(("default",))


def test_filters_of_an_address_that_make_no_sense_are_left_out():
    fields = {"kind": "nonsense", "age": "-1h", "mine": "yes", "search": "  white tee ", "run": "r" * 500}
    filters = Filters.read(fields)
    assert (filters.kind, filters.age, filters.mine, filters.search) == ("", "", False, "white tee")
    assert len(filters.run) == 200
    assert Filters.read({"mine": "1", "age": "4h"}).address() == "age=4h&mine=1"
