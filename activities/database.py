"""The database: SQLite in a file by default, PostgreSQL by URL. One schema, one set of migrations."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Dialect, create_engine, event
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import DateTime, TypeDecorator

T = TypeVar("T")

MIGRATION_LOCK = 7_227_001
"""Names our lock among a PostgreSQL server's advisory locks."""


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC; SQLite forgets the zone, so it is put back."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Put the zone back."""
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


class Base(DeclarativeBase):
    """The base of every table."""


class Database:
    """Opens transactions. Statements are short and run on a thread, so that the event loop never waits for a disk."""

    def __init__(self, url: str) -> None:
        """Connect lazily to `url`, e.g. `sqlite:///callsheet.db` or `postgresql+psycopg://...`."""
        self.url = url
        self._engine = create_engine(url, pool_pre_ping=True)
        self._turn: contextlib.AbstractContextManager[object] = contextlib.nullcontext()
        if self._engine.dialect.name == "sqlite":
            self._turn = threading.Lock()  # SQLite lets its writers wait in no order: some would wait too long
            path = self._engine.url.database
            if path and path != ":memory:":
                Path(path).parent.mkdir(parents=True, exist_ok=True)
            event.listen(self._engine, "connect", _tune_sqlite)
            event.listen(self._engine, "begin", _begin_immediate)

    def prepare(self) -> None:
        """Bring the schema up to date; processes that start together do it one after the other."""
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        with self._engine.begin() as connection:
            if self._engine.dialect.name == "postgresql":
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})")
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """One transaction: committed at the end, rolled back on an error."""
        with self._turn, Session(self._engine, expire_on_commit=False) as session, session.begin():
            yield session

    async def run(self, work: Callable[[Session], T]) -> T:
        """Run `work` in one transaction on a thread."""
        return await asyncio.to_thread(self._run, work)

    async def read(self, work: Callable[[Session], T]) -> T:
        """Run `work`, which only reads, on a thread; readers do not wait for writers."""
        return await asyncio.to_thread(self._read, work)

    def _read(self, work: Callable[[Session], T]) -> T:
        with Session(self._engine.execution_options(reads_only=True), expire_on_commit=False) as session:
            return work(session)

    def _run(self, work: Callable[[Session], T]) -> T:
        with self.transaction() as session:
            return work(session)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()


def first(session: Session, row: Base) -> bool:
    """Insert `row` unless its key is taken; tell whether this writer was the first."""
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        return False
    return True


def now() -> datetime:
    """The moment, in UTC."""
    return datetime.now(UTC)


def _tune_sqlite(connection: Any, _record: Any) -> None:  # noqa: ANN401
    connection.isolation_level = None  # transactions are begun by us, see below
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=60000", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediate(connection: Connection) -> None:
    # A read that later writes would fail with "database is locked"; taking the lock first waits instead.
    reads_only = connection.get_execution_options().get("reads_only", False)
    connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")
