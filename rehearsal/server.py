"""The rehearsal server: the Messages API on loopback, with a player in the place of a language model."""

import asyncio
import contextlib
import socket
from collections.abc import Iterable, Iterator
from datetime import datetime
from types import TracebackType
from typing import Final, Self

import uvicorn
from starlette.types import ASGIApp

from rehearsal.api import Api
from rehearsal.cache import Clock
from rehearsal.cards import CARDS, Card
from rehearsal.delivery import Connection
from rehearsal.faults import Reject
from rehearsal.journal import Entry, Journal, Usage
from rehearsal.player import Player
from rehearsal.stage import Stage

HOST: Final = "127.0.0.1"


class Rehearsal:
    """A running server: `async with Rehearsal(player) as server: AsyncAnthropic(base_url=server.url, ...)`.

    `port` 0 lets the system choose, and `host` is the loopback unless somebody else has to reach it. `cards` are the
    models on offer, `clock` tells the cache the time, the last `remembered` requests are kept for those who ask (their
    bodies only as far as they fit into 64 MB), and a batch is worked on after `batch_delay` seconds.
    """

    def __init__(
        self,
        player: Player,
        *,
        port: int = 0,
        host: str = HOST,
        cards: Iterable[Card] = CARDS,
        clock: Clock | None = None,
        remembered: int = 20_000,
        batch_delay: float = 0.2,
    ) -> None:
        self._api = Api(Stage(player, cards, clock, Journal(remembered)), batch_delay)
        self._wanted_port = port
        self._socket: socket.socket | None = None
        self._host = host
        self._address = (host, port)
        self._server: _Server | None = None
        self._serving: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """Where it listens."""
        if not self._address[1]:
            raise RuntimeError("the rehearsal is not running")
        return int(self._address[1])

    @property
    def url(self) -> str:
        """The base URL for a client."""
        return f"http://{self._address[0]}:{self.port}"

    @property
    def requests(self) -> tuple[Entry, ...]:
        """The calls of the messages endpoint so far, those in batches included."""
        return self._api.journal.entries

    @property
    def usage(self) -> Usage:
        """Tokens of all replies that began."""
        return self._api.journal.usage

    @property
    def bill(self) -> int:
        """What a provider would charge for all replies that began, in micro-dollars.

        Raises:
            LookupError: a reply came from a model without a list price.
        """
        return self._api.journal.bill

    async def start(self) -> None:
        """Listen."""
        await self._listen(self._wanted_port)

    async def stop(self) -> None:
        """Close every connection, also those in the middle of a reply, and listen no more."""
        await self._api.close()
        await self._hush()

    async def down(self, *, refuse: bool = False, retry_after: float | datetime | None = None) -> None:
        """Be away for a while: answer everything with 529, or (`refuse`) drop all connections and accept none.

        Work on batches goes on behind the closed doors. `up` ends it.
        """
        self._api.outage = Reject(529, "overloaded_error", "Overloaded", retry_after)
        if refuse:
            await self._hush()

    async def up(self) -> None:
        """Be back, on the same port."""
        self._api.outage = None
        if self._server is None:
            await self._listen(self.port)

    async def _listen(self, port: int) -> None:
        self._socket = _listen(self._host, port)
        self._address = self._socket.getsockname()
        self._server = _Server(self._api.app)
        self._serving = asyncio.create_task(self._server.serve(sockets=[self._socket]))
        await self._server.ready.wait()

    async def _hush(self) -> None:
        if self._server is None or self._serving is None:
            return
        self._server.close()
        await self._serving
        self._server, self._serving, self._socket = None, None, None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()


class _Server(uvicorn.Server):
    """Uvicorn inside somebody else's event loop: it takes no signals, and closes without waiting for clients."""

    def __init__(self, app: ASGIApp) -> None:
        config = uvicorn.Config(app, http=Connection, ws="none", lifespan="off", log_config=None, date_header=False)
        super().__init__(config)
        self.ready = asyncio.Event()
        self._closing = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the process that we are part of."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        self.ready.set()

    async def main_loop(self) -> None:
        """Serve until closed."""
        await self._closing.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drop what is open and close the sockets."""
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        for listener in sockets or []:
            listener.close()
        # Replies on their way notice that nobody listens; they end by themselves once their waits are over.
        await asyncio.gather(*self.server_state.tasks, return_exceptions=True)

    def close(self) -> None:
        """Ask the server to end."""
        self.should_exit = True
        self._closing.set()


def _listen(host: str, port: int) -> socket.socket:
    # asyncio switches Nagle's delay (40 ms an answer) off only where the protocol is named.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(1024)
    return listener
