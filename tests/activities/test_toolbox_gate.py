"""The gate before calls that need agreement: what was seen runs, else nothing does, and nobody is asked in vain."""

import hashlib
import json
from datetime import timedelta

import pytest
from pydantic import Field

from activities.tools.definition import Arguments, RawCall, tool
from activities.tools.gate import SHOWN_WHOLE
from tests.activities.house import House, use_of
from workflows.models import CallRuling


class Order(Arguments):
    what: str = Field(max_length=30_000)
    pieces: int = 1


class Diary:
    def __init__(self):
        self.orders = []


@tool(effect="once", timeout=timedelta(seconds=5), approval="it costs money")
async def order_goods(order: Order, diary: Diary) -> dict[str, int]:
    """Order goods."""
    diary.orders.append((order.what, order.pieces))
    return {"ordered": order.pieces}


@tool(effect="write", timeout=timedelta(seconds=5), approval=lambda order: 1 / order.pieces and None)
async def ask_samples(order: Order, diary: Diary) -> dict[str, int]:
    """Ask for samples."""
    diary.orders.append((order.what, order.pieces))
    return {"samples": order.pieces}


@pytest.fixture
def diary():
    return Diary()


@pytest.fixture
def house(tmp_path, diary):
    return House(tmp_path, (order_goods, ask_samples), world=(diary,))


async def use(house, *rulings, **arguments):
    if not house.log.said:
        house.log.said.append(RawCall("c1", arguments.pop("tool", "order_goods"), arguments))
    return await house.toolbox.use(use_of("c1").model_copy(update={"rulings": rulings}))


def agreed(call, **more):
    return CallRuling(call_id="c1", agreed=True, by="Vera", **{"digest": call.digest, **more})


async def test_what_would_run_is_shown_word_for_word_with_its_defaults(house, diary):
    (call,) = (await use(house, what="Leinen, größer")).gated
    assert json.loads(call.arguments) == {"what": "Leinen, größer", "pieces": 1}
    assert call.digest == f"sha256:{hashlib.sha256(call.arguments.encode()).hexdigest()}"
    assert (call.why, diary.orders, house.log.results) == ("it costs money", [], {})


async def test_what_was_seen_runs_once_however_often_it_is_sent(house, diary):
    (call,) = (await use(house, what="linen")).gated
    outcomes = [(await use(house, agreed(call))).each[0] for _ in range(2)]
    assert [(each.ok, each.agreed_by) for each in outcomes] == [(True, "Vera")] * 2
    assert diary.orders == [("linen", 1)]


async def test_agreement_to_other_arguments_is_asked_for_again(house, diary):
    await use(house, what="linen")
    again = await use(house, CallRuling(call_id="c1", agreed=True, by="Vera", digest="sha256:other"))
    assert (again.each, diary.orders) == ((), [])
    assert again.gated[0].why == "the arguments are not those that Vera saw; look again. it costs money"


async def test_agreement_to_one_call_is_none_to_another(house, diary):
    (call,) = (await use(house, what="linen")).gated
    other = agreed(call).model_copy(update={"call_id": "c2"})
    assert (await use(house, other)).gated == (call,)
    assert diary.orders == []


async def test_a_rejection_is_the_result_with_the_name_and_the_reason(house, diary):
    (call,) = (await use(house, what="linen")).gated
    no = CallRuling(call_id="c1", agreed=False, by="Vera", digest=call.digest, note="too dear")
    outcome = (await use(house, no)).each[0]
    assert (outcome.refusal, outcome.preview) == ("approval", "Vera did not agree to this call: too dear")
    assert (diary.orders, "do not make this call again" in house.seen()) == ([], True)


async def test_a_call_that_is_wrong_asks_nobody(house):
    outcome = (await use(house, pieces="many")).each[0]
    assert outcome.refusal == "schema"


async def test_what_nobody_can_read_nobody_is_asked_about(house, diary):
    (outcome,) = (await use(house, what="ü" * (SHOWN_WHOLE // 2))).each
    assert (outcome.refusal, diary.orders) == ("approval", [])
    assert "nobody reads" in outcome.preview


async def test_an_edit_is_checked_like_any_call_and_runs_as_it_was_written(house, diary):
    (call,) = (await use(house, what="linen", pieces=4)).gated
    (again,) = (await use(house, agreed(call, edited='{"what": 1}'))).gated
    assert again.why.startswith("what Vera edited does not fit: what: ")
    assert again.digest == call.digest
    await use(house, agreed(call, edited='{"what": "silk"}'))
    assert diary.orders == [("silk", 1)]
    assert json.loads(house.log.results["c1"].arguments) == {"what": "silk"}


async def test_when_it_cannot_be_told_whether_to_ask_somebody_is_asked(house, diary):
    (call,) = (await use(house, tool="ask_samples", what="linen", pieces=0)).gated
    assert call.why == "whether this needs a person could not be told: ZeroDivisionError"
    assert diary.orders == []
