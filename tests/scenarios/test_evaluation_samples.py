"""The samples that ship, to the end: every planted problem is caught, and none is raised on the clean ones."""

from console.vacancies import Filed
from rehearsal.roles import Roles
from tests.evaluation.writing import SAMPLES
from tests.scenarios.shoots import until
from tests.scenarios.vacancies import decide, ended, kinds, shown, start
from workflows.models.hiring import EvaluationOrder

PLANTED = {
    "c-01": set(),
    "c-02": set(),
    "c-03": set(),
    "c-04": {"hidden_text", "instructions"},
    "c-05": {"invented_quote"},
    "c-06": {"missing_must_have"},
    "c-07": set(),
    "p-01": set(),
    "p-02": {"disagreement"},
    "p-03": {"contradiction"},
    "p-04": {"hidden_text", "instructions"},
    "p-05": set(),
    "p-06": {"unreadable"},
    "p-07": set(),
}
STANDINGS = {
    **dict.fromkeys(PLANTED, "meets"),
    "c-03": "below",
    **dict.fromkeys(("c-05", "c-06", "p-02", "p-03", "p-06"), "open"),
}


async def scored(stage, run, key):
    """Note a first view if one is asked for, then read what is shown."""
    if (await shown(stage, run, key)).evaluation is None:
        await decide(stage, run, key, note="Read.")

        async def evaluated():
            return (await shown(stage, run, key)).evaluation is not None

        await until(evaluated)
    return await shown(stage, run, key)


async def test_every_planted_problem_is_caught_and_none_is_raised_on_the_clean_ones(play):
    found, standings = {}, {}
    async with play(Roles()) as stage:
        filed = [Filed(path.parent) for path in sorted(SAMPLES.glob("*/vacancy.yaml"))]
        runs = [await start(stage, EvaluationOrder(docket=await each.hand_in(stage.world.assets))) for each in filed]
        for each, run in zip(filed, runs, strict=True):
            for applicant in each.vacancy.candidates:
                state = await scored(stage, run, applicant.key)
                found[applicant.key] = set(kinds(state))
                standings[applicant.key] = state.evaluation.standing
                await decide(stage, run, applicant.key)
            assert (await ended(run)).counts == {"decided": len(each.vacancy.candidates)}
    assert found == PLANTED
    assert standings == STANDINGS
