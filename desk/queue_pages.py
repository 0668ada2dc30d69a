"""The queue: what waits, with filters and search."""

from typing import get_args

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from desk.door import Door, Visit
from desk.notices import Noticeboard
from desk.pages import Pages
from desk.queue import AGES, Filters, Queue
from desk.rights import question_path
from workflows.models.questions import QuestionKind

PIPELINES = ("image_production", "candidate_evaluation", "single_agent")


class QueuePages:
    """Shows what waits."""

    def __init__(self, door: Door, pages: Pages, queue: Queue, board: Noticeboard) -> None:
        """List by `queue`."""
        self._door, self._pages, self._queue, self._board = door, pages, queue, board

    def routes(self) -> list[Route]:
        """Serve them."""
        return [
            Route("/", self._door.opens(self.show), methods=["GET"]),
            Route("/queue", self._door.opens(self.rows), methods=["GET"]),
            Route("/next", self._door.opens(self.following), methods=["GET"]),
        ]

    async def show(self, visit: Visit) -> Response:
        """Show the whole page."""
        return await self._page(visit, "queue")

    async def rows(self, visit: Visit) -> Response:
        """Show the list alone, for a page that is open already."""
        if visit.request.headers.get("hx-request") != "true":
            return RedirectResponse(f"/?{visit.request.url.query}", 303)
        return await self._page(visit, "queue-rows")

    async def following(self, visit: Visit) -> Response:
        """Go to the next question."""
        filters = Filters.read(visit.request.query_params)
        after = visit.request.query_params.get("after", "")
        workflow = await self._queue.following(filters, visit.person, after)
        target = question_path(workflow, filters.address()) if workflow else f"/?{filters.address()}"
        return RedirectResponse(target, 303)

    async def _page(self, visit: Visit, name: str) -> Response:
        fields = visit.request.query_params
        filters = Filters.read(fields)
        page = fields.get("page", "1")
        listed = await self._queue.page(filters, visit.person, int(page) if page.isdecimal() and len(page) < 6 else 1)  # noqa: PLR2004
        return self._pages.page(
            name,
            await self._board.read(visit),
            here="/",
            filters=filters,
            listed=listed,
            kinds=get_args(QuestionKind),
            ages=AGES,
            pipelines=PIPELINES,
        )
