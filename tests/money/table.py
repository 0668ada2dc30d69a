"""Writes the table of cases into the page on money, after every case has passed.

python -m tests.money.table
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from tests.money.cases import CASES
from tests.money.till import Till

PAGE = Path(__file__).parents[2] / "docs" / "money.md"
BEGIN, END = "<!-- conformance -->\n", "<!-- /conformance -->\n"


def table(cases):
    """Write the cases down, with what is said of each of them; nothing in it depends on the moment."""
    lines = ["| level | what happens | checked | spent and reserved at most | overshoot |", "|---|---|---|---|--:|"]
    lines += [f"| {each.level} | {each.happens} | {each.checked} | {each.at_most} | 0 |" for each in cases]
    return "".join(f"{line}\n" for line in lines)


def written(page, cases):
    """Put the table into a page, in the place of what stands there."""
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has no place for it: {BEGIN.strip()} … {END.strip()}")
    return f"{head}{begin}\n{table(cases)}\n{end}{tail}"


async def problem_of(case, url):
    """Play a case in a new house, and say what is wrong with what came of it."""
    till = Till(url)
    try:
        return case.problem(await case.play(till))
    finally:
        till.close()


def main():
    """Play all cases; only when every cap held, write the page."""
    for case in CASES:
        with tempfile.TemporaryDirectory() as folder:
            problem = asyncio.run(problem_of(case, f"sqlite:///{folder}/ledger.db"))
        if problem:
            sys.exit(f"{case.level}: {case.happens}: {problem}")
    PAGE.write_text(written(PAGE.read_text("utf-8"), CASES), "utf-8")


if __name__ == "__main__":
    main()
