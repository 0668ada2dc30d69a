"""What goes wrong at the batch desk: no call is lost, none is paid twice, and none waits for ever."""

import asyncio
from datetime import timedelta

import httpx2
import pytest
from sqlalchemy import update
from temporalio.exceptions import ApplicationError

from activities.batch_parcels import Limits as Most
from activities.batch_tables import BatchCallRow
from tests.activities.batch_office import PRICE, Office
from tests.activities.endpoint import failure
from workflows.models import Tended

LONG_AGO = timedelta(minutes=16)


@pytest.fixture(params=["sqlite", "postgresql"])
def office(request, tmp_path):
    postgres = request.param == "postgresql"
    office = Office(request.getfixturevalue("postgres_url") if postgres else f"sqlite:///{tmp_path}/talks.db")
    yield office
    office.database.close()


@pytest.fixture
def here(tmp_path):
    office = Office(f"sqlite:///{tmp_path}/talks.db", Most(calls=2))
    yield office
    office.database.close()


@pytest.mark.parametrize("trouble", [failure(429, "rate_limit_error"), failure(529, "overloaded_error")])
async def test_a_batch_that_was_turned_away_waits_for_the_next_round(here, trouble):
    await here.call(await here.talk())
    here.provider.troubles["create"].append(trouble)
    with pytest.raises(ApplicationError) as raised:
        await here.tend()
    assert (raised.value.non_retryable, here.states()) == (False, ["waiting"])
    assert await here.tend() == Tended(waiting=0, out=1)


async def test_calls_that_are_refused_as_a_batch_are_made_at_once(here):
    asked = await here.talk()
    await here.call(asked)
    here.provider.troubles["create"].append(failure(400, "invalid_request_error"))
    assert await here.tend() == Tended(waiting=0, out=0)
    assert (here.word.told, here.attempts()) == ([("run-1:tee", "talk-1", 1)], [("free", 0)])
    assert (await here.call(asked)).output == '{"z":"direct"}'


async def test_a_call_that_cannot_be_written_again_is_made_at_once_and_stops_no_other(here):
    await here.call(await here.talk("a"))
    await here.call(await here.talk("b"))
    with here.database.transaction() as session:
        session.execute(update(BatchCallRow).where(BatchCallRow.conversation == "a").values(request="{}"))
    assert await here.tend() == Tended(waiting=0, out=1)
    assert [state for state, _ in here.attempts()] == ["free", "open"]


async def test_a_batch_whose_answer_was_lost_is_found_by_what_is_in_it_and_paid_once(office):
    asked = await office.talk()
    await office.call(asked)
    office.provider.troubles["create"].append(office.provider.arrive_unheard)
    with pytest.raises(ApplicationError, match="connection"):
        await office.tend()
    office.provider.add([{"custom_id": "somebody-else"}])
    office.age(LONG_AGO)
    for _ in range(2):
        assert await office.tend() == Tended(waiting=0, out=1)
    assert office.states() == ["submitting"]
    office.provider.end()
    assert await office.tend() == Tended(waiting=0, out=0)
    assert (await office.call(asked)).output == '{"z":"batched"}'
    assert (len(office.provider.batches), office.attempts()) == (2, [("billed", PRICE)])


async def test_a_batch_that_never_arrived_is_handed_in_again_when_that_is_certain(here):
    here.provider.add([{"custom_id": "too old"}], age=timedelta(hours=2))
    await here.call(await here.talk("b"))
    await here.tend()  # another one of ours, as large, and not known to have ended
    await here.call(await here.talk("a"))
    here.provider.troubles["create"].append(failure(500, "api_error"))
    with pytest.raises(ApplicationError):
        await here.tend()
    assert await here.tend() == Tended(waiting=0, out=2)
    assert (len(here.provider.batches), here.states()) == (2, ["submitting", "out"])
    here.age(LONG_AGO)
    assert await here.tend() == Tended(waiting=0, out=2)
    assert (len(here.provider.batches), here.states()) == (3, ["out", "out"])
    here.provider.end()
    await here.tend()
    assert here.attempts() == [("billed", PRICE)] * 2


async def test_a_parcel_that_nobody_can_tell_of_is_given_up_after_its_lease(here):
    asked = await here.talk()
    await here.call(asked)
    here.provider.troubles["create"].append(httpx2.ReadError("lost"))
    with pytest.raises(ApplicationError):
        await here.tend()
    here.age(timedelta(hours=27))
    here.provider.troubles["list"].append(failure(404, "not_found_error"))
    with pytest.raises(ApplicationError):
        await here.tend()
    assert here.attempts()[0][0] == "unknown"
    assert (await here.call(asked)).output == '{"z":"direct"}'


async def test_a_batch_that_the_provider_has_lost_counts_as_spent(here):
    asked = await here.talk()
    await here.call(asked)
    await here.tend()
    here.provider.batches.clear()
    assert await here.tend() == Tended(waiting=0, out=0)
    assert here.attempts()[0][0] == "unknown"
    assert (await here.call(asked)).output == '{"z":"direct"}'


async def test_one_broken_batch_does_not_stop_the_others(here):
    await here.call(await here.talk("a"))
    await here.call(await here.talk("b", model="claude-opus-5-5"))
    await here.tend()
    here.provider.end()
    here.provider.troubles["results"].append(failure(500, "api_error"))
    with pytest.raises(ApplicationError) as raised:
        await here.tend()
    assert (raised.value.type, sorted(here.states())) == ("anthropic.api_error", ["done", "out"])
    assert await here.tend() == Tended(waiting=0, out=0)
    assert here.states() == ["done", "done"]


async def test_results_that_break_off_are_fetched_again_and_kept_once(here):
    for name in "ab":
        await here.call(await here.talk(name))
    await here.tend()
    here.provider.end()
    here.provider.troubles["results"].append(lambda _: httpx2.Response(200, stream=Broken(here.provider)))
    with pytest.raises(ApplicationError, match="connection"):
        await here.tend()
    assert sorted(here.states()) == ["done", "out"]
    assert await here.tend() == Tended(waiting=0, out=0)
    assert here.attempts() == [("billed", PRICE)] * 2


class Broken(httpx2.AsyncByteStream):
    """One result, and then nothing any more."""

    def __init__(self, provider):
        self._line = provider.batches["msgbatch_1"].lines[0]

    async def __aiter__(self):
        yield f"{self._line}\n".encode()
        raise httpx2.ReadError("lost")


async def test_a_workflow_that_was_not_told_is_told_in_the_next_round(here):
    await here.call(await here.talk("a"), workflow="deaf")
    await here.call(await here.talk("b"))
    await here.tend()
    here.provider.end()
    here.word.deaf.add("deaf")
    assert await here.tend() == Tended(waiting=0, out=1)
    assert here.word.told == [("run-1:tee", "b", 1)]
    here.word.deaf.clear()
    assert await here.tend() == Tended(waiting=0, out=0)
    assert here.word.told[1:] == [("deaf", "a", 1)]


async def test_a_round_that_died_before_it_noted_a_reply_is_repeated_without_harm(office):
    asked = await office.talk()
    await office.call(asked)
    await office.tend()
    office.provider.end()
    await office.tend()
    with office.database.transaction() as session:
        session.execute(update(BatchCallRow).values(state="out"))
    assert await office.tend() == Tended(waiting=0, out=0)
    assert (office.attempts(), await office.stands()) == ([("billed", PRICE)], (PRICE, 0))


async def test_rounds_side_by_side_hand_in_a_call_once(office):
    for name in "abc":
        await office.call(await office.talk(name))
    await asyncio.gather(*(office.tend() for _ in range(4)))
    handed_in = [each["custom_id"] for batch in office.provider.batches.values() for each in batch.requests]
    assert len(handed_in) == len(set(handed_in)) == 3
