"""Another model in the place of one that refuses, or that is not to be had; the conversation stays with it."""

from dataclasses import replace

from rehearsal.scripts import Script, answer, call, fail, forever, refuse, say, think
from tests.scenarios.agents import DONE, bodies, count, decide, ended, halted
from workflows.models import Limits

FIRST, SECOND, THIRD = "claude-sonnet-5-5", "claude-opus-5-5", "claude-sonnet-4-6"
STEPS = [think(f"Step {number} is next.", call("write_line", line=f"step {number}")) for number in range(6)]
REFUSAL = replace(refuse("cyber", "No."), usage={"output_tokens": 7})
GOOD = {"evidence": ["a page"], "reasoning": "It reads.", "score": 90, "drifts": False}
DOWN = fail(529, "overloaded_error", retry_after=0.01).turn


def models(stage):
    """The models that were asked, in order."""
    return [body["model"] for body in bodies(stage)]


def by_model(**of):
    """A script that looks at which model is asked: the turns of each, by its line and version."""
    taken = {}

    def turn(request):
        number = taken[request.model] = taken.get(request.model, 0) + 1
        turns = of[request.model.removeprefix("claude-").replace("-", "_")]
        return turns[min(number, len(turns)) - 1]

    return Script({"assistant": [forever(turn)], "judge": [forever(answer(GOOD))]})


def thinking_in(body):
    """Which messages of a request hold thinking."""
    return [
        number
        for number, message in enumerate(body["messages"])
        if any(block["type"] == "thinking" for block in message["content"])
    ]


async def bill_by_model(stage, handle):
    """What each model cost: as the records have it, and as the endpoint does."""
    lines = {line["model"]: (line["micro_usd"], line["calls"]) for line in await stage.records.costs(handle.id)}
    asked = {}
    for entry in stage.rehearsal.requests:
        cost, calls = asked.get(entry.body["model"], (0, 0))
        asked[entry.body["model"]] = (cost + (entry.micro_usd or 0), calls + 1)
    return lines, asked


async def test_where_a_model_refuses_the_next_one_answers_and_keeps_the_conversation(play):
    script = by_model(sonnet_5_5=[*STEPS[:2], REFUSAL], opus_5_5=[*STEPS[2:5], DONE])
    async with play(script) as stage:
        handle = await stage.start_agent(fallbacks=(SECOND,))
        outcome = await ended(handle)
        sent, asked, written = bodies(stage), models(stage), stage.notebook.lines
        lines, billed = await bill_by_model(stage, handle)
        bill, failed_tasks = stage.rehearsal.bill, await count(handle, "WORKFLOW_TASK_FAILED")
        [talk] = await stage.records.transcript(handle.id)
    assert asked == [FIRST] * 3 + [SECOND] * 4
    assert (outcome.status, failed_tasks) == ("complete", 0)
    assert written == [f"step {number}" for number in range(5)]
    assert "No." in str(talk["messages"])
    assert "No." not in str([body["messages"] for body in sent])
    assert lines == billed
    assert sum(cost for cost, _ in lines.values()) == outcome.spend.micro_usd == bill


async def test_thoughts_of_the_first_model_are_never_shown_to_the_other_and_its_own_come_back(play):
    script = by_model(sonnet_5_5=[*STEPS[:2], REFUSAL], opus_5_5=[*STEPS[2:5], DONE])
    async with play(script) as stage:
        outcome = await stage.run_agent(fallbacks=(SECOND,))
        sent = bodies(stage)
    assert outcome.status == "complete"
    assert [thinking_in(body) for body in sent[:3]] == [[], [1], [1, 3]]
    assert [thinking_in(body) for body in sent[3:]] == [[], [5], [5, 7], [5, 7, 9]]
    assert sent[3]["messages"][0] == sent[0]["messages"][0]
    assert [body["system"] for body in sent] == [sent[0]["system"]] * len(sent)


async def test_an_endpoint_that_is_down_for_one_model_only_is_not_waited_for(play):
    script = by_model(sonnet_5_5=[STEPS[0], DOWN], opus_5_5=[STEPS[1], DONE])
    async with play(script) as stage:
        handle = await stage.start_agent(fallbacks=(SECOND,))
        outcome = await ended(handle)
        asked, written = models(stage), stage.notebook.lines
        lines, billed = await bill_by_model(stage, handle)
    assert (outcome.status, written) == ("complete", ["step 0", "step 1"])
    assert asked == [FIRST] * 5 + [SECOND] * 2  # four tries, because most hiccups pass
    assert lines == billed
    assert sum(cost for cost, _ in lines.values()) == outcome.spend.micro_usd


async def test_a_model_that_wants_to_be_left_alone_for_long_gives_way_at_once(play):
    away = fail(429, "rate_limit_error", retry_after=3_000).turn
    async with play(by_model(sonnet_5_5=[STEPS[0], away], opus_5_5=[STEPS[1], DONE])) as stage:
        outcome = await stage.run_agent(fallbacks=(SECOND,))
        asked, written = models(stage), stage.notebook.lines
    assert (outcome.status, written) == ("complete", ["step 0", "step 1"])
    assert asked == [FIRST] * 2 + [SECOND] * 2


async def test_a_chain_of_two_is_followed_to_its_end_one_step_for_each_refusal(play):
    script = by_model(sonnet_5_5=[STEPS[0], REFUSAL], opus_5_5=[STEPS[1], REFUSAL], sonnet_4_6=[STEPS[2], DONE])
    async with play(script) as stage:
        handle = await stage.start_agent(fallbacks=(SECOND, THIRD))
        outcome = await ended(handle)
        asked, written = models(stage), stage.notebook.lines
        lines, billed = await bill_by_model(stage, handle)
    assert (outcome.status, written) == ("complete", ["step 0", "step 1", "step 2"])
    assert asked == [FIRST] * 2 + [SECOND] * 2 + [THIRD] * 2
    assert lines == billed
    assert sum(cost for cost, _ in lines.values()) == outcome.spend.micro_usd


async def test_a_fallback_without_a_known_price_is_rejected_before_any_call_of_it(play):
    async with play(by_model(sonnet_5_5=[REFUSAL, DONE])) as stage:
        reason = await halted(stage, await stage.start_agent(fallbacks=("claude-nobody-9",)))
        asked = models(stage)
    assert "no price is known for the model claude-nobody-9" in reason
    assert asked == [FIRST]


async def test_where_the_last_of_the_chain_refuses_as_well_a_person_is_asked_and_it_stays_with_it(play):
    script = by_model(sonnet_5_5=[REFUSAL], opus_5_5=[refuse("cyber", "Never."), DONE])
    async with play(script) as stage:
        handle = await stage.start_agent(fallbacks=(SECOND,))
        question = await stage.until_asked(handle)
        await decide(handle, "revise", "It is only a dress.")
        outcome = await ended(handle)
        asked = models(stage)
    assert "The model refused to answer" in question["reason"]
    assert "Never." in question["reason"]
    assert (outcome.status, asked) == ("complete", [FIRST, SECOND, SECOND])


async def test_a_refusal_before_anything_was_said_is_answered_by_the_next_model(play):
    async with play(by_model(sonnet_5_5=[REFUSAL], opus_5_5=[say("not yet"), DONE])) as stage:
        outcome = await stage.run_agent(fallbacks=(SECOND,))
        roles = [[message["role"] for message in body["messages"]] for body in bodies(stage)]
    assert outcome.status == "complete"
    assert roles == [["user"], ["user"], ["user", "assistant", "user"]]


async def test_a_conversation_that_fell_back_is_shortened_and_judged_by_the_model_that_it_stays_with(play):
    pages = [think(f"On to page {number}.", call("read_page", place=f"page {number}")) for number in range(9)]
    script = by_model(sonnet_5_5=[pages[0], REFUSAL], opus_5_5=[*pages[1:], DONE])
    async with play(script) as stage:
        handle = await stage.start_agent(fallbacks=(SECOND,), limits=Limits(window=5_000, turns=30, judge_every=4))
        outcome = await ended(handle)
        summaries = [body["model"] for body in bodies(stage) if "compaction" in body]
        judges = [entry.body["model"] for entry in stage.rehearsal.requests if entry.agent == "judge"]
        asked, bill = models(stage), stage.rehearsal.bill
        lines, billed = await bill_by_model(stage, handle)
    assert (outcome.status, outcome.spend.micro_usd) == ("complete", bill)
    assert (asked[:3], set(asked[2:])) == ([FIRST, FIRST, SECOND], {SECOND})
    assert (set(summaries), set(judges)) == ({SECOND}, {SECOND})
    assert lines == billed


async def test_a_model_that_is_gone_for_good_gives_way_to_the_next(play):
    gone = fail(404, "not_found_error", "model: claude-sonnet-5-5").turn
    async with play(by_model(sonnet_5_5=[gone], opus_5_5=[STEPS[0], DONE])) as stage:
        outcome = await stage.run_agent(fallbacks=(SECOND,))
        asked, written = models(stage), stage.notebook.lines
    assert (outcome.status, written) == ("complete", ["step 0"])
    assert asked == [FIRST, SECOND, SECOND]
