"""The rehearsal server: the Messages API on loopback, with a player in the place of a language model."""

import asyncio
import contextlib
import socket
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Final, Self

import uvicorn
from starlette.types import ASGIApp

from rehearsal.api import Api
from rehearsal.cache import Clock
from rehearsal.cards import CARDS, Card
from rehearsal.delivery import Connection
from rehearsal.journal import Entry, Usage
from rehearsal.player import Player

HOST: Final = "127.0.0.1"


class Rehearsal:
    """A running server: `async with Rehearsal(player) as server: AsyncAnthropic(base_url=server.url, ...)`.

    `port` 0 lets the system choose. `cards` are the models on offer, `clock` tells the cache the time,
    and the last `remembered` requests are kept for those who ask.
    """

    def __init__(
        self,
        player: Player,
        *,
        port: int = 0,
        cards: Iterable[Card] = CARDS,
        clock: Clock | None = None,
        remembered: int = 2_000,
    ) -> None:
        self._api = Api(player, cards=cards, clock=clock, remembered=remembered)
        self._wanted_port = port
        self._socket: socket.socket | None = None
        self._server: _Server | None = None
        self._serving: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """Where it listens."""
        if self._socket is None:
            raise RuntimeError("the rehearsal is not running")
        return int(self._socket.getsockname()[1])

    @property
    def url(self) -> str:
        """The base URL for a client."""
        return f"http://{HOST}:{self.port}"

    @property
    def requests(self) -> tuple[Entry, ...]:
        """The calls of the messages endpoint so far."""
        return self._api.journal.entries

    @property
    def usage(self) -> Usage:
        """Tokens of all replies that began."""
        return self._api.journal.usage

    async def start(self) -> None:
        """Listen."""
        self._socket = _listen(self._wanted_port)
        self._server = _Server(self._api.app)
        self._serving = asyncio.create_task(self._server.serve(sockets=[self._socket]))
        await self._server.ready.wait()

    async def stop(self) -> None:
        """Close every connection, also those in the middle of a reply, and listen no more."""
        if self._server is None or self._serving is None:
            return
        self._api.close()
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


def _listen(port: int) -> socket.socket:
    # asyncio switches Nagle's delay (40 ms an answer) off only where the protocol is named.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((HOST, port))
    listener.listen(1024)
    return listener
