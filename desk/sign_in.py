"""Signing in and out: by name and password, or by a link that works once."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from desk.door import Door, Endpoint, Visit, within
from desk.forms import Form
from desk.limits import Limiter, Rates
from desk.pages import Pages
from desk.refusals import Refused, too_often
from desk.reviewers import LONGEST, Reviewers, unfit
from desk.sessions import Session, Sessions
from workflows.models import Identity

WRONG = "The name or the password is not right."
GONE = "This link has been used, or it is too old. Ask for a new one: callsheet desk --invite NAME"


_Knock = Callable[[Request, Session, Form], Awaitable[Response]]


class SignIn:
    """The pages before the door."""

    def __init__(
        self,
        door: Door,
        sessions: Sessions,
        pages: Pages,
        reviewers: Reviewers | None,
        rates: Rates,
        provider: str = "",
    ) -> None:
        """Let people of `reviewers` in; without it they sign in at the OpenID `provider`."""
        self._door, self._sessions, self._pages = door, sessions, pages
        self._reviewers, self._provider = reviewers, provider
        self._by_address, self._by_name = Limiter(rates.knocks), Limiter(rates.passwords)

    def routes(self) -> list[Route]:
        """Serve them."""
        found = [
            Route("/sign-in", self.show, methods=["GET"]),
            Route("/sign-out", self._door.opens(self.leave), methods=["POST"]),
        ]
        if self._reviewers is not None:
            found += [
                Route("/sign-in", self._knocked(self.enter), methods=["POST"]),
                Route("/in/{secret:str}", self.show_link, methods=["GET"]),
                Route("/in/{secret:str}", self._knocked(self.use_link), methods=["POST"]),
            ]
        return found

    async def show(self, request: Request) -> Response:
        """Show the form; somebody who is signed in already goes on."""
        session = await self._door.session(request)
        if session is not None and session.person is not None:
            return RedirectResponse(within(request.query_params.get("next", "/")), 303)
        return await self._form(request, session, "")

    async def enter(self, request: Request, session: Session, form: Form) -> Response:
        """Check name and password."""
        reviewers = self._local()
        name, password = form.one("name"), form.one("password", LONGEST)
        if wait := self._by_name.wait(name.casefold()):
            raise too_often(wait)
        person = await asyncio.to_thread(reviewers.check, name, password)
        if person is None:
            return await self._form(request, session, WRONG, name, 401)
        self._by_name.forgive(name.casefold())
        return await self.let_in(session, person, within(form.one("next", 1_000) or "/"))

    async def show_link(self, request: Request) -> Response:
        """Show whose link it is. Looking does not use it up: programs that preview links look, too."""
        held = await asyncio.to_thread(self._local().holder, request.path_params["secret"])
        if held is None:
            raise Refused(410, "This link does not work any more", GONE)
        return await self._link(request, await self._door.session(request), *held)

    async def use_link(self, request: Request, session: Session, form: Form) -> Response:
        """Let the first one in who uses the link."""
        reviewers, secret, password = self._local(), request.path_params["secret"], form.one("password", LONGEST)
        held = await asyncio.to_thread(reviewers.holder, secret)
        if held is None:
            raise Refused(410, "This link does not work any more", GONE)
        person, choose = held
        if choose and (problem := unfit(password, person.name)):
            return await self._link(request, session, person, choose, problem, 422)
        if choose and password != form.one("again", LONGEST):
            return await self._link(request, session, person, choose, "The two are not the same.", 422)
        used = await asyncio.to_thread(reviewers.use, secret, password if choose else "")
        if used is None:
            raise Refused(410, "This link does not work any more", GONE)
        return await self.let_in(session, used, "/")

    async def leave(self, visit: Visit) -> Response:
        """End the session."""
        await self._sessions.end(visit.session)
        return self._door.clear(RedirectResponse("/sign-in", 303))

    async def let_in(self, before: Session | None, person: Identity, target: str) -> Response:
        """Begin a new session under a new secret: one that was known before the sign-in is worth nothing after it."""
        if before is not None:
            await self._sessions.end(before)
        secret, _ = await self._sessions.open(person)
        return self._door.seat(RedirectResponse(target, 303), secret)

    async def _form(
        self, request: Request, session: Session | None, problem: str, name: str = "", status: int = 200
    ) -> Response:
        target = within(request.query_params.get("next", "/"))
        values = {"problem": problem, "name": name, "next": target, "provider": self._provider}
        return await self._knocking(request, session, "sign-in", status, values)

    async def _link(
        self,
        request: Request,
        session: Session | None,
        person: Identity,
        choose: bool,
        problem: str = "",
        status: int = 200,
    ) -> Response:
        values = {"who": person, "choose": choose, "problem": problem}
        return await self._knocking(request, session, "link", status, values)

    async def _knocking(
        self, request: Request, session: Session | None, name: str, status: int, values: Mapping[str, object]
    ) -> Response:
        """Show a form before the door: even that belongs to a session, so that nobody else can hand it in."""
        if session is not None:
            return self._pages.page(name, status=status, token=session.csrf, **values)
        if wait := self._by_address.wait(_address(request)):
            raise too_often(wait)
        secret, session = await self._sessions.open()
        return self._door.seat(self._pages.page(name, status=status, token=session.csrf, **values), secret)

    def _knocked(self, page: _Knock) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            if wait := self._by_address.wait(_address(request)):
                raise too_often(wait)
            session = await self._door.session(request)
            if session is None:
                target = quote(within(request.query_params.get("next", "/")))
                return RedirectResponse(f"/sign-in?next={target}", 303)
            return await page(request, session, await self._door.form(request, session))

        return endpoint

    def _local(self) -> Reviewers:
        if self._reviewers is None:
            raise Refused(404, "There are no passwords here", "People of this desk sign in at their provider.")
        return self._reviewers


def _address(request: Request) -> str:
    return request.client.host if request.client else ""
