"""Reads documents in a process of their own: a file that breaks its parser breaks nothing else."""

import asyncio
import contextlib
import json
import os
import sys
from pathlib import Path
from typing import Final

from activities.documents.extracts import Extract, Unreadable, too_large

PATIENCE: Final = 60.0
"""Seconds on a busy machine; the process itself has 20 of CPU."""
HOUSE: Final = Path(__file__).parent.parent.parent
BROKE: Final = "reading the document took more time or memory than any document needs, or broke its reader"


async def read_apart(data: bytes) -> Extract:
    """Read a document.

    Raises:
        Unreadable: it cannot be read; the text says why.
    """
    if (problem := too_large(len(data))) is not None:
        raise Unreadable(problem)
    env = {"PATH": os.defpath, "PYTHONPATH": str(HOUSE), "PYTHONDONTWRITEBYTECODE": "1"}  # no secrets in there
    reader = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "activities.documents",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=env,
    )
    try:
        written, _ = await asyncio.wait_for(reader.communicate(data), PATIENCE)
    except TimeoutError:
        raise Unreadable(BROKE) from None
    finally:
        with contextlib.suppress(ProcessLookupError):
            reader.kill()
    return _told(written)


def _told(written: bytes) -> Extract:
    try:
        told = json.loads(written)
        if "unreadable" in told:
            raise Unreadable(str(told["unreadable"]))
        parts = {name: tuple(told[name]) for name in ("pages", "hidden", "notes")}
        return Extract(kind=told["kind"], text=told["text"], **parts)
    except (ValueError, KeyError, TypeError):
        raise Unreadable(BROKE) from None
