"""The drift judge: now and then somebody with fresh eyes looks whether an agent still does what was ordered."""

from rehearsal.scripts import Script, answer, call, fail, forever
from tests.scenarios.agents import DONE, count, decide, ended, last_words
from workflows.models import Contract, Limits

GOAL, CONSTRAINTS = "Photograph the linen dress.", ("Show it from the front.",)
CONTRACT = Contract(goal=GOAL, constraints=CONSTRAINTS).text()
EVERY_SECOND = Limits(judge_every=2, turns=30)
STEPS = [call("write_line", line=f"step {number}") for number in range(12)]
TOLD = "Somebody looked at your last turns."


def finds(score, reasoning):
    """What a judge answers; below 50 the work has left its contract."""
    finding = {"evidence": ["step"], "reasoning": reasoning, "score": score, "drifts": score < 50}
    return answer(finding)


ON_COURSE = finds(90, "It photographs the dress.")
OFF_COURSE = finds(20, "It writes poems.")


class Judged:
    """Plays an agent, and the judge, who answers one look after the other: each is a conversation of its own."""

    def __init__(self, looks, *turns):
        self.cases = []
        self._looks = looks
        self.script = Script({"assistant": list(turns), "judge": [forever(self._look)]})

    def _look(self, request):
        self.cases.append(request)
        return self._looks[len(self.cases) - 1]


def turns_in(stage):
    """The requests for the agent's own turns."""
    return [entry.body for entry in stage.rehearsal.requests if entry.agent == "assistant"]


def nudged(stage):
    """In which turns the agent was told that it drifts."""
    every = enumerate(turns_in(stage), start=1)
    return [number for number, body in every if any(TOLD in text for text in last_words(body))]


async def start(stage, **order):
    return await stage.start_agent(GOAL, constraints=CONSTRAINTS, **{"limits": EVERY_SECOND, **order})


async def test_every_second_turn_a_judge_sees_the_contract_and_the_last_turns_and_nothing_else(play):
    agent = Judged([ON_COURSE] * 3, *STEPS[:6], DONE)
    async with play(agent.script) as stage:
        handle = await start(stage)
        outcome = await ended(handle)
        told = nudged(stage)
        asked = [entry.body for entry in stage.rehearsal.requests if entry.agent == "judge"]
    assert (outcome.status, outcome.spend.turns, told) == ("complete", 7, [])
    assert [(case.tools, len(case.messages)) for case in agent.cases] == [((), 1)] * 3
    assert all(CONTRACT in case.task for case in agent.cases)
    shown = [[number for number in range(6) if f"step {number}" in case.task] for case in agent.cases]
    assert shown == [[0, 1], [2, 3], [4, 5]]
    assert [{"tools", "cache_control"} & body.keys() for body in asked] == [set()] * 3


async def test_an_agent_that_drifts_once_is_told_why_and_comes_back_by_itself(play):
    agent = Judged([OFF_COURSE, ON_COURSE, OFF_COURSE, ON_COURSE], *STEPS[:8], DONE)
    async with play(agent.script) as stage:
        outcome = await ended(await start(stage))
        told, said = nudged(stage), last_words(turns_in(stage)[2])
    assert (outcome.status, outcome.spend.turns, told) == ("complete", 9, [3, 7])
    assert said == [f"{TOLD} It writes poems. Keep to the contract."]


async def test_two_looks_in_a_row_that_find_drift_ask_a_person_and_the_run_goes_on_with_the_answer(play):
    agent = Judged([ON_COURSE, OFF_COURSE, OFF_COURSE, ON_COURSE], *STEPS[:8], DONE)
    async with play(agent.script) as stage:
        handle = await start(stage)
        question = await stage.until_asked(handle)
        written, told = len(stage.notebook.lines), nudged(stage)
        kinds = [(entry["turn"], entry["data"].get("kind")) for entry in await stage.records.entries(handle.id)]
        await decide(handle, "revise", "Poems are fine. Then the dress.")
        outcome = await ended(handle)
        said, failed_tasks = last_words(turns_in(stage)[6]), await count(handle, "WORKFLOW_TASK_FAILED")
    assert (written, told) == (6, [5])
    assert "Two looks in a row found the work away from its contract, the last one after turn 6" in question["reason"]
    assert [turn for turn, kind in kinds if kind == "drift"] == [2, 4, 6]
    assert (outcome.status, outcome.spend.turns, failed_tasks) == ("complete", 9, 0)
    assert "Vera answers: Poems are fine. Then the dress." in said


async def test_a_person_may_end_what_drifted(play):
    agent = Judged([OFF_COURSE, OFF_COURSE], *STEPS)
    async with play(agent.script) as stage:
        handle = await start(stage)
        await stage.until_asked(handle)
        await decide(handle, "reject", "That is no dress.")
        outcome = await ended(handle)
        bill = stage.rehearsal.bill
    assert (outcome.status, outcome.reason, outcome.spend.turns) == ("failed", "That is no dress.", 4)
    assert outcome.spend.micro_usd == bill


async def test_a_judge_that_cannot_be_asked_or_says_nothing_useful_never_stops_the_run(play):
    down, mute = fail(500).turn, finds(101, "More than all of it.")
    contradicts = answer({"evidence": [], "reasoning": "?", "score": 90, "drifts": True})
    agent = Judged([down, mute, contradicts, down], *STEPS[:8], DONE)
    async with play(agent.script) as stage:
        handle = await start(stage)
        outcome = await ended(handle)
        told, bill = nudged(stage), stage.rehearsal.bill
        entries = await stage.records.entries(handle.id)
    looks = [entry["data"] for entry in entries if entry["data"].get("kind") == "drift"]
    assert (outcome.status, outcome.spend.turns, told) == ("complete", 9, [])
    assert ["not judged" in look["reason"] for look in looks] == [True, True, False, True]
    assert outcome.spend.micro_usd == bill


async def test_what_the_judge_costs_is_charged_to_the_run_it_looks_at(play):
    agent = Judged([ON_COURSE] * 3, *STEPS[:6], DONE)
    async with play(agent.script) as stage:
        handle = await start(stage)
        outcome = await ended(handle)
        judges = [entry.micro_usd for entry in stage.rehearsal.requests if entry.agent == "judge"]
        [line], bill = await stage.records.costs(handle.id), stage.rehearsal.bill
        told = [entry["data"] for entry in await stage.records.entries(handle.id) if entry["action"] == "llm_call"]
        paid = [round(data["cost_usd"] * 1_000_000) for data in told if data.get("kind") == "judge"]
    assert (len(judges), all(judges), paid) == (3, True, judges)
    assert outcome.spend.micro_usd == line["micro_usd"] == bill
    assert line["calls"] == 7 + 3


async def test_an_agent_that_nobody_wants_judged_is_not_judged(play):
    agent = Judged([], *STEPS[:6], DONE)
    async with play(agent.script) as stage:
        outcome = await ended(await start(stage, limits=Limits()))
    assert (outcome.status, agent.cases) == ("complete", [])
