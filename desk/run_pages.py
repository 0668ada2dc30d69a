"""Runs: the list of them, and one with its stages, items, decisions and cost."""

import asyncio

from sqlalchemy import select
from starlette.responses import Response
from starlette.routing import Route

from activities.database import Database
from activities.people import NoticeRow
from desk.costs import Costs
from desk.door import Door, Visit
from desk.notices import Noticeboard
from desk.pages import Pages
from desk.refusals import not_here
from desk.runs import Runs, counts
from desk.tenancy import Tenancy
from workflows.models import Notice, RunState

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
        ]

    async def every(self, visit: Visit) -> Response:
        """List the runs."""
        fields = visit.request.query_params
        only_open = fields.get("open") == "1"
        listed = await self._runs.page(visit.person, fields.get("from", ""), only_open=only_open)
        return self._pages.page("runs", await self._board.read(visit), here="/runs", listed=listed, only_open=only_open)

    async def show(self, visit: Visit) -> Response:
        """Show one run."""
        run = visit.request.path_params["run"]
        await self._tenancy.admit(run, visit.person)
        look = await self._runs.look(run)
        if look is None:
            raise not_here("run")
        said = look.said if isinstance(look.said, RunState) else None
        (pages, items), costs, told = await asyncio.gather(
            self._runs.items(run, said, page := _page(visit)),
            self._costs.of_run(run),
            self._told(run),
        )
        counted = counts(said)
        stages = [(name, sum(counted[status] for status in each)) for name, each in STAGES]
        return self._pages.page(
            "run",
            await self._board.read(visit),
            here="/runs",
            look=look,
            said=said,
            stages=stages,
            counts=counted,
            items=items,
            page=min(page, pages),
            pages=pages,
            costs=costs,
            told=told,
        )

    async def _told(self, run: str) -> tuple[Notice, ...]:
        query = select(NoticeRow.body).where(NoticeRow.run == run, NoticeRow.kind.in_(TOLD))
        latest = query.order_by(NoticeRow.id.desc()).limit(MOST_TOLD)
        rows = await self._database.read(lambda session: session.scalars(latest).all())
        return tuple(Notice.model_validate_json(row) for row in rows)


def _page(visit: Visit) -> int:
    text = visit.request.query_params.get("page", "1")
    return max(int(text), 1) if text.isdecimal() and len(text) < 6 else 1  # noqa: PLR2004 - a hundred thousand pages
