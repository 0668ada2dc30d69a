"""Results: what the trials of a suite came to, kept, and compared with the last time."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from console.evals.figures import Interval, difference, mean, mean_difference, rate

MICRO = 1_000_000
COST = "cost-usd"
"""The measure that every suite has."""


class Kept(BaseModel):
    """A part of the results."""

    model_config = ConfigDict(frozen=True)


class Trial(Kept):
    """One trial of a case: what was missed, what it cost, and what was measured."""

    case: str
    run: str
    misses: tuple[str, ...] = ()
    micro_usd: int = 0
    measured: dict[str, float] = {}

    @property
    def passed(self) -> bool:
        """Tell that everything held that was expected."""
        return not self.misses


class Results(Kept):
    """All trials of one time. `left_out` were not begun, because the suite's budget was spent."""

    suite: str
    model: str
    played_by: str = ""
    at: datetime
    pass_rate: float
    trials: tuple[Trial, ...]
    left_out: int = 0

    @property
    def score(self) -> tuple[int, int]:
        """How many passed, of how many."""
        return sum(trial.passed for trial in self.trials), len(self.trials)

    @property
    def cases(self) -> tuple[str, ...]:
        """Name the cases, in order."""
        return tuple(dict.fromkeys(trial.case for trial in self.trials))

    @property
    def micro_usd(self) -> int:
        """What it cost altogether."""
        return sum(trial.micro_usd for trial in self.trials)

    def of(self, case: str) -> "Results":
        """Give the results of one case."""
        return self.model_copy(update={"trials": tuple(trial for trial in self.trials if trial.case == case)})

    def values(self, measure: str) -> list[float]:
        """Give what was measured in every trial that has it."""
        if measure == COST:
            return [trial.micro_usd / MICRO for trial in self.trials]
        return [trial.measured[measure] for trial in self.trials if measure in trial.measured]

    @property
    def measures(self) -> tuple[str, ...]:
        """Name what was measured."""
        return (COST, *dict.fromkeys(name for trial in self.trials for name in trial.measured))


class Change(Kept):
    """How a figure has changed since the last time; only a change that is more than chance counts."""

    name: str
    interval: Interval

    @property
    def word(self) -> str:
        """Say in a word what it means."""
        if not self.interval.excludes_zero:
            return "no change beyond chance"
        return "higher" if self.interval.value > 0 else "lower"


def changes(now: Results, before: Results) -> Iterator[Change]:
    """Compare with an earlier time: the rate of passing, then every measure that both have."""
    yield Change(name="pass-rate", interval=difference(now.score, before.score))
    for measure in now.measures:
        changed = mean_difference(now.values(measure), before.values(measure))
        if changed is not None:
            yield Change(name=measure, interval=changed)


def shortfalls(now: Results, before: Results | None) -> list[str]:
    """Say why a build should not go on: too few passed, or fewer than last time, beyond chance."""
    passed, of = now.score
    found = []
    if of == 0 or passed / of < now.pass_rate:
        found.append(f"{passed} of {of} trials passed; {now.pass_rate:.0%} must")
    if now.left_out:
        found.append(f"{now.left_out} trials were not begun: the suite's budget was spent")
    if before is not None and (worse := difference(now.score, before.score)).high < 0:
        found.append(f"the pass rate fell by {-worse.value:.0%} since {before.at:%Y-%m-%d %H:%M}, beyond chance")
    return found


def summary(results: Results) -> list[tuple[str, Interval]]:
    """Give every figure with its interval."""
    figures = [("pass-rate", rate(*results.score))]
    return figures + [(name, found) for name in results.measures if (found := mean(results.values(name)))]


class Shelf:
    """Keeps the results of every suite, the last ones first to hand."""

    def __init__(self, home: Path) -> None:
        """Keep them in a folder of the home."""
        self._folder = home / "evals"

    def last(self, suite: str) -> Results | None:
        """Give the last results; what cannot be read any more is as if it had not been."""
        for path in reversed(self._files(suite)):
            try:
                return Results.model_validate_json(path.read_text(encoding="utf-8"))
            except (OSError, ValidationError):
                continue
        return None

    def keep(self, results: Results) -> Path:
        """Keep new results beside the old ones."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{results.suite}@{results.at:%Y%m%dT%H%M%S%f}.json"
        path.write_text(results.model_dump_json(indent=1) + "\n", encoding="utf-8")
        return path

    def _files(self, suite: str) -> Sequence[Path]:
        return sorted(self._folder.glob(f"{suite}@*.json")) if self._folder.exists() else []
