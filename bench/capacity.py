"""How large must a fleet be? Measured on a fleet in small, and worked out for any number of items a day.

    python -m bench.capacity simulate [--items 1000 100000 ...] [--kind images|candidate] [--peak-factor 5 ...]
    python -m bench.capacity measure [sqlite] [postgresql] [ledger] [--images 15] [--refined 4]
    python -m bench.capacity write-docs

`simulate` prints what a fleet needs and what breaks first; each assumption has a flag of its name. `measure` takes some
minutes: four workers, one for each pool, produce images with the studio and evaluate the sample candidates, and the
figures of an accepted item go to `bench/capacity.json`. `write-docs` writes the tables of `docs/sizing.md`.
"""

import argparse
import asyncio
import json
import sys
from dataclasses import fields
from pathlib import Path

from activities.leave import leave
from bench import capacity_docs
from bench.capacity_assumptions import Assumptions

FIGURES = Path(__file__).parent / "capacity.json"
CANDIDATES = 7
PARTS = ("sqlite", "postgresql", "ledger")


def simulate(options: argparse.Namespace) -> None:
    """Print what is needed, and what breaks first."""
    given = Assumptions(**{each.name: getattr(options, each.name) for each in fields(Assumptions)})
    found = json.loads(FIGURES.read_text())
    sizes = tuple(options.items)
    item = capacity_docs.items_of(found, given)[options.kind]
    plans = capacity_docs.plans_of(item, found, given, sizes)
    print(capacity_docs.needs_table(plans, given), end="\n\n")
    print(capacity_docs.breaks_table(plans, given), end="\n\n")
    print(capacity_docs.cures(plans, given))


def measure(options: argparse.Namespace) -> None:
    """Measure, and keep the figures."""
    from bench.capacity_ledger import measure_ledger  # noqa: PLC0415 - these start servers; the tables need none
    from bench.capacity_measure import keep, measure_items  # noqa: PLC0415

    for part in options.parts or PARTS:
        if part == "ledger":
            found = measure_ledger()
        else:
            asked = measure_items(
                postgres=part == "postgresql", images=options.images, refined=options.refined, candidates=CANDIDATES
            )
            found = asyncio.run(asked)
        keep(FIGURES, part, found)
        print(f"{part}: kept in {FIGURES.name}", flush=True)


def write_docs(_: argparse.Namespace) -> None:
    """Write the tables of the page."""
    page = capacity_docs.PAGE
    texts = capacity_docs.blocks(json.loads(FIGURES.read_text()), Assumptions())
    page.write_text(capacity_docs.written(page.read_text(), texts))


def parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    whole = argparse.ArgumentParser(prog="python -m bench.capacity", description=(__doc__ or "").partition("\n")[0])
    commands = whole.add_subparsers(required=True)
    simulating = commands.add_parser("simulate", help="work out what a fleet needs")
    simulating.set_defaults(run=simulate)
    simulating.add_argument("--items", type=float, nargs="+", default=capacity_docs.SIZES, help="items a day")
    simulating.add_argument("--kind", choices=("images", "image", "refined_image", "candidate"), default="images")
    for each in fields(Assumptions):
        name, says = "--" + each.name.replace("_", "-"), f"{each.metadata['says']} ({each.default:g})"
        simulating.add_argument(name, type=float, default=each.default, help=says.replace("%", "%%"))
    measuring = commands.add_parser("measure", help="measure what an item takes")
    measuring.set_defaults(run=measure)
    measuring.add_argument("parts", nargs="*", choices=(*PARTS, []), help="which; all of them by default")
    measuring.add_argument("--images", type=int, default=15)
    measuring.add_argument("--refined", type=int, default=4)
    commands.add_parser("write-docs", help="write the tables of docs/sizing.md").set_defaults(run=write_docs)
    return whole


if __name__ == "__main__":
    asked = parser().parse_args()
    asked.run(asked)
    sys.stdout.flush()
    leave(0)
