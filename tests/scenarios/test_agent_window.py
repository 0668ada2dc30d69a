"""An agent whose conversation fills its window: it is shortened, and what was ordered stays word for word."""

from dataclasses import replace

import pytest

from rehearsal.cards import CARDS
from rehearsal.scripts import Script, call, compacts, fail, forever, overflow, say, think
from tests.scenarios.agents import DONE, assistant, bodies, count, decide, ended, halted
from workflows.models import Contract, Limits

GOAL = "Read every page; keep   the spaces,\nthe line break and the “quotes”."
CONSTRAINTS = ("Skip nothing.",)
CONTRACT = Contract(goal=GOAL, constraints=CONSTRAINTS).text()
PAGES = [think(f"On to page {number}.", call("read_page", place=f"page {number}")) for number in range(16)]
WINDOW = Limits(window=5_000, turns=40)
UNSIGNED = [replace(card, compaction=False) for card in CARDS]
WAYS = ("signed", "own", "plain")


class Reader:
    """Plays a script, and `words` where the agent's model is asked for a summary in words."""

    def __init__(self, words, *turns, compaction=None):
        self._words = words
        self._script = Script({"assistant": list(turns)}, compaction=compaction)

    def reply(self, request):
        return self._words if asks_for_words(request.body) else self._script.reply(request)

    def compact(self, request):
        return self._script.compact(request)


def stage_for(way, play, *turns):
    """Set a stage on which conversations are shortened in one way: the ways before it do not work."""
    if way == "signed":
        return play(Reader(fail(500).turn, *turns))
    if way == "own":
        return play(Reader(say("All pages so far are read."), *turns), cards=UNSIGNED)
    return play(Reader(fail(500).turn, *turns, compaction=[forever(fail(500))]))


def asks_for_words(body):
    """Tell whether a request asks for a summary in words."""
    return "about to be shortened" in body["messages"][-1]["content"][-1].get("text", "")


def is_turn(body):
    """Tell whether a request asks for the agent's next turn, and not for a summary."""
    return "compaction" not in body and not asks_for_words(body)


def way_of(body):
    """How the conversation that the model reads was shortened, if it was."""
    first, *rest = (block for message in body["messages"][:2] for block in message["content"])
    if first["type"] == "compaction":
        return "signed"
    told = [block["text"] for block in rest if block.get("text", "").startswith("## Earlier in this conversation")]
    assert len(told) < 2
    return {True: "own", False: "plain"}["a summary that was written" in told[0]] if told else ""


def order_in(body):
    """What the first message of the user says: the order, which stands first or behind a signed summary."""
    user = next(message for message in body["messages"] if message["role"] == "user")
    return "\n".join(block["text"] for block in user["content"] if block["type"] == "text")


def unpaired(body):
    """Calls and results of a request that do not stand in pairs, in neighbouring messages."""
    broken, asked = [], []
    for message in body["messages"]:
        given = [block["tool_use_id"] for block in message["content"] if block["type"] == "tool_result"]
        if given != asked:
            broken.append((asked, given))
        asked = [block["id"] for block in message["content"] if block["type"] == "tool_use"]
    return [*broken, asked] if asked else broken


def read(entry):
    """All tokens that the model read for one reply; those of a summary are told in the iterations only."""
    names = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    parts = (entry.usage.get("iterations") or [entry.usage]) if entry.usage else []
    return sum(part[name] for part in parts for name in names)


def thoughts(body):
    """How much thinking goes back to the model."""
    return sum(block["type"] == "thinking" for message in body["messages"] for block in message["content"])


def pages_in(talk):
    """The pages that were read, as the transcript has them."""
    blocks = [block for message in talk["messages"] for block in message["content"]]
    texts = [str(block["content"]) for block in blocks if block["type"] == "tool_result"]
    return [number for number, text in enumerate(texts) if f"page {number} page {number}" in text]


async def summaries_paid(stage, handle):
    """What the summaries cost, each on its own, in micro-dollars."""
    told = [entry["data"] for entry in await stage.records.entries(handle.id) if entry["action"] == "llm_call"]
    return [round(data["cost_usd"] * 1_000_000) for data in told if data.get("kind") == "compaction"]


@pytest.mark.parametrize("way", WAYS)
async def test_past_three_quarters_of_its_window_a_conversation_is_shortened_and_goes_on(play, way):
    async with stage_for(way, play, *PAGES, DONE) as stage:
        handle = await stage.start_agent(GOAL, constraints=CONSTRAINTS, limits=WINDOW)
        outcome = await ended(handle)
        sent, largest = bodies(stage), max(map(read, stage.rehearsal.requests))
        [talk] = await stage.records.transcript(handle.id)
    turns = [body for body in sent if is_turn(body)]
    ways = [way_of(body) for body in turns]
    assert (outcome.status, outcome.spend.turns) == ("complete", 17)
    assert (ways[3], ways[-1], set(ways)) == ("", way, {"", way})
    assert largest <= WINDOW.window
    assert [CONTRACT in order_in(body) for body in sent] == [True] * len(sent)
    assert [unpaired(body) for body in sent] == [[]] * len(sent)
    assert pages_in(talk) == list(range(16))
    assert len(talk["cuts"]) > 1
    assert thoughts(turns[ways.index(way)]) == (1 if way == "signed" else 0)


@pytest.mark.parametrize("way", WAYS)
async def test_a_summary_is_charged_to_its_run_and_leaves_history_small(play, way):
    async with stage_for(way, play, *PAGES[:12], DONE) as stage:
        handle = await stage.start_agent(GOAL, limits=WINDOW)
        outcome = await ended(handle)
        paid, bill, requests = await summaries_paid(stage, handle), stage.rehearsal.bill, len(bodies(stage))
        [line], [talk] = await stage.records.costs(handle.id), await stage.records.transcript(handle.id)
        history = sum([event.ByteSize() async for event in handle.fetch_history_events()])
    assert (line["micro_usd"], line["unknown"]) == (bill, 0)
    assert (outcome.spend.micro_usd, line["calls"]) == (bill, requests)
    assert (len(paid), all(paid)) == (0 if way == "plain" else len(talk["cuts"]), True)
    assert len(talk["cuts"]) > 0
    assert history < 13 * 3_000


@pytest.mark.parametrize("way", WAYS)
async def test_what_a_person_said_is_kept_word_for_word_whoever_writes_the_summary(play, way):
    turns = [call("break_down", place="Rome"), call("escalate_to_human", reason="No road."), *PAGES[:9]]
    async with stage_for(way, play, *turns, DONE) as stage:
        handle = await stage.start_agent(limits=WINDOW)
        await stage.until_asked(handle)
        await decide(handle, "revise", "Take the boat.")
        outcome = await ended(handle)
        last = bodies(stage)[-1]
        opening = str(last["messages"][:3])
    assert (outcome.status, way_of(last)) == ("complete", way)
    assert "turn 3 - a person said: Vera answers: Take the boat." in opening


async def test_a_summary_without_a_model_tells_of_every_call_and_what_came_of_it(play):
    async with stage_for("plain", play, call("break_down", place="Rome"), *PAGES[:9], DONE) as stage:
        outcome = await stage.run_agent(limits=WINDOW)
        opening = order_in({"messages": bodies(stage)[-1]["messages"][1:2]})
    assert outcome.status == "complete"
    assert "- break_down (failed): RuntimeError: no road to Rome" in opening
    told = [number for number in range(9) if f'- read_page (success): {{"page":"page {number} page' in opening]
    assert told == [0, 1, 2, 3, 4]


async def test_a_summary_that_says_nothing_is_paid_for_and_the_next_way_is_taken(play):
    async with play(
        Reader(say("All pages so far are read."), *PAGES[:9], DONE, compaction=[forever(compacts(None))])
    ) as stage:
        handle = await stage.start_agent(limits=WINDOW)
        outcome = await ended(handle)
        paid, last = await summaries_paid(stage, handle), bodies(stage)[-1]
        bill = stage.rehearsal.bill
    assert (outcome.status, way_of(last), outcome.spend.micro_usd) == ("complete", "own", bill)
    assert (len(paid), all(paid)) == (2, True)


@pytest.mark.parametrize(("window", "summaries"), [(1_500, 2), (1_200, 0)])
async def test_a_conversation_that_is_too_large_even_when_shortened_goes_to_a_person(play, window, summaries):
    async with play(Reader(fail(500).turn, *PAGES)) as stage:
        handle = await stage.start_agent(limits=Limits(window=window))
        reason = await halted(stage, handle)
        asked = [body for body in bodies(stage) if not is_turn(body)]
        bill, outcome = stage.rehearsal.bill, await handle.result()
    assert "does not fit its window after" in reason
    assert "What has to stay is too large." in reason
    assert len(asked) == summaries  # none is paid for where none could help
    assert outcome.spend.micro_usd == bill


async def test_a_task_that_is_too_large_from_the_start_goes_to_a_person_before_any_request(play):
    async with play(assistant(DONE)) as stage:
        handle = await stage.start_agent("Read on. " * 400, limits=Limits(window=1_500))
        reason = await halted(stage, handle)
        outcome = await handle.result()
        requests, failed_tasks = len(bodies(stage)), await count(handle, "WORKFLOW_TASK_FAILED")
    assert "does not fit its window from the start" in reason
    assert (requests, outcome.spend.micro_usd, failed_tasks) == (0, 0, 0)


TOO_LONG = fail(400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum")


@pytest.mark.parametrize("way", ["signed", "plain"])
@pytest.mark.parametrize("full", [overflow(), TOO_LONG], ids=["in mid-reply", "before it"])
async def test_a_window_that_the_endpoint_finds_full_is_made_room_in(play, full, way):
    async with stage_for(way, play, *PAGES[:6], full, DONE) as stage:
        outcome = await stage.run_agent()
        sent, bill = [way_of(body) for body in bodies(stage) if is_turn(body)], stage.rehearsal.bill
    assert (outcome.status, outcome.spend.micro_usd) == ("complete", bill)
    assert sent == [""] * 7 + [way]


async def test_a_first_prompt_that_is_too_long_for_good_goes_to_a_person(play):
    too_long = fail(413, "request_too_large", "Request exceeds the maximum size")
    async with play(assistant(forever(too_long))) as stage:
        handle = await stage.start_agent()
        reason = await halted(stage, handle)
        failed_tasks = await count(handle, "WORKFLOW_TASK_FAILED")
        requests = len(bodies(stage))
    assert "does not fit its window" in reason
    assert (requests, failed_tasks) == (2, 0)
