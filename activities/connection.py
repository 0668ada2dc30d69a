"""How Callsheet reaches Temporal: the standard `TEMPORAL_*` variables and TOML profiles, or the local default."""

from collections.abc import Sequence

from temporalio.client import Client, Plugin
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.envconfig import ClientConfig, ClientConnectConfig
from temporalio.runtime import Runtime
from temporalio.service import RPCError

DEFAULT_ADDRESS = "127.0.0.1:7233"


class ServerUnreachable(ConnectionError):  # noqa: N818 - named by what happened
    """Nobody answers at the address of the Temporal server, or the connection is refused."""

    def __init__(self, address: str, reason: str) -> None:
        """Say in one line which address was tried and why it failed."""
        super().__init__(f"no Temporal server answers at {address}: {reason}")
        self.address = address


async def connect(
    default: str = DEFAULT_ADDRESS, *, plugins: Sequence[Plugin] = (), runtime: Runtime | None = None
) -> Client:
    """Connect as the environment says; `default` is the address when it names none.

    `runtime` is one that tells its metrics, where they are wanted.

    Raises:
        ServerUnreachable: when the server does not answer or refuses.
    """
    try:
        config = ClientConfig.load_client_connect_config()
    except (RuntimeError, ValueError, OSError) as error:
        raise ServerUnreachable("(no valid profile)", _first_line(error)) from None
    config.setdefault("target_host", default)
    return await _open(config, plugins, runtime)


async def connect_to(address: str) -> Client:
    """Connect to an embedded server, whatever the environment says.

    Raises:
        ServerUnreachable: when the server does not answer.
    """
    return await _open(ClientConnectConfig(target_host=address), ())


async def _open(config: ClientConnectConfig, plugins: Sequence[Plugin], runtime: Runtime | None = None) -> Client:
    address = config.get("target_host", DEFAULT_ADDRESS)
    try:
        return await Client.connect(**config, data_converter=pydantic_data_converter, plugins=plugins, runtime=runtime)
    except (RuntimeError, RPCError) as error:
        raise ServerUnreachable(address, _reason(error)) from None


def _reason(error: Exception) -> str:
    text = str(error)
    for sign, plain in (
        ("Connection refused", "connection refused"),
        ("dns error", "the name is not known"),
        ("certificate", "the certificate was not accepted"),
        ("Unauthenticated", "the credentials were not accepted"),
        ("timed out", "timed out"),
    ):
        if sign.lower() in text.lower():
            return plain
    return _first_line(error)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
