"""The database: SQLite in a file by default, PostgreSQL by URL. One schema, one set of migrations."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection, Dialect, create_engine, event, inspect
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import DateTime, TypeDecorator

from activities.schema import Schema

T = TypeVar("T")


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC; SQLite forgets the zone, so it is put back."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Put the zone back."""
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


class Base(DeclarativeBase):
    """The base of every table."""


class Written(NamedTuple):
    """A row that a transaction wrote: a new one, or one of which these columns changed, with what they held before."""

    row: Base
    new: bool
    changed: Mapping[str, Any]


Watch = Callable[[Sequence[Written], Session], None]
"""Told what a transaction wrote, once it is kept, with a session to look up more. Must not raise."""


def all_of(*watches: Watch) -> Watch:
    """Have several watches told, one after the other."""

    def watch(written: Sequence[Written], session: Session) -> None:
        for each in watches:
            each(written, session)

    return watch


class Database:
    """Opens transactions. Statements are short and run on a thread, so that the event loop never waits for a disk."""

    def __init__(self, url: str, watch: Watch | None = None) -> None:
        """Connect lazily to `url`, e.g. `sqlite:///callsheet.db` or `postgresql+psycopg://...`.

        `watch` hears of every row that a session wrote; not of statements that change many rows at once.
        """
        self.url = url
        self._watch = watch
        # An error that quoted the values would carry conversations into logs and histories.
        self._engine = create_engine(url, pool_pre_ping=True, hide_parameters=True)
        self._turn: contextlib.AbstractContextManager[object] = contextlib.nullcontext()
        if self._engine.dialect.name == "sqlite":
            self._turn = threading.Lock()  # SQLite lets its writers wait in no order: some would wait too long
            path = self._engine.url.database
            if path and path != ":memory:":
                Path(path).parent.mkdir(parents=True, exist_ok=True)
            event.listen(self._engine, "connect", _tune_sqlite)
            event.listen(self._engine, "begin", _begin_immediate)
        else:
            event.listen(self._engine, "connect", _tune_postgresql)
        self.schema = Schema(self._engine)

    def prepare(self, *, migrate: bool = True) -> None:
        """Bring the schema up to date; processes that start together do it one after the other.

        Without `migrate` a job does that, and here it is only looked whether the schema fits.

        Raises:
            SchemaUnfit: it does not fit.
        """
        if migrate:
            self.schema.migrate()
        self.schema.require()

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """One transaction: committed at the end, rolled back on an error."""
        with self._turn, Session(self._engine, expire_on_commit=False) as session:
            writing = _Writing(session) if self._watch else None
            with session.begin():
                yield session
            if self._watch and writing and (written := writing.kept(session)):  # in turn, so that it is told in order
                with self._reader() as reader:
                    self._watch(written, reader)

    async def run(self, work: Callable[[Session], T]) -> T:
        """Run `work` in one transaction on a thread."""
        return await asyncio.to_thread(self._run, work)

    async def read(self, work: Callable[[Session], T]) -> T:
        """Run `work`, which only reads, on a thread; readers do not wait for writers."""
        return await asyncio.to_thread(self.look, work)

    def look(self, work: Callable[[Session], T]) -> T:
        """Run `work`, which only reads, on this thread."""
        with self._reader() as session:
            return work(session)

    def _reader(self) -> Session:
        return Session(self._engine.execution_options(reads_only=True), expire_on_commit=False)

    def _run(self, work: Callable[[Session], T]) -> T:
        with self.transaction() as session:
            return work(session)

    async def scrub(self) -> None:
        """Have deleted content leave the files too: deleting alone keeps it in SQLite's log and PostgreSQL's tables."""
        await asyncio.to_thread(self._scrub)

    def _scrub(self) -> None:
        if self._engine.dialect.name == "sqlite":
            connection = self._engine.raw_connection()
            try:
                with self._turn:
                    connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
            finally:
                connection.close()
        else:
            with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connected:
                connected.exec_driver_sql("VACUUM")

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()


class _Writing:
    """Notes what the flushes of one transaction write."""

    def __init__(self, session: Session) -> None:
        self._new: dict[Base, bool] = {}
        self._changed: dict[Base, dict[str, Any]] = {}
        event.listen(session, "after_flush", self._flushed)

    def kept(self, session: Session) -> list[Written]:
        """List what was written and not taken back, in the order of its first flush."""
        rows = [row for row in self._new if row in session]
        return [Written(row, self._new[row], self._changed.get(row, {})) for row in rows]

    def _flushed(self, session: Session, _context: object) -> None:
        for row in session.new:
            self._new.setdefault(row, True)
        for row in session.dirty:
            histories = {each.key: each.history for each in inspect(row).attrs}
            before = {key: next(iter(each.deleted), None) for key, each in histories.items() if each.has_changes()}
            if before:
                self._new.setdefault(row, False)
                self._changed[row] = {**before, **self._changed.get(row, {})}  # what it held at first


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


def _tune_postgresql(connection: Any, _record: Any) -> None:  # noqa: ANN401
    # A host that vanished in a transaction would lock the fleet's accounts until its connection is missed: for hours.
    connection.execute("SET idle_in_transaction_session_timeout = '60s'")
    connection.commit()


def _begin_immediate(connection: Connection) -> None:
    # A read that later writes would fail with "database is locked"; taking the lock first waits instead.
    reads_only = connection.get_execution_options().get("reads_only", False)
    connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")
