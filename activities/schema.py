"""The schema of the database: where it stands, whether this code can work on it, how it is brought up to date.

Several versions of the code work on one database while a fleet is rolled. So every migration says, in the table
`schema_versions`, which is the oldest code that can work on what it leaves; old code reads there whether it may go on.
"""

import contextlib
import io
import time
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import OperationalError

MIGRATIONS = Path(__file__).parent / "migrations"
MIGRATION_LOCK = 7_227_001
"""Names our lock among a PostgreSQL server's advisory locks."""
LOCK_SECONDS = 10
"""How long a migration waits for a table; everybody who comes after it waits behind it."""
PATIENCE = 600.0
"""Seconds that one migration job waits for another."""
HEAD = "head"


class SchemaUnfit(ValueError):  # noqa: N818 - says what is wrong, as its neighbours do
    """This code cannot work on the schema as it is, or cannot change it now."""


class Standing(NamedTuple):
    """Where a schema stands: at which migration (none: an empty database), and which one this code brings."""

    found: str
    wanted: str
    trouble: str = ""
    """Why this code cannot work on it; empty when it can."""

    @property
    def fits(self) -> bool:
        """Whether this code can work on it."""
        return not self.trouble

    @property
    def current(self) -> bool:
        """Whether there is nothing to migrate."""
        return self.found == self.wanted


class Schema:
    """The migrations of one database. `more` are folders with further ones, for whoever adds tables of their own."""

    def __init__(self, engine: Engine, more: Sequence[Path] = ()) -> None:
        """Look after the schema behind `engine`."""
        self._engine = engine
        self._locations = " ".join(str(each) for each in (MIGRATIONS / "versions", *more))

    def standing(self) -> Standing:
        """Say where the schema stands; one or two short queries."""
        with self._engine.execution_options(reads_only=True).connect() as connection:
            found = _revision(connection)
            if found == self.head:
                return Standing(found, self.head)
            if not found or found in self._known:
                return Standing(found, self.head, f"it is at {found or 'nothing'}, this code needs {self.head}")
            kept = inspect(connection).has_table("schema_versions")
            query = text("SELECT oldest_code FROM schema_versions WHERE revision = :revision")
            oldest = connection.execute(query, {"revision": found}).scalar() if kept else None
        if oldest is not None and oldest in self._known:  # what came later only added: our code still finds its own
            return Standing(found, self.head)
        return Standing(found, self.head, f"it is at {found}, which is newer than this code ({self.head}) can work on")

    def require(self) -> None:
        """Insist on a schema that this code can work on.

        Raises:
            SchemaUnfit: it is behind or too far ahead; the text says what to do.
        """
        if not (standing := self.standing()).fits:
            behind = not standing.found or standing.found in self._known
            cure = "run: starter.py migrate" if behind else "run a newer version of the code"
            raise SchemaUnfit(f"the schema of the database does not fit: {standing.trouble}; {cure}")

    def migrate(self, to: str = HEAD) -> tuple[str, ...]:
        """Bring the schema up to `to`, and return the migrations that were run; none when it is there or beyond.

        Jobs that start together run one after the other. On PostgreSQL each migration is a transaction of its own.

        Raises:
            SchemaUnfit: there is no such migration, or a table or another job could not be waited for.
        """
        if not self._ahead(self.standing().found, to):
            return ()
        with self._alone():
            ahead = self._ahead(self.standing().found, to)
            if ahead:
                self._upgrade(ahead[-1])
        return ahead

    def sql(self, to: str = HEAD) -> str:
        """Write down what `migrate` would execute, without executing it; empty when that is nothing.

        Raises:
            SchemaUnfit: there is no such migration, or it cannot be written down.
        """
        found = self.standing().found
        ahead = self._ahead(found, to)
        return self.written(found, ahead[-1]) if ahead else ""

    def written(self, found: str, to: str) -> str:
        """Write down the migrations from `found` (none: an empty database) to `to`; asks no database.

        Raises:
            SchemaUnfit: one of them cannot be written down.
        """
        out = io.StringIO()
        config = self._config()
        config.output_buffer, config.attributes["dialect"] = out, self._engine.dialect.name
        try:
            command.upgrade(config, f"{found or 'base'}:{to}", sql=True)
        except (CommandError, NotImplementedError) as error:
            raise SchemaUnfit(f"this cannot be written down as SQL: {str(error).splitlines()[0]}") from None
        return out.getvalue()

    @cached_property
    def head(self) -> str:
        """The last migration of this code."""
        return self._scripts.get_current_head() or ""

    @cached_property
    def _scripts(self) -> ScriptDirectory:
        return ScriptDirectory.from_config(self._config())

    @cached_property
    def _known(self) -> tuple[str, ...]:
        """All migrations of this code, the first one first."""
        return tuple(each.revision for each in self._scripts.walk_revisions())[::-1]

    def _ahead(self, found: str, to: str) -> tuple[str, ...]:
        """List what is still to be run; nothing for a database that is ahead of this code."""
        if to not in (HEAD, *self._known):
            raise SchemaUnfit(f"there is no migration {to!r}; the last is {self.head}")
        if found and found not in self._known:
            return ()
        begin = self._known.index(found) + 1 if found else 0
        end = len(self._known) if to == HEAD else self._known.index(to) + 1
        return self._known[begin:end]

    def _upgrade(self, to: str) -> None:
        config = self._config()
        if self._engine.dialect.name != "postgresql":
            with self._engine.begin() as connection:  # the write lock of SQLite is held until all is done
                config.attributes["connection"] = connection
                return command.upgrade(config, to)
        with self._engine.connect() as connection, _impatient(connection):
            config.attributes["connection"] = connection
            try:
                return command.upgrade(config, to)
            except OperationalError as error:
                if "lock timeout" not in str(error):
                    raise
                why = f"something long held a table for {LOCK_SECONDS} s. What was done is kept; run it again"
                raise SchemaUnfit(f"the migration gave way: {why}") from None

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other jobs out. Asked again and again: whoever *waits* for a lock would stop an index being built."""
        if self._engine.dialect.name != "postgresql":
            yield
            return
        with self._engine.connect() as plain:
            connection = plain.execution_options(isolation_level="AUTOCOMMIT")
            end = time.monotonic() + PATIENCE
            while not connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({MIGRATION_LOCK})").scalar():
                if time.monotonic() > end:
                    raise SchemaUnfit(f"another migration job runs for more than {PATIENCE / 60:.0f} minutes")
                time.sleep(0.2)
            try:
                yield
            finally:
                connection.exec_driver_sql(f"SELECT pg_advisory_unlock({MIGRATION_LOCK})")

    def _config(self) -> Config:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.set_main_option("version_locations", self._locations)
        config.set_main_option("path_separator", "space")
        return config


def _revision(connection: Connection) -> str:
    """Read it ourselves: probes ask often, and the library logs two lines each time."""
    if not inspect(connection).has_table("alembic_version"):
        return ""
    return str(connection.scalar(text("SELECT version_num FROM alembic_version")) or "")


@contextlib.contextmanager
def _impatient(connection: Connection) -> Iterator[None]:
    """Let a connection wait only so long for a table."""
    connection.exec_driver_sql(f"SET lock_timeout = '{LOCK_SECONDS}s'")
    connection.commit()
    try:
        yield
    finally:
        connection.rollback()
        connection.exec_driver_sql("RESET lock_timeout")
        connection.commit()
