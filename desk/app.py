"""The application: its pages, and what becomes of what goes wrong on them."""

import logging
from collections.abc import Awaitable, Callable
from typing import Protocol
from urllib.parse import quote

from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp
from temporalio.service import RPCError

from activities import probes
from activities.health import Health
from activities.vital_signs import database, temporal
from desk.decision_pages import BatchPages, DecisionPages
from desk.decisions import Decider
from desk.door import SAFE, Door
from desk.house import House
from desk.item_pages import ItemPages, PicturePages
from desk.limits import Limiter
from desk.live import Live
from desk.notices import Noticeboard
from desk.openid import OpenId
from desk.operations import Operations
from desk.pages import Pages
from desk.queue_pages import QueuePages
from desk.refusals import NotSignedIn, Refused, not_here
from desk.run_pages import RunPages
from desk.shelf import Shelf
from desk.shield import LARGEST_BODY, Shield, TooLarge
from desk.sign_in import SignIn

LOG = logging.getLogger("callsheet.desk")


class Part(Protocol):
    """Some pages of the desk."""

    def routes(self) -> list[Route]:
        """Serve them."""


Handler = Callable[[Request, Exception], Awaitable[Response]]


def build(house: House) -> ASGIApp:
    """Put the pages together."""
    shelf = Shelf()
    local = None if house.settings.oidc_issuer else house.reviewers
    pages, door, board = Pages(shelf), Door(house.sessions, house.settings, local), Noticeboard(house.sessions)
    items = ItemPages(door, pages, house.cases, house.told, board)
    decider = Decider(house.deciding, Limiter(house.rates.decisions))
    sign_in = SignIn(door, house.sessions, pages, local, house.rates, house.settings.provider)
    parts: tuple[Part, ...] = (
        shelf,
        sign_in,
        *([OpenId(house.settings, door, house.sessions, sign_in)] if local is None else []),
        QueuePages(door, pages, house.queue, board),
        Live(door, house.sessions, house.queue, house.cases, house.tenancy),
        PicturePages(door, house.darkroom, house.cases, house.tenancy),
        items,
        DecisionPages(door, decider, house.cases, house.queue, items, board),
        BatchPages(door, pages, decider, house.cases),
        RunPages(door, pages, house.runs, house.costs, house.database, house.tenancy, board),
        Operations(door, pages, house.queue, house.costs, house.client, house.database),
    )
    health = Health({"temporal": temporal(house.client), "database": database(house.database)})
    routes = [*probes.routes(health), *(route for part in parts for route in part.routes())]
    app = Starlette(routes=routes, exception_handlers=_handlers(pages))
    return Shield(app, house.settings.hosts, secure=house.settings.secure)  # outermost, so that nothing passes it by


def _handlers(pages: Pages) -> dict[int | type[Exception], Handler]:
    async def refused(_request: Request, error: Exception) -> Response:
        if not isinstance(error, Refused):
            raise error
        page = pages.page("refused", status=error.status, code=error.status, title=error.title, text=error.text)
        if error.retry_after:
            page.headers["retry-after"] = str(max(1, round(error.retry_after)))
        return page

    async def too_large(request: Request, _error: Exception) -> Response:
        return await refused(request, Refused(413, "This is too much", f"A form has {LARGEST_BODY:,} bytes at most."))

    async def missing(request: Request, _error: Exception) -> Response:
        return await refused(request, not_here())

    async def wrong_method(request: Request, _error: Exception) -> Response:
        return await refused(request, Refused(405, "This cannot be done here", f"{request.method} is not understood."))

    async def unreachable(request: Request, error: Exception) -> Response:
        LOG.warning("a page could not be shown: %s", type(error).__name__)
        text = "The server or the database does not answer. Nothing was changed: try again in a moment."
        return await refused(request, Refused(503, "A part of the house is away", text, retry_after=5))

    async def broken(request: Request, error: Exception) -> Response:
        LOG.error("a page broke", exc_info=error)
        text = "The desk's log says more. Nothing that you did is lost."
        return await refused(request, Refused(500, "This page broke", text))

    return {
        Refused: refused,
        TooLarge: too_large,
        NotSignedIn: _to_the_door,
        RPCError: unreachable,
        SQLAlchemyError: unreachable,
        404: missing,
        405: wrong_method,
        500: broken,
    }


async def _to_the_door(request: Request, _error: Exception) -> Response:
    """Send a person to the sign-in and back; a program or a form is told that it may not."""
    query = f"?{request.url.query}" if request.url.query else ""
    target = f"/sign-in?next={quote(request.url.path + query)}"
    if request.headers.get("hx-request") == "true":
        return Response(status_code=401, headers={"hx-redirect": target})
    plain = request.method in SAFE and "text/event-stream" not in request.headers.get("accept", "")
    return RedirectResponse(target, 303) if plain else Response("Sign in first.", 401, media_type="text/plain")
