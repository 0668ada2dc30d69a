"""`python -m rehearsal --port 8090 [--script FILE]`: run the stand-in until it is told to end."""

import argparse
import asyncio
import signal
import sys
from pathlib import Path
from typing import Final

from rehearsal.player import Player
from rehearsal.roles import Roles
from rehearsal.script_files import load_script
from rehearsal.server import HOST, Rehearsal

REMEMBERED: Final = 20


async def serve(player: Player, host: str, port: int) -> None:
    """Serve until SIGINT or SIGTERM."""
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with Rehearsal(player, host=host, port=port, remembered=REMEMBERED) as server:
        sys.stdout.write(f"rehearsal (rule-based, no language model) on {server.url}\n")
        sys.stdout.flush()
        await ended.wait()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="rehearsal", description="A rule-based stand-in for the model API.")
    parser.add_argument("--port", type=int, default=8090, help="0 lets the system choose")
    parser.add_argument("--host", default=HOST, help="address to listen at; it has no password")
    parser.add_argument("--script", type=Path, help="YAML or JSON with fixed turns; the roles answer for the rest")
    options = parser.parse_args()
    player: Player = load_script(options.script, else_=Roles()) if options.script else Roles()
    asyncio.run(serve(player, options.host, options.port))


if __name__ == "__main__":
    main()
