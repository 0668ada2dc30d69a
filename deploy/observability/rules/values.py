"""Rules as values, and how Prometheus reads them."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

RUNBOOK = "docs/operations.md"
"""Where the runbook is, seen from the root of the project; a section is named after its alert."""

Severity = Literal["page", "ticket", "none"]


class Record(NamedTuple):
    """A recording rule."""

    name: str
    expr: str
    labels: Mapping[str, str] = {}

    def data(self) -> dict[str, Any]:
        """Say it as Prometheus reads it."""
        return {"record": self.name, "expr": self.expr} | ({"labels": dict(self.labels)} if self.labels else {})


class Alert(NamedTuple):
    """An alert: `page` wakes somebody, `ticket` can wait for the morning, `none` is for machines.

    `summary` says what is wrong, `look` where to look first. Both may have the templates of Prometheus in them.
    """

    name: str
    expr: str
    after: str
    severity: Severity
    summary: str
    look: str

    def data(self) -> dict[str, Any]:
        """Say it as Prometheus reads it."""
        return {
            "alert": self.name,
            "expr": self.expr,
            "for": self.after,
            "labels": {"severity": self.severity},
            "annotations": {
                "summary": self.summary,
                "description": self.look,
                "runbook": f"{RUNBOOK}#{self.name.lower()}",
            },
        }


class Group(NamedTuple):
    """Rules that are worked out together, in their order."""

    name: str
    interval: str
    rules: Sequence[Record | Alert]

    def data(self) -> dict[str, Any]:
        """Say it as Prometheus reads it."""
        return {"name": self.name, "interval": self.interval, "rules": [rule.data() for rule in self.rules]}
