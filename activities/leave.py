"""The one way out of a process that used Temporal."""

import logging
import os
import sys
from typing import NoReturn


def leave(code: int) -> NoReturn:
    """Flush everything and end the process at once with `code`.

    A process that used a Temporal client may abort while the interpreter shuts down, after its work is done
    (temporalio/sdk-python#300): a success would then end with code 134. Ending without that shutdown avoids it. Close
    stores, telemetry and child processes before: exit handlers do not run.
    """
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):  # a closed pipe, e.g. `| head`: there is nobody left to tell
            continue
    os._exit(code)
