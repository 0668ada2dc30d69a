"""The two addresses that probes ask: `/healthz`, does the process live; `/readyz`, can it do its work."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from activities.health import Health, split

HEALTHZ, READYZ = "/healthz", "/readyz"
UNAVAILABLE = 503


def routes(health: Health) -> list[Route]:
    """Answer probes. The answer names failing parts, but holds nothing that not everybody may read."""

    async def alive(_request: Request) -> Response:
        return JSONResponse({"alive": True})  # that it is said at all is the proof: the event loop turns

    async def ready(_request: Request) -> Response:
        report = await health.report()
        told = {"ready": report.ready} | ({"failing": dict(report.failing)} if report.failing else {})
        return JSONResponse(told, 200 if report.ready else UNAVAILABLE)

    return [Route(HEALTHZ, alive), Route(READYZ, ready)]


@contextlib.asynccontextmanager
async def served(place: str, health: Health) -> AsyncIterator[str]:
    """Answer probes at `place`, HOST:PORT, as long as the block lasts. Gives the address; no place, no address.

    Raises:
        OSError: the port is taken, or the host is none of this machine.
    """
    if not place:
        yield ""
        return
    with _listen(place) as listener:
        config = uvicorn.Config(
            Starlette(routes=routes(health)),
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=1,
        )
        server = _Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield f"http://{place.rpartition(':')[0]}:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving


class _Server(uvicorn.Server):
    """Leaves the signals to the worker, which still answers probes while it drains."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _listen(place: str) -> socket.socket:
    host, port = split(place)
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise OSError(f"probes cannot be answered at {place}: {error.strerror}; see CALLSHEET_HEALTH") from None
    listener.listen(128)
    return listener
