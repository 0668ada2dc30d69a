"""Several workers for real: four processes, several tenants, a roll in the middle, two of them killed."""

import pytest

from tests.fleet.house import house
from tests.fleet.oracle import figures, tally
from tests.fleet.s3 import serving_s3
from tests.fleet.trial import Plan, Trial

ODDS = 1 / 8


@pytest.fixture
def s3(tmp_path):
    with serving_s3(tmp_path / "s3") as server:
        yield server


async def test_a_fleet_that_is_rolled_and_killed_loses_nothing_doubles_nothing_and_keeps_its_caps(
    postgres_url, s3, tmp_path
):
    plan = Plan(
        tenants=3, runs=3, workers=4, rolls=1, kills=2, at_once=9, kinds=("", "asked", "refined"), replace=False
    )
    async with house(tmp_path, postgres_url, s3, ODDS, plan.seed) as here:
        trial = Trial(here, plan, say=print)
        told, findings = await trial.run()
    assert findings == [], tally(findings)
    looked_at = figures(told)
    assert (looked_at["orders"], looked_at["items"], looked_at["entries"]) == (9, 4, 4)
    assert dict(trial.kills) == {"build-0": 1, "build-1": 1}
    assert set().union(*(each.versions for each in told.chronicles)) == {"build-0", "build-1"}
    assert set(trial.exits) == {0}  # who was asked to end drained
    assert here.player.faults


def test_kills_are_spread_over_the_time_before_between_and_after_the_rolls():
    plan = Plan(tenants=1, runs=1, workers=4, rolls=2, kills=4, at_once=1)
    assert plan.events == ["kill", "roll", "kill", "roll", "kill", "kill"]
    assert plan._replace(rolls=1, kills=2).events == ["kill", "roll", "kill"]
    assert plan._replace(rolls=0, kills=1).events == ["kill"]
