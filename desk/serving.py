"""Serving the desk: takes the port first, opens the house, and says when it is ready."""

import socket
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp
from temporalio.client import Client

from activities.settings import Settings
from desk.app import build
from desk.house import House
from desk.settings import DeskSettings

GRACE = 3
"""Seconds that requests under way get at the end; live lines never end by themselves."""


class PortTaken(ValueError):  # noqa: N818 - it says what happened
    """Somebody else listens where the desk is to listen."""


async def serve(client: Client, settings: Settings, desk: DeskSettings, ready: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; `ready` hears the address.

    Raises:
        PortTaken: the port is taken.
        BadKey: the key that decisions are signed with cannot be used.
    """
    with listen(desk) as listener:
        house = House.open(client, settings, desk)
        try:
            ready(address(desk, listener))
            await server(build(house)).serve(sockets=[listener])
        finally:
            house.close()


def server(app: ASGIApp) -> uvicorn.Server:
    """Make the server of the application: it says nothing of itself, and believes no header about who asks."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE,
    )
    return uvicorn.Server(config)


def listen(desk: DeskSettings) -> socket.socket:
    """Take the port."""
    listener = socket.socket(socket.AF_INET6 if ":" in desk.host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((desk.host, desk.port))
    except OSError as error:
        listener.close()
        text = (
            f"the desk cannot listen at {desk.host}:{desk.port}: {error.strerror}; choose another CALLSHEET_DESK_PORT"
        )
        raise PortTaken(text) from None
    listener.listen(128)
    return listener


def address(desk: DeskSettings, listener: socket.socket) -> str:
    """Say where people find the desk."""
    host = f"[{desk.host}]" if ":" in desk.host else desk.host
    return desk.url or f"http://{host}:{listener.getsockname()[1]}"
