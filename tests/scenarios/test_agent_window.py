"""An agent whose conversation fills its window: it is shortened, and what was ordered stays word for word."""

from rehearsal.scripts import call, fail, forever, overflow
from tests.scenarios.agents import DONE, assistant, bodies, count, decide, ended, halted
from workflows.models import Contract, Limits

SHORTENED = "Earlier in this conversation"
GOAL = "Read every page; keep   the spaces,\nthe line break and the “quotes”."
PAGES = [call("read_page", place=f"page {number}") for number in range(12)]


def unpaired(body):
    """Calls and results of a request that do not stand in pairs, in neighbouring messages."""
    broken, asked = [], []
    for message in body["messages"]:
        given = [block["tool_use_id"] for block in message["content"] if block["type"] == "tool_result"]
        if given != asked:
            broken.append((asked, given))
        asked = [block["id"] for block in message["content"] if block["type"] == "tool_use"]
    return [*broken, asked] if asked else broken


def summaries(body):
    """The summaries that the model reads, in front of all that was said since."""
    opening = [block for message in body["messages"][:2] for block in message["content"]]
    return [block["text"] for block in opening if SHORTENED in block.get("text", "")]


def is_shortened(body):
    """Tell whether the model reads one summary."""
    return len(summaries(body)) == 1


def read(usage):
    """All tokens that the model read for one reply."""
    return sum(usage[name] for name in ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"))


async def test_past_three_quarters_of_its_window_a_conversation_is_shortened_and_goes_on(play):
    contract = Contract(goal=GOAL, constraints=("Skip nothing.",)).text()
    limits = Limits(window=5_000, turns=30)
    async with play(assistant(*PAGES, DONE)) as stage:
        handle = await stage.start_agent(GOAL, constraints=("Skip nothing.",), limits=limits)
        outcome = await ended(handle)
        sent = bodies(stage)
        largest = max(read(entry.usage) for entry in stage.rehearsal.requests)
        [talk] = await stage.records.transcript(handle.id)
    assert (outcome.status, outcome.spend.turns) == ("complete", 13)
    assert 0 < sum(map(is_shortened, sent)) < len(sent)
    assert not is_shortened(sent[3])
    assert is_shortened(sent[-1])
    assert largest <= limits.window
    assert all(contract in body["messages"][0]["content"][0]["text"] for body in sent)
    assert [unpaired(body) for body in sent] == [[]] * len(sent)
    kept = [block for message in talk["messages"] for block in message["content"] if block["type"] == "tool_result"]
    assert [f"page {number} page" in str(block) for number, block in enumerate(kept)] == [True] * 12
    assert talk["cuts"]


async def test_the_summary_tells_of_every_call_what_came_of_it_and_what_a_person_said(play):
    turns = [call("break_down", place="Rome"), call("escalate_to_human", reason="No road."), *PAGES]
    async with play(assistant(*turns, DONE)) as stage:
        handle = await stage.start_agent(limits=Limits(window=5_000, turns=30))
        await stage.until_asked(handle)
        await decide(handle, "revise", "Take the boat.")
        outcome = await ended(handle)
        [summary] = summaries(bodies(stage)[-1])
    assert outcome.status == "complete"
    assert "- break_down (failed): RuntimeError: no road to Rome" in summary
    assert "- read_page (success): " in summary
    assert "- a person said: Vera answers: Take the boat." in summary


async def test_a_conversation_that_is_too_large_even_when_shortened_goes_to_a_person(play):
    async with play(assistant(*PAGES)) as stage:
        handle = await stage.start_agent(limits=Limits(window=1_500))
        reason = await halted(stage, handle)
    assert "does not fit its window" in reason
    assert "What has to stay is too large." in reason


async def test_a_window_that_is_full_in_the_middle_of_a_reply_is_made_room_in(play):
    async with play(assistant(*PAGES[:6], overflow(), DONE)) as stage:
        outcome = await stage.run_agent()
        shortened = [is_shortened(body) for body in bodies(stage)]
    assert outcome.status == "complete"
    assert shortened == [False] * 7 + [True]


async def test_a_prompt_that_the_endpoint_finds_too_long_is_shortened_and_sent_again(play):
    too_long = fail(400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum")
    async with play(assistant(*PAGES[:6], too_long, DONE)) as stage:
        outcome = await stage.run_agent()
        shortened = [is_shortened(body) for body in bodies(stage)]
    assert outcome.status == "complete"
    assert shortened == [False] * 7 + [True]


async def test_a_first_prompt_that_is_too_long_for_good_goes_to_a_person(play):
    too_long = fail(413, "request_too_large", "Request exceeds the maximum size")
    async with play(assistant(forever(too_long))) as stage:
        handle = await stage.start_agent()
        reason = await halted(stage, handle)
        failed_tasks = await count(handle, "WORKFLOW_TASK_FAILED")
        requests = len(bodies(stage))
    assert "does not fit its window" in reason
    assert (requests, failed_tasks) == (2, 0)
