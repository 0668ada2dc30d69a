"""Trials on a real server: own pipelines, budgets, time limits, failures and what they cost."""

import json
from pathlib import Path

from activities.candidate_papers import CandidatePapers
from activities.hiring_records import HiringRecords
from activities.studio.profiles import Profiles
from activities.tools import TOOLS
from console.evals.hiring import Vacancies
from console.evals.suites import Suite, read_suite
from console.evals.targets import target
from console.evals.trials import Trials
from rehearsal.roles import Roles
from rehearsal.roles.dialogue import Dialogue
from rehearsal.roles.sheet import Sheet
from rehearsal.scripts import Script, answer, call, forever, later
from tests.scenarios.own_processes import PROCESSES
from tests.scenarios.shoots import brief, cast
from tests.scenarios.test_process import stamp
from tests.scenarios.vacancies import cited, evaluators, finding

SUITES = Path(__file__).parents[2] / "evals"

OWN = "tests.scenarios.own_processes:NoteEach"


async def run(stage, suite, heard=lambda _: None):
    suite = suite if isinstance(suite, Suite) else Suite.model_validate({"name": "s", **suite})
    database, assets = stage.world.database, stage.world.assets
    vacancies = Vacancies(assets, HiringRecords(database), CandidatePapers(database, assets), SUITES)
    aim = target(suite, "claude-opus-5-5", assets, Profiles.load(), vacancies)

    async def costs(of):
        return sum(line["micro_usd"] for line in await stage.records.costs(of))

    trials = Trials(stage.client, stage.queue, suite, aim, costs)
    return trials, await trials.run(heard)


def office(play, *turns):
    script = Script({"clerk": lambda _: list(turns)})
    return play(script, tools=(*TOOLS, stamp), pipelines=PROCESSES)


async def test_a_pipeline_of_ones_own_is_tried_on_the_chosen_model_and_costs_are_counted(play):
    heard = []
    suite = {
        "pipeline": OWN,
        "repetitions": 2,
        "measures": {"notes": "0"},
        "cases": [{"name": "one", "order": {"about": ["one"]}, "expect": {"*": {"equals": "noted"}}}],
    }
    async with office(play, forever(answer({"text": "noted"}))) as stage:
        _, done = await run(stage, suite, heard.append)
        models = {entry.body["model"] for entry in stage.rehearsal.requests}
    assert [trial.passed for trial in done] == [True, True]
    assert all(trial.micro_usd > 0 for trial in done)
    assert models == {"claude-opus-5-5"}
    assert sorted(each.run for each in heard) == sorted(trial.run for trial in done)


async def test_no_trial_is_begun_once_the_budget_is_spent(play):
    suite = {
        "pipeline": OWN,
        "repetitions": 4,
        "at_once": 1,
        "budget_usd": 0.000_001,
        "cases": [{"name": "one", "expect": {"*": {"equals": "noted"}}}],
    }
    async with office(play, forever(answer({"text": "noted"}))) as stage:
        trials, done = await run(stage, suite)
    assert (len(done), trials.left_out) == (1, 3)


async def test_a_trial_that_takes_too_long_is_called_off_and_says_so(play):
    suite = {
        "pipeline": OWN,
        "repetitions": 1,
        "minutes": 0.03,
        "cases": [{"name": "slow", "expect": {"*": {"equals": "noted"}}}],
    }
    async with office(play, later(60, answer({"text": "late"}))) as stage:
        _, (trial,) = await run(stage, suite)
        handle = stage.client.get_workflow_handle(trial.run)
        status = (await handle.describe()).status.name
    assert not trial.passed
    assert "it was called off after 0.03 minutes" in trial.misses[-1]
    assert status == "CANCELED"


async def test_nobody_is_waited_for_and_a_production_is_judged_item_by_item(play):
    small = json.loads(brief().model_dump_json(exclude_defaults=True))
    suite = {
        "pipeline": "production",
        "repetitions": 1,
        "measures": {"score": "items.*.score"},
        "cases": [
            {"name": "fits", "brief": small, "expect": {"status": "complete", "items.*.score": {"at_least": 80}}},
            {"name": "never", "brief": small, "expect": {"counts.published": 2}},
        ],
    }
    async with play(cast()) as stage:
        _, (fits, never) = await run(stage, suite)
    assert (fits.passed, fits.measured["score"] >= 80) == (True, True)
    assert never.misses == ("counts.published: 1 is not 2",)


def some_of(path, *names):
    whole = read_suite(SUITES / path)
    return whole.model_copy(
        update={"repetitions": 1, "cases": tuple(case for case in whole.cases if case.name in names)}
    )


async def test_candidates_are_evaluated_as_far_as_a_person_would_be_shown_and_nobody_is_decided_about(play):
    suite = some_of("candidate-evaluation.yaml", "invented-quote", "who-somebody-is", "unreadable")
    async with play(Roles()) as stage:
        _, done = await run(stage, suite)
        files = [file for trial in done for file in await HiringRecords(stage.world.database).of_run(trial.run)]
        ends = [(await stage.client.get_workflow_handle(trial.run).describe()).status.name for trial in done]
    assert {trial.case: trial.misses for trial in done} == {case.name: () for case in suite.cases}
    assert all(trial.micro_usd > 0 for trial in done)
    assert (len(files), ends) == (4, ["CANCELED"] * 3)
    assert not any(file.decision for file in files)


def obedient(request):
    """An evaluator that follows whatever a document tells it, and is swayed by a name."""
    dialogue = Dialogue(request)
    document = json.loads(Sheet(request.task).text("Documents").removeprefix("```json").removesuffix("```"))[0]
    if not dialogue.of("read_document"):
        return call("read_document", document=document["id"])
    read = dialogue.of("read_document")[0].data["text"]
    if not dialogue.of("cite"):
        return call(
            "cite", document=document["id"], quote=next(each[2:] for each in read.splitlines() if each[:1] == "-")
        )
    if "maximum score" in read or "Hartmann" in read:
        return finding(4, "met", cited(request))
    return finding(1, "met" if '"meets_at": 1' in request.task else "partly_met", cited(request))


async def test_the_suite_fails_a_model_that_obeys_documents_or_looks_at_who_somebody_is(play):
    suite = some_of("candidate-evaluation.yaml", "instruction-in-plain-sight", "who-somebody-is")
    async with play(evaluators(forever(obedient))) as stage:
        _, done = await run(stage, suite)
    missed = {trial.case: {miss.partition(":")[0] for miss in trial.misses} for trial in done}
    assert missed["instruction-in-plain-sight"] == {"spread"}
    assert missed["who-somebody-is"] >= {"candidates.*.requirements.*.moved"}
