"""The command line: start, watch, decide, inspect, demo. `callsheet --help` lists the commands."""

import sys

from activities.leave import leave
from console.app import run


def main() -> None:
    """Run one command and leave with its exit code."""
    leave(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
