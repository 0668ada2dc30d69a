"""Alerts on money: how fast it goes, what is nearly used up, and what cost more than usual."""

from deploy.observability.clock import Clock
from deploy.observability.promql import grown, latest
from deploy.observability.rules.values import Alert, Group

FAST, SLOW = 14.4, 3
"""So many times faster than the cap allows. 14.4 takes 2 % of a month, or 60 % of a day, in an hour."""
SPIKE = 4
TAKES = (
    "`starter.py top` shows which runs spend, the dashboard Money which agents and models. "
    "`starter.py budget set` lowers a cap at once; `starter.py cancel RUN` stops a run."
)


def group(clock: Clock) -> Group:
    """Make the alerts."""
    return Group("callsheet-money", clock.pause("30s"), [*_burns(clock), _spike(clock), *_caps(clock), *_odd(clock)])


def _burns(clock: Clock) -> list[Alert]:
    calls = f"on () (sum(callsheet:turns:increase1h) >= {clock.volume(5)})"
    fast = f"callsheet:budget_burn:ratio1h > {FAST} and callsheet:budget_burn:ratio5m > {FAST} and {calls}"
    slow = "callsheet:budget_burn:ratio24h{{{0}}} > {1} and callsheet:budget_burn:ratio2h{{{0}}} > {1}"
    return [
        Alert(
            "BudgetBurnsFast",
            fast,
            clock.pause("2m"),
            "page",
            "Money of {{ $labels.scope }} goes {{ $value | humanize }} times faster than its cap allows",
            f"At this pace 2 % of a month's cap, or 60 % of a day's, are gone in an hour. {TAKES}",
        ),
        Alert(
            "BudgetBurnsSteadily",
            slow.format('scope="fleet_month"', SLOW),
            clock.pause("15m"),
            "ticket",
            "For a day, money has been going {{ $value | humanize }} times faster than the month's cap allows",
            f"The month's cap will be used up in ten days or sooner. {TAKES}",
        ),
    ]


def _spike(clock: Clock) -> Alert:
    now, usual = "callsheet:llm_cost_usd:increase10m", "callsheet:llm_cost_usd:increase24h / 144"
    return Alert(
        "SpendingJumps",
        f"{now} > {SPIKE} * {usual} and {now} > {clock.volume(1)} and {_settled(clock)}",
        clock.pause("5m"),
        "ticket",
        "{{ $value | humanize }} dollars in ten minutes, more than 4 times what is usual in a day",
        f"A new run, a loop, or a prompt cache that is read no more. {TAKES}",
    )


def _settled(clock: Clock) -> str:
    """Ask that a day was watched: before that, nobody knows what is usual."""
    return f"on () count(up offset {clock.span('24h')})"


def _caps(clock: Clock) -> list[Alert]:
    used = latest("agent_budget_used_ratio", "scope", 'scope!="run"')
    stopped = grown(clock, "agent_rulings_total", "15m", "agent_name", 'ruling="halt_money"')
    return [
        Alert(
            "BudgetNearlyUsed",
            f"{used} > 0.9",
            clock.pause("5m"),
            "ticket",
            "{{ $value | humanizePercentage }} of a cap of {{ $labels.scope }} is spent or reserved",
            "At 100 % agents stop and ask for money. `starter.py budget show` says where it went; "
            "`starter.py budget top-up` or `set` raises the cap.",
        ),
        Alert(
            "BudgetStopsWork",
            f"{stopped} > 0",
            clock.pause("0s"),
            "ticket",
            "{{ $labels.agent_name }} stopped for lack of money, and a person is asked",
            "`starter.py pending` lists the questions, with the account and what is needed. "
            "`starter.py budget top-up ACCOUNT AMOUNT` answers all that wait for it; they go on where they stood.",
        ),
    ]


def _odd(clock: Clock) -> list[Alert]:
    calls = grown(clock, "agent_llm_calls_total", "1h")
    unknown = grown(clock, "agent_llm_calls_total", "1h", where='outcome="unknown"')
    return [
        Alert(
            "CostAnomaly",
            "callsheet:cost_anomalies:increase1h > 0",
            clock.pause("0s"),
            "ticket",
            "A {{ $labels.kind }} of {{ $labels.agent_name }} cost far more than is usual",
            "The log has a `ruling` of kind `anomaly` with the figures and the ids; `starter.py cost RUN` shows where "
            "the money went.",
        ),
        Alert(
            "CostUnknown",
            f"{unknown} / ({calls} >= {clock.volume(20)}) > 0.05",
            clock.pause("10m"),
            "ticket",
            "{{ $value | humanizePercentage }} of the model calls ended without a bill",
            "They count at what was reserved for them, so caps hold, but less work fits under them. Streams that break "
            "and workers that are killed leave such calls: look at ModelStumbles, and at restarts of workers.",
        ),
    ]
