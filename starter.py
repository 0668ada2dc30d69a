"""The command line: start, watch, decide, inspect, demo. `callsheet --help` lists the commands."""

import sys


def main() -> None:
    """Run one command and leave with its exit code."""
    try:
        from activities.leave import leave  # noqa: PLC0415 - here, so that a missing part is said in one line
        from console.app import run  # noqa: PLC0415 - as above
    except ImportError as error:
        sys.stderr.write(f"callsheet: a part is missing: {error}. Set up first: make setup\n")
        sys.exit(9)
    leave(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
