"""What each alert is tried on: metrics as they could come, minute by minute, and what is to be said of them when."""

from typing import NamedTuple

DAY = 1_500
"""Minutes: a day, and an hour for those who must wait."""


class Case(NamedTuple):
    """`series` are in promtool's notation, a sample a minute. At `at` the alert says `summary`, or rests."""

    at: str
    series: dict[str, str]
    labels: dict[str, str] = {}
    summary: str = ""


def grows(by: float, minutes: int = 180, start: float = 0) -> str:
    """A counter that grows by so much in a minute."""
    return f"{start:g}+{by:g}x{minutes}"


def stays(value: float, minutes: int = 180) -> str:
    return f"{value:g}x{minutes}"


def jumps(to: float, *, after: int, then: int = 60) -> str:
    """Nothing there, and then so much at once: a series that begins with its first event."""
    return f"_x{after} {to:g}x{then}"


def cost(values: str) -> dict[str, str]:
    return {'agent_llm_cost_usd_total{agent_name="planner", model="m"}': values}


def turns(values: str, agent: str = "planner") -> dict[str, str]:
    return {f'agent_turns_total{{agent_name="{agent}"}}': values}


def cap(dollars: float, scope: str = "fleet_month", minutes: int = 180) -> dict[str, str]:
    return {f'agent_budget_usd{{scope="{scope}", what="cap"}}': stays(dollars, minutes)}


def calls(values: str, outcome: str = "billed") -> dict[str, str]:
    return {f'agent_llm_calls_total{{agent_name="planner", model="m", outcome="{outcome}"}}': values}


def errors(kind: str, values: str) -> dict[str, str]:
    return {f'agent_llm_errors_total{{agent_name="planner", model="m", kind="{kind}"}}': values}


def rulings(ruling: str, values: str) -> dict[str, str]:
    return {f'agent_rulings_total{{agent_name="generator", ruling="{ruling}"}}': values}


def stops(stop: str, values: str) -> dict[str, str]:
    return {f'agent_llm_stops_total{{agent_name="critic", stop="{stop}"}}': values}


def ended(values: str, status: str = "complete") -> dict[str, str]:
    return {f'agent_workflows_completed_total{{agent_name="shoot_item", status="{status}"}}': values}


def tokens(kind: str, values: str) -> dict[str, str]:
    return {f'agent_llm_tokens_total{{agent_name="critic", model="m", type="{kind}"}}': values}


def called(values: str, outcome: str = "ok") -> dict[str, str]:
    return {f'agent_tool_calls_total{{tool_name="render_shot", outcome="{outcome}"}}': values}


def refused(refusal: str, values: str) -> dict[str, str]:
    return {f'agent_tool_refusals_total{{tool_name="render_shot", refusal="{refusal}"}}': values}


def items(values: str, status: str = "published") -> dict[str, str]:
    return {f'agent_items_total{{pipeline="image_production", status="{status}"}}': values}


MONTH, AGENT, MODEL = {"scope": "fleet_month"}, {"agent_name": "generator"}, {"model": "m"}
TOOL, ITEM, CRITIC = {"tool_name": "render_shot"}, {"agent_name": "shoot_item"}, {"agent_name": "critic"}
PIPELINE = {"pipeline": "image_production"}

MONEY = {
    "BudgetBurnsFast": (
        Case(
            "2h",
            cost(grows(0.5)) | cap(720) | turns(grows(1)),
            MONTH,
            "Money of fleet_month goes 30 times faster than its cap allows",
        ),
        Case(
            "104m",  # 25 dollars of a day's 24 at once, by a worker that has just begun
            cost(jumps(25, after=100)) | cap(24, "fleet_day") | turns(grows(1)),
            {"scope": "fleet_day"},
            "Money of fleet_day goes 25 times faster than its cap allows",
        ),
        Case("24m", cost(grows(0, start=9_000)) | cap(720) | turns(grows(1))),  # Prometheus has just begun to watch
        Case("2h", cost(grows(0.2)) | cap(720) | turns(grows(1))),  # 12 times
        Case("100m", cost(f"{grows(0.5, 90)} 45x60") | cap(720) | turns(grows(1))),  # it is over
        Case("2h", cost(grows(0.5)) | turns(grows(1))),  # without a cap
        Case("2h", cost(grows(0.5)) | cap(720) | turns(stays(3))),  # hardly anything happens
    ),
    "BudgetBurnsSteadily": (
        Case(
            "24h30m",
            cost(grows(0.1, DAY)) | cap(720, minutes=DAY),
            MONTH,
            "For a day, money has been going 6 times faster than the month's cap allows",
        ),
        Case("24h30m", cost(grows(0.04, DAY)) | cap(720, minutes=DAY)),
        Case("24h30m", cost(f"{grows(0.1, 1_200)} 120x300") | cap(720, minutes=DAY)),  # it is over
    ),
    "SpendingJumps": (
        Case(
            "24h16m",
            cost(f"{grows(0.01, 1_440)} {grows(1, 60, start=15)}"),
            {},
            "10 dollars in ten minutes, more than 4 times what is usual in a day",
        ),
        Case("24h16m", cost(grows(1, DAY))),
        Case("24h16m", cost(f"{grows(0.001, 1_440)} {grows(0.05, 60, start=1.5)}")),  # half a dollar
        Case("16m", cost(grows(1))),  # nobody knows yet what is usual
    ),
    "BudgetNearlyUsed": (
        Case(
            "10m",
            {'agent_budget_used_ratio{scope="tenant_day"}': stays(0.95)},
            {"scope": "tenant_day"},
            "95% of a cap of tenant_day is spent or reserved",
        ),
        Case("10m", {'agent_budget_used_ratio{scope="tenant_day"}': stays(0.85)}),
        Case("10m", {'agent_budget_used_ratio{scope="run"}': stays(1)}),  # it asks by itself
    ),
    "BudgetStopsWork": (
        Case(
            "21m",
            rulings("halt_money", jumps(1, after=20)),
            AGENT,
            "generator stopped for lack of money, and a person is asked",
        ),
        Case("40m", rulings("halt_money", jumps(1, after=20))),  # long over
        Case("21m", rulings("halt_loop", jumps(1, after=20))),
    ),
    "CostAnomaly": (
        Case(
            "81m",
            {'agent_cost_anomalies_total{agent_name="generator", kind="turn"}': jumps(1, after=80)},
            AGENT | {"kind": "turn"},
            "A turn of generator cost far more than is usual",
        ),
        Case("81m", {'agent_cost_anomalies_total{agent_name="generator", kind="turn"}': stays(3)}),
    ),
    "CostUnknown": (
        Case(
            "2h",
            calls(grows(9)) | calls(grows(1), "unknown"),
            {},
            "10% of the model calls ended without a bill",
        ),
        Case("2h", calls(grows(99)) | calls(grows(1), "unknown")),
        Case("2h", calls(grows(0.1)) | calls(grows(0.1), "unknown")),
    ),
}

WORK = {
    "WorkIsStuck": (
        Case(
            "10m",
            {'agent_workflows_stuck{agent_name="shoot_item", instance="a"}': stays(2)}
            | {'agent_workflows_stuck{agent_name="shoot_item", instance="b"}': stays(2)},  # two workers, two items
            ITEM,
            "2 of shoot_item left no record for 15 minutes, and wait for nobody",
        ),
        Case("10m", {'agent_workflows_stuck{agent_name="shoot_item"}': stays(0)}),
        Case("3m", {'agent_workflows_stuck{agent_name="shoot_item"}': stays(2)}),
    ),
    "QuestionWaits": (
        Case(
            "10m",
            {'agent_question_oldest_seconds{kind="review"}': stays(18_000)},
            {"kind": "review"},
            "The oldest question of kind review waits for 5h 0m 0s",
        ),
        Case("10m", {'agent_question_oldest_seconds{kind="review"}': stays(14_000)}),
    ),
    "QuestionIsForgotten": (
        Case(
            "10m",
            {'agent_question_oldest_seconds{kind="budget"}': stays(90_000)},
            {"kind": "budget"},
            "A question of kind budget waits for 1d 1h 0m 0s",
        ),
        Case("10m", {'agent_question_oldest_seconds{kind="budget"}': stays(80_000)}),
    ),
    "QuestionsPileUp": (
        Case(
            "20m",
            {'agent_questions_waiting{kind="review"}': stays(15), 'agent_questions_waiting{kind="budget"}': stays(9)},
            {},
            "24 questions wait for people",
        ),
        Case("20m", {'agent_questions_waiting{kind="review"}': stays(15)}),
    ),
    "QueueWaits": (
        Case(
            "10m",
            {'agent_queue_backlog_age_seconds{queue="studio"}': stays(600)},
            {"queue": "studio"},
            "The oldest task on the queue studio waits for 10m 0s",
        ),
        Case("10m", {'agent_queue_backlog_age_seconds{queue="studio"}': stays(60)}),
    ),
    "QueueGrows": (
        Case(
            "20m",
            {'agent_queue_backlog{queue="studio"}': stays(800)},
            {"queue": "studio"},
            "800 tasks wait on the queue studio",
        ),
        Case("20m", {'agent_queue_backlog{queue="studio"}': stays(300)}),
    ),
    "WorkFails": (
        Case("2h", ended(grows(3)) | ended(grows(1), "failed"), ITEM, "25% of shoot_item failed in the last hour"),
        Case("2h", ended(grows(19)) | ended(grows(1), "failed")),
        Case("2h", ended(stays(3)) | ended("0x100 1x80", "failed")),  # one of one
    ),
    "PeopleAreAskedOften": (
        Case(
            "24h40m",
            ended(grows(1, DAY)) | {'agent_escalation_rate{agent_name="shoot_item"}': stays(0.5, DAY)},
            ITEM,
            "50% of shoot_item needed a person in the last 24 hours",
        ),
        Case("24h40m", ended(grows(1, DAY)) | {'agent_escalation_rate{agent_name="shoot_item"}': stays(0.1, DAY)}),
        Case("24h40m", ended(stays(9, DAY)) | {'agent_escalation_rate{agent_name="shoot_item"}': stays(0.5, DAY)}),
    ),
    "AgentLoops": (
        Case(
            "90m",
            rulings("halt_loop", jumps(4, after=80)),
            AGENT,
            "generator went in circles and was halted 4 times in an hour",
        ),
        Case("90m", rulings("halt_loop", jumps(2, after=80))),
        Case("90m", rulings("nudge", jumps(40, after=80))),
    ),
    "AgentBreaksOff": (
        Case("90m", rulings("halt_broken", jumps(4, after=80)), AGENT, "generator could not go on 4 times in an hour"),
        Case("90m", rulings("halt_broken", jumps(2, after=80))),
    ),
}
