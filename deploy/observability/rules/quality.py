"""Alerts on quality: what is made is worse than it was."""

from deploy.observability.clock import Clock
from deploy.observability.promql import grown
from deploy.observability.rules.values import Alert, Group


def group(clock: Clock) -> Group:
    """Make the alerts."""
    enough = f"on (pipeline) (callsheet:items_ended:increase24h >= {clock.volume(20)})"
    lost = grown(clock, "agent_items_total", "24h", "pipeline", 'status!="published"')
    alerts = [
        Alert(
            "FirstPassYieldFalls",
            f"callsheet:first_pass:ratio24h < 0.3 and {enough}",
            clock.pause("30m"),
            "ticket",
            "Only {{ $value | humanizePercentage }} of the items of {{ $labels.pipeline }} pass at the first take",
            "The dashboard Quality shows scores by attempt: when all are low, the critic or a venue's rules changed; "
            "when only the first is, the planner or the generator did. `starter.py report RUN` shows take by take.",
        ),
        Alert(
            "ItemsAreLost",
            f"{lost} / callsheet:items_ended:increase24h > 0.2 and {enough}",
            clock.pause("30m"),
            "ticket",
            "{{ $value | humanizePercentage }} of the items of {{ $labels.pipeline }} end without being published",
            "`starter.py status RUN` says of each item what became of it: rejected by a person or by silence, failed, "
            "or canceled.",
        ),
    ]
    return Group("callsheet-quality", clock.pause("30s"), alerts)
