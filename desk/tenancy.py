"""Whose a run is: what belongs to another tenant is not there."""

from sqlalchemy import select

from activities.conversation_tables import ConversationRow
from activities.database import Database
from activities.people import NoticeRow
from desk.refusals import not_here
from workflows.models import Identity, Notice

MOST_KNOWN = 10_000


class Tenancy:
    """Tells whose a run is, by what is kept of it. A run never changes its tenant, so that is read once."""

    def __init__(self, database: Database) -> None:
        """Read from `database`."""
        self._database = database
        self._known: dict[str, str] = {}

    async def of_run(self, run: str) -> str | None:
        """Name the tenant of a run; None when nothing is kept of it."""
        if run not in self._known and (tenant := await self._read(run)) is not None:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            self._known[run] = tenant
        return self._known.get(run)

    async def admit(self, run: str, who: Identity) -> None:
        """Let through who serves the tenant of a run.

        Raises:
            Refused: there is no such run for them.
        """
        tenant = await self.of_run(run)
        if tenant is None or not who.serves(tenant):
            raise not_here("run")

    async def _read(self, run: str) -> str | None:
        talk = select(ConversationRow.tenant).where(ConversationRow.run == run).limit(1)
        told = select(NoticeRow.body).where(NoticeRow.run == run).limit(1)
        if (tenant := await self._database.read(lambda session: session.scalar(talk))) is not None:
            return tenant
        body = await self._database.read(lambda session: session.scalar(told))
        return Notice.model_validate_json(body).question.scope.tenant if body else None
