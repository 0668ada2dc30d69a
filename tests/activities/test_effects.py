"""A side effect has a record before it happens, and one owner."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import update

from activities.database import Database, now
from activities.effects import EffectRow, Effects
from workflows.models import Scope

SCOPE = Scope(run="run-1", item="item-1")


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request, tmp_path):
    on_postgres = request.param == "postgresql"
    url = request.getfixturevalue("postgres_url") if on_postgres else f"sqlite:///{tmp_path}/effects.db"
    database = Database(url)
    database.prepare()
    yield database
    database.close()


@pytest.fixture
def effects(database):
    return Effects(database)


async def test_of_many_claims_one_is_fresh(effects):
    claims = await asyncio.gather(*(effects.claim("key", "publish", SCOPE, "d") for _ in range(10)))
    assert [claim.fresh for claim in claims].count(True) == 1
    assert {claim.status for claim in claims} == {"pending"}


async def test_what_is_done_stays_done(effects):
    await effects.claim("key", "publish", SCOPE, "d")
    await effects.finish("key", "done", "result")
    await effects.finish("key", "failed", "later")
    assert (await effects.find("key"))[1:] == ("done", "d", "result")


async def test_an_open_effect_is_taken_over_once_and_only_when_its_worker_must_be_gone(effects, database):
    await effects.claim("key", "publish", SCOPE, "d")
    assert not await effects.retake("key", timedelta(minutes=1))
    await database.run(lambda session: session.execute(update(EffectRow).values(updated_at=now() - timedelta(hours=1))))
    taken = await asyncio.gather(*(effects.retake("key", timedelta(minutes=1)) for _ in range(5)))
    assert taken.count(True) == 1
    await effects.finish("key", "done")
    assert not await effects.retake("key", timedelta())


async def test_the_open_effects_of_a_run_are_listed_for_a_person(effects):
    for key, status in (("a", "done"), ("b", "unknown"), ("c", "pending"), ("d", "failed")):
        await effects.claim(key, "publish", SCOPE, "d")
        if status != "pending":
            await effects.finish(key, status)
    assert await effects.open_effects("run-1") == ("b", "c")


async def test_an_effect_nobody_claimed_is_not_known(effects):
    assert await effects.find("nothing") is None
