"""Sessions: the house keeps only the digest of what a browser holds, and each ends in its time."""

from datetime import timedelta

import pytest

from activities.database import Database
from activities.desk_tables import SessionRow
from desk.sessions import Sessions
from workflows.models import Identity

INES = Identity(name="Ines Calder", role="reviewer")
HOUR = timedelta(hours=1)


@pytest.fixture
def database(tmp_path):
    found = Database(f"sqlite:///{tmp_path / 'callsheet.db'}")
    found.prepare()
    yield found
    found.close()


async def test_a_session_is_found_by_its_secret_which_is_not_kept(database):
    sessions = Sessions(database, HOUR, HOUR)
    secret, session = await sessions.open(INES)
    assert (await sessions.find(secret)).person == INES
    assert await sessions.find(secret + "x") is None
    assert await sessions.find("") is None
    assert await sessions.find(session.digest) is None
    with database.transaction() as transaction:
        assert secret not in str([row.__dict__ for row in transaction.query(SessionRow)])


@pytest.mark.parametrize(("lifetime", "idle"), [(timedelta(0), HOUR), (HOUR, timedelta(0))])
async def test_a_session_ends_by_its_age_and_by_being_idle(database, lifetime, idle):
    sessions = Sessions(database, lifetime, idle)
    secret, session = await sessions.open(INES)
    assert await sessions.find(secret) is None
    assert not await sessions.alive(session)


async def test_sessions_that_have_ended_are_forgotten_when_the_next_begins(database):
    await Sessions(database, timedelta(0), HOUR).open(INES)
    sessions = Sessions(database, HOUR, HOUR)
    await sessions.open(INES)
    with database.transaction() as transaction:
        assert transaction.query(SessionRow).count() == 1


async def test_what_one_page_leaves_for_the_next_is_read_and_taken_away(database):
    sessions = Sessions(database, HOUR, HOUR)
    secret, session = await sessions.open(INES)
    await sessions.leave(session, notice={"title": "Approved"})
    found = await sessions.find(secret)
    assert found.data["notice"]["title"] == "Approved"
    await sessions.leave(found, notice=None)
    assert (await sessions.find(secret)).data == {}


async def test_an_ended_session_is_gone_at_once(database):
    sessions = Sessions(database, HOUR, HOUR)
    secret, session = await sessions.open(INES)
    await sessions.end(session)
    assert await sessions.find(secret) is None
    assert not await sessions.alive(session)
