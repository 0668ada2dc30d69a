"""The page of one question: the artefact large, what speaks for it and against it, and the decision."""

import secrets
from collections import Counter

from starlette.responses import Response
from starlette.routing import Route

from activities.people import Told
from desk.cases import Case, Cases
from desk.darkroom import Darkroom, Size
from desk.door import Door, Visit
from desk.gauges import readings
from desk.notices import Noticeboard
from desk.pages import Pages
from desk.queue import Filters
from desk.refusals import not_here
from desk.rights import offers
from desk.tenancy import Tenancy

SIZES: dict[str, Size] = {"small": "small", "large": "large", "full": "full"}
FOR_A_DAY = "private, max-age=86400, immutable"
ONLY_A_PICTURE = "default-src 'none'; sandbox"


class ItemPages:
    """Shows questions."""

    def __init__(self, door: Door, pages: Pages, cases: Cases, told: Told, board: Noticeboard) -> None:
        """Open `cases`, and keep with `told` who looked."""
        self._door, self._pages, self._cases, self._told, self._board = door, pages, cases, told, board

    def routes(self) -> list[Route]:
        """Serve them."""
        return [
            Route("/questions/{workflow:path}", self._door.opens(self.show), methods=["GET"]),
        ]

    async def show(self, visit: Visit) -> Response:
        """Show a question. That somebody looked is kept before they see it."""
        case = await self._cases.open(visit.request.path_params["workflow"], visit.person)
        if case.question is not None and case.is_open:
            await self._told.viewed(case.question, visit.person.name)
        return self.written(await self._board.read(visit), case)

    def written(self, visit: Visit, case: Case, *, status: int = 200, **more: object) -> Response:
        """Write the page; `more` says what became of a decision."""
        question = case.question
        found = offers(question, visit.person) if question is not None and case.is_open else None
        values: dict[str, object] = {"problem": None, "draft": {"choice": "", "note": "", "edited": ""}, **more}
        return self._pages.page(
            "item",
            visit,
            status=status,
            here="",
            case=case,
            question=question,
            offers=found,
            takes=[(take, readings(take.facts)) for take in case.takes],
            nonce=secrets.token_hex(16),
            filters=Filters.read(visit.request.query_params).address(),
            looks=Counter(each.by for each in case.notices if each.kind == "viewed"),
            **values,
        )


class PicturePages:
    """Sends images to people who may see them."""

    def __init__(self, door: Door, darkroom: Darkroom, cases: Cases, tenancy: Tenancy) -> None:
        """Make them in the `darkroom`."""
        self._door, self._darkroom, self._cases, self._tenancy = door, darkroom, cases, tenancy

    def routes(self) -> list[Route]:
        """Serve them."""
        return [Route("/pictures/{hexed:str}/{size:str}", self._door.opens(self.show), methods=["GET"])]

    async def show(self, visit: Visit) -> Response:
        """Send an image of a run, if it was made for that run."""
        request = visit.request
        size, digest = SIZES.get(request.path_params["size"]), f"sha256:{request.path_params['hexed']}"
        workflow = request.query_params.get("of", "")
        run = workflow.partition(":")[0]
        await self._tenancy.admit(run, visit.person)
        if size is None or not await self._cases.was_made_for(run, digest):
            raise not_here("image")
        made = await self._darkroom.print(digest, size)
        headers = {"cache-control": FOR_A_DAY, "content-security-policy": ONLY_A_PICTURE}
        return Response(made.data, media_type=made.kind, headers=headers)
