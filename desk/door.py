"""The door: every page but the sign-in is behind it. It knows who comes, and whether a form was written here."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from desk.forms import Form, read_form
from desk.refusals import NotSignedIn, Refused, forbidden
from desk.reviewers import Reviewers
from desk.sessions import Session, Sessions
from desk.settings import DeskSettings
from workflows.models import Identity, Role
from workflows.models.roles import ROLES

SAFE = {"GET", "HEAD"}
CSRF = "csrf"


@dataclass(frozen=True)
class Visit:
    """Somebody at a page of the desk, with the form that they hand in."""

    request: Request
    session: Session
    person: Identity
    form: Form

    @property
    def target(self) -> str:
        """The address of this page, without the host."""
        query = self.request.url.query
        return self.request.url.path + (f"?{query}" if query else "")


Page = Callable[[Visit], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]


class Door:
    """Lets people in to pages."""

    def __init__(self, sessions: Sessions, settings: DeskSettings, reviewers: Reviewers | None) -> None:
        """Look sessions up in `sessions`; where there are `reviewers`, who was taken out of them is out at once."""
        self._sessions = sessions
        self._settings = settings
        self._reviewers = reviewers

    @property
    def cookie(self) -> str:
        """The cookie's name; over https browsers take it from this very host alone."""
        return "__Host-callsheet" if self._settings.secure else "callsheet"

    def opens(self, page: Page, *, role: Role = "viewer") -> Endpoint:
        """Put a page behind the door, for people who have at least `role`."""

        async def endpoint(request: Request) -> Response:
            session = await self.session(request)
            if session is None or session.person is None:
                raise NotSignedIn
            form = await self.form(request, session)
            if ROLES.index(session.person.role) < ROLES.index(role):
                raise forbidden(role)
            return await page(Visit(request, session, session.person, form))

        return endpoint

    async def session(self, request: Request) -> Session | None:
        """Find the session of a request, of somebody who may still come in, with the role that they have now."""
        found = await self._sessions.find(request.cookies.get(self.cookie, ""))
        if found is None or found.person is None or self._reviewers is None:
            return found
        person = await asyncio.to_thread(self._reviewers.current, found.person.name)
        return found.model_copy(update={"person": person}) if person else None

    async def form(self, request: Request, session: Session) -> Form:
        """Read what is handed in, if it was written on a page of this desk for whoever is signed in.

        Raises:
            Refused: it comes from elsewhere.
        """
        if request.method in SAFE:
            return Form({})
        if foreign(request):
            raise Refused(403, "This came from another page", "Open the desk itself, and decide there.")
        form = await read_form(request)
        if not session.vouches(form.one(CSRF)):
            raise Refused(403, "This page was too old", "Open it again: nothing was changed.")
        return form

    def seat(self, response: Response, secret: str) -> Response:
        """Hand the browser the secret of its session. Scripts cannot read it."""
        response.set_cookie(self.cookie, secret, path="/", httponly=True, samesite="lax", secure=self._settings.secure)
        return response

    def clear(self, response: Response) -> Response:
        """Take the secret away."""
        response.delete_cookie(self.cookie, path="/", httponly=True, samesite="lax", secure=self._settings.secure)
        return response


def foreign(request: Request) -> bool:
    """Tell whether a browser says that another site sent this. Old browsers say nothing; the form's token remains."""
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return True
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != request.headers.get("host", "")


def within(path: str) -> str:
    """Take an address to go to afterwards only when it is one of this desk."""
    safe = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() and "\\" not in path
    return path if safe else "/"
