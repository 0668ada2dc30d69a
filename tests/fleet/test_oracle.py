"""The oracle finds nothing in what a sound fleet leaves behind, and every fault that is planted in it."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from activities.catalog_rows import EntryRow
from rehearsal.journal import Entry
from tests.fleet.evidence import Evidence
from tests.fleet.load import Cast, load
from tests.fleet.oracle import RULES, figures, gather, judge, tally
from tests.fleet.planting import FAULTS, plant
from tests.fleet.reviewers import PEOPLE, deciding
from tests.scenarios.shoots import ended
from tests.scenarios.signing import DESK
from tests.scenarios.stage import staged

TENANTS = 2


class Left(NamedTuple):
    """What a small load left: the evidence, and the file of its books."""

    told: Evidence
    books: Path


@pytest.fixture(scope="module")
def left(temporal_server, tmp_path_factory):
    """Two shoots and an agent of one tenant, three greedy agents of another, done by a worker in this process."""
    return asyncio.run(_work(temporal_server, tmp_path_factory.mktemp("fleet") / "home"))


async def _work(server, home):
    caps = {"tenant_day_usd": "0.2", "fleet_day_usd": 2}
    async with staged(server, home, player := Cast(0, 1), settings=caps) as stage:
        player.calm = True
        started = await load(stage.world.assets, TENANTS, 3, ("", "asked", "refined"))
        async with deciding(stage.client, DESK, stage.queue):
            await asyncio.gather(*[ended(await each.begin(stage.client, stage.queue)) for each in started])
        orders = [each.ordered for each in started]
        place, bills = stage.world.settings.assets_url, stage.rehearsal.requests
        told = await gather(
            orders, stage.world.database, place, stage.client, stage.queue, bills, stage.world.settings.caps
        )
        await stage.world.database.scrub()  # so that the file alone is the database
    return Left(told, home / "callsheet.db")


def test_a_sound_fleet_leaves_nothing_to_find(left):
    assert judge(left.told) == []
    looked_at = figures(left.told)
    assert {name for name, count in looked_at.items() if not count} <= {"journal", "slow tasks"}
    assert (looked_at["orders"], looked_at["items"], looked_at["entries"]) == (6, 2, 2)
    deciders = {row.decided_by for row in left.told.of(EntryRow)}
    assert "gate" in deciders
    assert deciders & set(PEOPLE)


def test_every_planted_fault_is_found_and_every_rule_finds_one(left, tmp_path):
    missed, finders = [], set()
    for fault in FAULTS:
        told = plant(fault, left.told, left.books, tmp_path)
        rules = {rule for rule in RULES if any(fault.fits(finding) for finding in rule(told))}
        missed += [] if rules else [fault.name]
        finders |= rules
    assert missed == []
    assert [rule.__name__ for rule in RULES if rule not in finders] == []


def test_a_reply_whose_receiver_died_has_to_be_covered_by_what_its_attempt_held(left):
    lost = Entry(at=left.told.bills[0].at, request_id="req_lost", micro_usd=10, began=True)
    found = judge(replace(left.told, bills=(*left.told.bills, lost)))
    assert tally(found) == {"lost": 1, "doubled": 0, "over cap": 0, "broken": 0, "mixed": 0}
