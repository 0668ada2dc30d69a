"""Runs: the list of them, and one with its stages, items, decisions and cost."""

import asyncio
import logging

from sqlalchemy import select
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from activities.database import Database
from activities.people import NoticeRow
from desk.costs import Costs
from desk.door import Door, Visit
from desk.notices import Noticeboard
from desk.pages import Pages
from desk.refusals import not_here
from desk.rights import run_path
from desk.runs import Look, Runs, counts
from desk.tenancy import Tenancy
from workflows.models import Notice, RunState
from workflows.models.roles import may, needed

NOBODYS = "nobody's"
"""Stands for the tenant of a run of which nobody knows one: only those who serve everybody see it."""
LOG = logging.getLogger("callsheet.desk")

STAGES = (
    ("planning", ()),
    ("generating", ("generating",)),
    ("reviewing", ("reviewing",)),
    ("refining", ("refining",)),
    ("waiting for people", ("awaiting_review",)),
    ("publishing", ("publishing",)),
    ("published", ("published",)),
    ("not published", ("rejected", "failed", "cancelled")),
)
OF_CANDIDATES = (
    ("planning", ()),
    ("reading", ("reading",)),
    ("evaluating", ("evaluating",)),
    ("comparing", ("comparing",)),
    ("summarising", ("summarising",)),
    ("waiting for people", ("awaiting_review",)),
    ("decided", ("decided",)),
    ("not evaluated", ("failed", "cancelled")),
)
TOLD = ("decided", "expired", "reassigned", "moved", "conflict", "refused")
MOST_TOLD = 12


class RunPages:
    """Shows runs."""

    def __init__(
        self,
        door: Door,
        pages: Pages,
        runs: Runs,
        costs: Costs,
        database: Database,
        tenancy: Tenancy,
        board: Noticeboard,
    ) -> None:
        """Read `runs`, their `costs`, and what people were told from `database`."""
        self._door, self._pages, self._runs, self._costs = door, pages, runs, costs
        self._database, self._tenancy, self._board = database, tenancy, board

    def routes(self) -> list[Route]:
        """Serve them."""
        return [
            Route("/runs", self._door.opens(self.every), methods=["GET"]),
            Route("/runs/{run:path}", self._door.opens(self.show), methods=["GET"]),
            Route("/runs/{run:path}", self._door.opens(self.cancel, role=needed("cancel")), methods=["POST"]),
        ]

    async def every(self, visit: Visit) -> Response:
        """List the runs."""
        fields = visit.request.query_params
        only_open = fields.get("open") == "1"
        listed = await self._runs.page(visit.person, fields.get("from", ""), only_open=only_open)
        return self._pages.page("runs", await self._board.read(visit), here="/runs", listed=listed, only_open=only_open)

    async def show(self, visit: Visit) -> Response:
        """Show one run."""
        look = await self._look(visit)
        run = look.id
        said = look.said if isinstance(look.said, RunState) else None
        (pages, items), (more, candidates), costs, told = await asyncio.gather(
            self._runs.items(run, said, page := _page(visit)),
            self._runs.candidates(run, said, page),
            self._costs.of_run(run),
            self._told(run),
        )
        counted = counts(said)
        order = OF_CANDIDATES if candidates else STAGES
        stages = [(name, sum(counted[status] for status in each)) for name, each in order]
        return self._pages.page(
            "run",
            await self._board.read(visit),
            here="/runs",
            look=look,
            said=said,
            stages=stages,
            counts=counted,
            items=items,
            candidates=candidates,
            page=min(page, max(pages, more)),
            pages=max(pages, more),
            may_cancel=look.running and may(visit.person.role, "cancel"),
            costs=costs,
            told=told,
        )

    async def cancel(self, visit: Visit) -> Response:
        """Ask a run to end. What it has paid for is kept, and what it asked people is closed."""
        look = await self._look(visit)
        run = look.id
        if look.running:
            await self._runs.cancel(run, visit.person)
            LOG.info("a run was asked to end", extra={"run": run, "by": visit.person.name})
            await self._board.leave(visit.session, "good", "Asked to end:", f"{run} cleans up and ends.")
        else:
            await self._board.leave(visit.session, "fair", "Too late:", f"{run} has ended already.")
        return RedirectResponse(run_path(run), 303)

    async def _look(self, visit: Visit) -> Look:
        """Look at a run for somebody who serves its tenant, which the server knows before anything is kept of it."""
        run = visit.request.path_params["run"]
        look = await self._runs.look(run)
        if look is None or not visit.person.serves(look.tenant or await self._tenancy.of_run(run) or NOBODYS):
            raise not_here("run")
        return look

    async def _told(self, run: str) -> tuple[Notice, ...]:
        query = select(NoticeRow.body).where(NoticeRow.run == run, NoticeRow.kind.in_(TOLD))
        latest = query.order_by(NoticeRow.id.desc()).limit(MOST_TOLD)
        rows = await self._database.read(lambda session: session.scalars(latest).all())
        return tuple(Notice.model_validate_json(row) for row in rows)


def _page(visit: Visit) -> int:
    text = visit.request.query_params.get("page", "1")
    return max(int(text), 1) if text.isdecimal() and len(text) < 6 else 1  # noqa: PLR2004 - a hundred thousand pages
