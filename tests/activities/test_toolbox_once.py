"""What happens once happens once, and where nobody knows, nothing is repeated."""

import asyncio
import json
from datetime import timedelta

import pytest
from temporalio.exceptions import ApplicationError

from activities.tools.definition import Arguments, Context, Declined, NotDone, tool
from tests.activities.house import SCOPE, House, use_of

SOON = timedelta(milliseconds=400)


class Letter(Arguments):
    text: str


class Post:
    """The outside world: what it was sent, and how it behaves."""

    def __init__(self):
        self.sent = []
        self.trouble = None
        self.tells = True
        self.slow = 0.0


async def was_it_sent(letter: Letter, post: Post, context: Context):
    if not post.tells:
        return None
    return {"sent": letter.text} if context.key in post.sent else NotDone()


def postman(**kept):
    @tool(effect="once", timeout=SOON, **kept)
    async def send(letter: Letter, post: Post, context: Context) -> dict:
        """Send a letter."""
        if post.trouble == "refused":
            return Declined("no stamp")
        if post.trouble == "before":
            raise ConnectionError("could not connect")
        await asyncio.sleep(post.slow)
        post.sent.append(context.key)
        if post.trouble == "after":
            raise ConnectionError("the line broke")
        if post.trouble == "crash":
            raise asyncio.CancelledError
        return {"sent": letter.text}

    return send


@tool(effect="once", timeout=SOON, permit="text")
async def shout(letter: Letter, context: Context) -> dict:
    """Shout what was cleared."""
    return {"by": context.cleared_by(letter.text)}


@pytest.fixture
def post():
    return Post()


@pytest.fixture
def house(tmp_path, post):
    return House(tmp_path, (postman(reconcile=was_it_sent), shout), world=[post])


def forget(house):
    """Lose the stored result, as a crash right after the effect does."""
    house.log.results.clear()


async def test_an_effect_is_done_once_and_its_result_is_kept_with_its_key(house, post):
    outcome = await house.use("send", {"text": "hello"})
    assert outcome.ok
    assert post.sent == ["batch:c1"]
    assert (await house.effects.find("batch:c1")).status == "done"


async def test_after_a_crash_behind_the_effect_the_recorded_result_is_used(house, post):
    await house.use("send", {"text": "hello"})
    forget(house)
    outcome = await house.again("c1")
    assert outcome.ok
    assert json.loads(house.seen()) == {"sent": "hello"}
    assert len(post.sent) == 1


async def test_after_a_crash_in_the_effect_the_target_is_asked_and_nothing_is_repeated(house, post):
    post.trouble = "crash"
    with pytest.raises(asyncio.CancelledError):
        await house.use("send", {"text": "hello"})
    assert (await house.effects.find("batch:c1")).status == "pending"
    post.trouble = None
    outcome = await house.again("c1")
    assert outcome.ok
    assert len(post.sent) == 1
    assert (await house.effects.find("batch:c1")).status == "done"


async def test_an_effect_that_is_proved_not_done_is_done_after_a_crash(house, post):
    post.trouble = "crash"
    with pytest.raises(asyncio.CancelledError):
        await house.use("send", {"text": "hello"})
    post.trouble = None
    post.sent.clear()
    with pytest.raises(ApplicationError, match="may still be running"):
        await house.again("c1")
    await asyncio.sleep(SOON.total_seconds())
    assert (await house.again("c1")).ok
    assert len(post.sent) == 1


async def test_an_outcome_that_cannot_be_known_is_refused_and_left_to_a_person(house, post):
    post.trouble = "crash"
    with pytest.raises(asyncio.CancelledError):
        await house.use("send", {"text": "hello"})
    post.trouble, post.tells = None, False
    outcome = await house.again("c1")
    assert outcome.refusal == "unknown_outcome"
    assert len(post.sent) == 1
    assert await house.effects.open_effects(SCOPE.run) == ("batch:c1",)


async def test_without_a_way_to_look_it_up_a_broken_line_is_an_unknown_outcome(tmp_path, post):
    house = House(tmp_path, (postman(permit="text"),), world=[post])
    post.trouble = "after"
    outcome = await house.use("send", {"text": "hello"}, grants=("hello",))
    assert outcome.refusal == "unknown_outcome"
    forget(house)
    post.trouble = None
    assert (await house.again("c1", grants=("hello",))).refusal == "unknown_outcome"
    assert len(post.sent) == 1


class Ledger(Post):
    """A target that does a thing once for each key, however often it is asked."""

    def __init__(self):
        super().__init__()
        self.asked = 0

    def take(self, key):
        self.asked += 1
        if key not in self.sent:
            self.sent.append(key)


@tool(effect="once", timeout=SOON, idempotent=True)
async def pay(letter: Letter, ledger: Ledger, context: Context) -> dict:
    """Pay a bill."""
    ledger.take(context.key)
    if ledger.trouble == "always" or (ledger.trouble == "after" and ledger.asked == 1):
        raise ConnectionError("the line broke")
    if ledger.trouble == "crash" and ledger.asked == 1:
        raise asyncio.CancelledError
    return {"paid": letter.text}


@pytest.mark.parametrize("trouble", ["after", "crash"])
async def test_a_target_that_honours_the_key_is_asked_again_under_the_same_one(tmp_path, trouble):
    ledger = Ledger()
    house = House(tmp_path, (pay,), world=[ledger])
    ledger.trouble = trouble
    if trouble == "crash":
        with pytest.raises(asyncio.CancelledError):
            await house.use("pay", {"text": "ten"})
        outcome = await house.again("c1")
    else:
        outcome = await house.use("pay", {"text": "ten"})
    assert outcome.ok
    assert (ledger.asked, ledger.sent) == (2, ["batch:c1"])
    assert (await house.effects.find("batch:c1")).status == "done"


async def test_a_target_that_honours_the_key_and_never_answers_is_an_unknown_outcome(tmp_path):
    ledger = Ledger()
    house = House(tmp_path, (pay,), world=[ledger])
    ledger.trouble = "always"
    assert (await house.use("pay", {"text": "ten"})).refusal == "unknown_outcome"
    assert (ledger.asked, ledger.sent) == (2, ["batch:c1"])


async def test_a_line_that_broke_behind_the_effect_is_a_success_when_the_target_says_so(house, post):
    post.trouble = "after"
    outcome = await house.use("send", {"text": "hello"})
    assert outcome.ok
    assert len(post.sent) == 1


async def test_a_failure_before_the_effect_is_final_for_this_call_and_free_for_the_next(house, post):
    post.trouble = "before"
    assert (await house.use("send", {"text": "hello"})).refusal == "raised"
    forget(house)
    post.trouble = None
    assert (await house.again("c1")).refusal == "raised"
    assert (await house.use("send", {"text": "hello"}, call_id="c2")).ok
    assert len(post.sent) == 1


async def test_a_refusal_of_the_target_is_recorded_as_failed(house, post):
    post.trouble = "refused"
    outcome = await house.use("send", {"text": "hello"})
    assert outcome.refusal == "conflict"
    assert (await house.effects.find("batch:c1")).status == "failed"


async def test_two_workers_with_the_same_call_cause_one_effect(house, post):
    post.slow = 0.1
    both = (house.use("send", {"text": "hello"}) for _ in range(2))
    first, second = await asyncio.gather(*both, return_exceptions=True)
    assert len(post.sent) == 1
    assert [isinstance(each, ApplicationError) for each in (first, second)].count(True) == 1


async def test_what_was_not_cleared_is_refused_before_anything_is_claimed(house):
    outcome = await house.use("shout", {"text": "ast_1"}, grants=("ast_2",))
    assert outcome.refusal == "permission"
    assert "cleared now: ast_2" in json.loads(house.seen())["hint"]
    assert await house.effects.find("batch:c1") is None


@pytest.mark.parametrize(("grant", "by"), [("ast_1", "gate"), ("ast_1|by=Noor", "Noor")])
async def test_a_grant_says_who_cleared_it(house, grant, by):
    await house.use("shout", {"text": "ast_1"}, grants=(grant,))
    assert json.loads(house.seen()) == {"by": by}


async def test_a_grant_never_clears_by_its_beginning_or_by_a_name_inside_it(house):
    for number, text in enumerate(("ast_", "ast_1|by=Noor", "", "Noor")):
        outcome = await house.use("shout", {"text": text}, call_id=f"c{number}", grants=("ast_1|by=Noor",))
        assert outcome.refusal == "permission"


async def test_the_same_key_with_other_arguments_is_a_conflict(house, post):
    await house.use("send", {"text": "hello"})
    forget(house)
    house.log.said.clear()
    outcome = await house.use("send", {"text": "goodbye"})
    assert outcome.refusal == "conflict"
    assert len(post.sent) == 1


async def test_once_calls_of_one_batch_run_one_after_the_other(house, post):
    await house.use("send", {"text": "a"}, call_id="a")
    forget(house)
    house.log.said = [house.log.said[0], house.log.said[0]._replace(id="b")]
    outcomes = await house.toolbox.use(use_of("a", "b"))
    assert [each.ok for each in outcomes.each] == [True, True]
    assert post.sent == ["batch:a", "batch:b"]
