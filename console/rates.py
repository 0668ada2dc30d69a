"""Selection rates and impact ratios, by groups that candidates named of their own accord. An export, not an audit.

The groups come from a file of their own when the figures are asked for. The engine never keeps them; no evaluator or
reviewer is ever shown them.
"""

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import median
from typing import Final, NamedTuple

from pydantic import BaseModel, ConfigDict

UNKNOWN: Final = "unknown"
FOUR_FIFTHS: Final = 0.8
SMALL: Final = 30
"""Applicants below which a rate says little, whatever it is."""
LEAST_SHARE: Final = 0.02
"""Share of the applicants below which an auditor may leave a group out, with reasons."""
Z: Final = 1.959963984540054


class Applied(NamedTuple):
    """One applicant: selected or not (None: no decision yet), the total (None: there is none), and their groups."""

    key: str
    selected: bool | None
    total: int | None
    groups: Mapping[str, str]


class Rate(BaseModel):
    """One group's rate with its 95 % interval. `ratio` is to the highest rate, `flagged` where it is below 4/5."""

    model_config = ConfigDict(frozen=True)

    category: str
    group: str
    applicants: int
    selected: int
    rate: float | None
    low: float | None
    high: float | None
    ratio: float | None
    flagged: bool
    caveat: str = ""


class Table(BaseModel):
    """The rates of one category of groups. `unknown` counts those who named no group."""

    model_config = ConfigDict(frozen=True)

    measure: str
    category: str
    rates: tuple[Rate, ...]
    unknown: int


def read_groups(text: str) -> dict[str, dict[str, str]]:
    """Read a CSV file with a column `candidate` and one column for each category; empty cells are unknown.

    Raises:
        ValueError: it is no such file; the text says why.
    """
    rows = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    reader = csv.DictReader(io.StringIO("\n".join(rows)))
    names = [name for name in reader.fieldnames or () if name and name != "candidate"]
    if "candidate" not in (reader.fieldnames or ()) or not names:
        raise ValueError(
            "the first line has to name a column `candidate` and at least one category, e.g. sex,ethnicity"
        )
    found: dict[str, dict[str, str]] = {}
    for number, row in enumerate(reader, 2):
        key = (row.get("candidate") or "").strip()
        if not key or key in found:
            raise ValueError(f"row {number}: the candidate is {'named twice: ' + key if key else 'missing'}")
        found[key] = {name: (row.get(name) or "").strip() or UNKNOWN for name in names}
    return found


def tables(applied: Sequence[Applied]) -> tuple[Table, ...]:
    """Work out selection rates and scoring rates for every category, and for their intersection."""
    middle = median([each.total for each in applied if each.total is not None] or [0])
    measures: dict[str, Callable[[Applied], bool | None]] = {
        "selected": lambda each: each.selected,
        "scored above the median": lambda each: None if each.total is None else each.total > middle,
    }
    names = sorted({name for each in applied for name in each.groups})
    categories = [(name,) for name in names] + ([tuple(names)] if len(names) > 1 else [])
    return tuple(
        _table(measure, names, counts, applied) for measure, counts in measures.items() for names in categories
    )


def _table(
    measure: str, names: tuple[str, ...], counts: Callable[[Applied], bool | None], applied: Iterable[Applied]
) -> Table:
    found: dict[str, list[bool]] = {}
    unknown = 0
    for each in applied:
        parts = [each.groups.get(name, UNKNOWN) for name in names]
        counted = counts(each)
        if UNKNOWN in parts:
            unknown += 1
        elif counted is not None:
            found.setdefault(" x ".join(parts), []).append(counted)
    whole = sum(len(each) for each in found.values())
    best = max((sum(each) / len(each) for each in found.values()), default=0.0)
    category = " x ".join(names)
    rates = [_rate(category, group, each, best, whole) for group, each in sorted(found.items())]
    return Table(measure=measure, category=category, rates=tuple(rates), unknown=unknown)


def _rate(category: str, group: str, counted: Sequence[bool], best: float, whole: int) -> Rate:
    number, selected = len(counted), sum(counted)
    rate = selected / number
    ratio = rate / best if best else None
    low, high = wilson(selected, number)
    return Rate(
        category=category,
        group=group,
        applicants=number,
        selected=selected,
        rate=rate,
        low=low,
        high=high,
        ratio=ratio,
        flagged=ratio is not None and ratio < FOUR_FIFTHS,
        caveat=_caveat(number, whole),
    )


def _caveat(number: int, whole: int) -> str:
    if number < LEAST_SHARE * whole:
        return f"{number} of {whole}: under 2 % of the data; an auditor may leave it out, with reasons"
    return f"only {number}: one decision moves this rate by {100 / number:.0f} points" if number < SMALL else ""


def wilson(selected: int, number: int) -> tuple[float, float]:
    """Give the 95 % interval of a share by Wilson's score, which holds for small numbers too."""
    share, square = selected / number, Z * Z
    middle = share + square / (2 * number)
    width = Z * ((share * (1 - share) + square / (4 * number)) / number) ** 0.5
    scale = 1 + square / number
    return max((middle - width) / scale, 0.0), min((middle + width) / scale, 1.0)


def as_csv(found: Iterable[Table]) -> str:
    """Write the tables for an auditor."""
    out = io.StringIO()
    names = (
        "measure",
        "category",
        "group",
        "applicants",
        "selected",
        "rate",
        "low",
        "high",
        "ratio",
        "flagged",
        "caveat",
    )
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    for table in found:
        for rate in table.rates:
            row = {"measure": table.measure, **rate.model_dump()}
            writer.writerow([f"{row[name]:.4f}" if isinstance(row[name], float) else row[name] for name in names])
        writer.writerow((table.measure, table.category, UNKNOWN, table.unknown, *[""] * 7))
    return out.getvalue()
