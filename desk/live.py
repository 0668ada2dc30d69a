"""Live updates: one look at a time for everybody who watches the same thing, told as server-sent events."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from typing import Self

from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from temporalio.service import RPCError

from desk.cases import Cases
from desk.door import Door, Visit
from desk.queue import Queue
from desk.refusals import Refused
from desk.sessions import Session, Sessions
from desk.tenancy import Tenancy

BEAT = 1.5
"""Seconds between two looks at the same thing."""
EASE = 6
"""A look that takes long is followed by a rest so many times as long: a server has other things to do."""
PING = 15.0
"""Seconds after which an idle line is kept open by a word, and the session is looked at."""
MOST_LINES = 400
MOST_OF_ONE = 12

Look = Callable[[], Awaitable[str]]


class Watch:
    """Looks again and again while anybody watches; a look is a word, and another word is news."""

    def __init__(self, look: Look, beat: float) -> None:
        """Look every `beat` seconds."""
        self._look, self._beat = look, beat
        self._word = ""
        self._changed = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None
        self.watchers = 0

    async def __aenter__(self) -> Self:
        """Begin to watch."""
        self.watchers += 1
        if self._task is None:
            self._task = asyncio.create_task(self._keep_looking())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Watch no more; the last one switches the light off."""
        self.watchers -= 1
        if self.watchers == 0 and self._task is not None:
            self._task.cancel()
            self._task = None

    async def news(self, known: str, patience: float) -> str:
        """Wait for a word other than the `known` one; the known one when `patience` is over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience), self._changed:
                await self._changed.wait_for(lambda: self._word not in {"", known})
        return self._word or known

    async def _keep_looking(self) -> None:
        while True:
            began = time.monotonic()
            with contextlib.suppress(RPCError, TimeoutError, OSError):
                word = await self._look()
                if word != self._word:
                    async with self._changed:
                        self._word = word
                        self._changed.notify_all()
            await asyncio.sleep(max(self._beat, EASE * (time.monotonic() - began)))


class Live:
    """Serves the lines."""

    def __init__(self, door: Door, sessions: Sessions, queue: Queue, cases: Cases, tenancy: Tenancy) -> None:
        """Look at the `queue` and at `cases`."""
        self._door, self._sessions = door, sessions
        self._queue, self._cases, self._tenancy = queue, cases, tenancy
        self._watches: dict[Hashable, Watch] = {}
        self._lines: dict[str, int] = {}

    def routes(self) -> list[Route]:
        """Serve them."""
        return [
            Route("/live/queue", self._door.opens(self.queue), methods=["GET"]),
            Route("/live/questions/{workflow:path}", self._door.opens(self.question), methods=["GET"]),
        ]

    async def queue(self, visit: Visit) -> Response:
        """Tell when the queue changes."""
        tenants = tuple(sorted(visit.person.tenants))
        return self._line(visit, ("queue", tenants), lambda: self._queue.pulse(tenants))

    async def question(self, visit: Visit) -> Response:
        """Tell when a question changes, or is closed."""
        workflow = visit.request.path_params["workflow"]
        await self._tenancy.admit(workflow.partition(":")[0], visit.person)
        return self._line(visit, ("question", workflow), lambda: self._cases.pulse(workflow))

    def _line(self, visit: Visit, key: Hashable, look: Look) -> Response:
        name = visit.person.name
        if sum(self._lines.values()) >= MOST_LINES or self._lines.get(name, 0) >= MOST_OF_ONE:
            raise Refused(
                503, "Too many pages are open", "Close some; this one does not update itself.", retry_after=60
            )
        watch = self._watches.get(key) or Watch(look, BEAT)
        self._watches[key] = watch
        known = visit.request.query_params.get("known", "")[:100]
        return StreamingResponse(self._events(visit.session, name, key, watch, known), media_type="text/event-stream")

    async def _events(self, session: Session, name: str, key: Hashable, watch: Watch, known: str) -> AsyncIterator[str]:
        self._lines[name] = self._lines.get(name, 0) + 1
        try:
            async with watch:
                yield "retry: 4000\n\n"
                while await self._sessions.alive(session):
                    word = await watch.news(known, PING)
                    yield f"event: changed\ndata: {word}\n\n" if word != known else ": still here\n\n"
                    known = word
                yield "event: left\ndata: 1\n\n"
        finally:
            self._lines[name] -= 1
            if not self._lines[name]:
                del self._lines[name]
            if watch.watchers == 0:
                self._watches.pop(key, None)
