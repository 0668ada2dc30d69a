"""The evaluation page: everybody who applied, what was found, on what evidence, what was in doubt, who decided."""

from collections.abc import Mapping, Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined
from pydantic import BaseModel, ConfigDict

from activities.hiring_records import CandidateFile
from console.rates import Applied, Table, tables
from console.reviewers import Habit, habits
from workflows.models.evaluation import Compared
from workflows.models.rubrics import Docket, Role
from workflows.tracing import dollars

WORDS = {
    "advance": "Goes on",
    "decline": "Does not go on",
    "meets": "Meets the rubric",
    "below": "Below the threshold",
    "open": "Open: a person has to say",
}


class Row(BaseModel):
    """One candidate on the page, with their rank among those who have a total; equal totals share a rank."""

    model_config = ConfigDict(frozen=True)

    file: CandidateFile
    rank: int | None = None
    tied: bool = False


class Sheet(BaseModel):
    """All that the page shows."""

    model_config = ConfigDict(frozen=True)

    run: str
    title: str
    role: Role
    model: str
    rows: tuple[Row, ...]
    tables: tuple[Table, ...] = ()
    habits: tuple[Habit, ...] = ()
    micro_usd: int = 0
    sample: bool = False

    @property
    def decided(self) -> int:
        """How many a person has decided about."""
        return sum(row.file.decision is not None for row in self.rows)

    @property
    def overrode(self) -> int:
        """How many decisions went another way than the evaluation."""
        return sum(row.file.decision is not None and row.file.decision.stance == "overrode" for row in self.rows)

    @property
    def doubtful(self) -> int:
        """How many evaluations are in doubt."""
        found = [row.file.state.evaluation for row in self.rows if row.file.state]
        return sum(bool(each and each.doubts) for each in found)


def sheet_of(
    run: str,
    docket: Docket,
    files: Sequence[CandidateFile],
    *,
    model: str = "",
    micro_usd: int = 0,
    groups: Mapping[str, Mapping[str, str]] | None = None,
    sample: bool = False,
) -> Sheet:
    """Put the page together."""
    applied = applied_of(files, groups or {})
    return Sheet(
        run=run,
        title=docket.title,
        role=docket.role,
        model=model,
        rows=tuple(ranked(files)),
        tables=tables(applied) if groups else (),
        habits=habits(file.decision for file in files if file.decision),
        micro_usd=micro_usd,
        sample=sample,
    )


def applied_of(files: Sequence[CandidateFile], groups: Mapping[str, Mapping[str, str]]) -> list[Applied]:
    """Read of each candidate what the rates are worked out from; totals outlive an erasure in the decision."""
    return [
        Applied(
            key=file.key,
            selected=file.decision.outcome == "advance" if file.decision else None,
            total=_total(file),
            groups=groups.get(file.key, dict.fromkeys(_categories(groups), "unknown")),
        )
        for file in files
    ]


def ranked(files: Sequence[CandidateFile]) -> list[Row]:
    """Rank by total, in code and afterwards: nobody was ever judged beside somebody else."""
    totals = sorted((total for file in files if (total := _total(file)) is not None), reverse=True)
    rows = []
    for file in files:
        total = _total(file)
        rank = totals.index(total) + 1 if total is not None else None
        rows.append(Row(file=file, rank=rank, tied=total is not None and totals.count(total) > 1))
    return sorted(rows, key=lambda row: (row.rank is None, row.rank or 0, row.file.key))


def render(sheet: Sheet) -> str:
    """Write the page. Everything that a candidate, a model or a person wrote is escaped."""
    environment = Environment(
        loader=PackageLoader("console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"dollars": dollars, "plain": plain, "percent": percent, "level": level, "moved": moved}
    return environment.get_template("evaluation.html.j2").render(sheet=sheet)


def plain(word: str) -> str:
    """Write a value as words."""
    return WORDS.get(word, word.replace("_", " "))


def percent(share: float | None) -> str:
    """Write a share."""
    return "-" if share is None else f"{100 * share:.0f} %"


def level(score: int | None) -> str:
    """Write a level."""
    return "-" if score is None else str(score)


def moved(compared: Compared) -> bool:
    """Tell whether the two readings of a requirement came to different levels."""
    return compared.original.score != compared.redacted.score


def _total(file: CandidateFile) -> int | None:
    if file.decision:
        return file.decision.total
    return file.state.evaluation.total if file.state and file.state.evaluation else None


def _categories(groups: Mapping[str, Mapping[str, str]]) -> list[str]:
    return sorted({name for each in groups.values() for name in each})
