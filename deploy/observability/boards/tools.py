"""Tools: how often they are called, how long they take, and what was caught before they ran."""

from deploy.observability.boards.queries import bars, none_is_zero, per_minute, percentile, total
from deploy.observability.boards.values import MILLISECONDS, SHARE, Board, Panel, Query, Row
from deploy.observability.clock import REAL
from deploy.observability.promql import grown

RANGE = "$__range"
MADE_UP = 'refusal=~"reference|owner|unknown_tool"'
CALLS = grown(REAL, "agent_tool_calls_total", RANGE)
REFUSED = grown(REAL, "agent_tool_calls_total", RANGE, where='outcome="refused"')
EACH = grown(REAL, "agent_tool_calls_total", RANGE, "tool_name")
EACH_REFUSED = grown(REAL, "agent_tool_calls_total", RANGE, "tool_name", 'outcome="refused"')

GLANCE = Row(
    "At a glance",
    [
        Panel("stat", "Calls", "In the time that is shown.", [none_is_zero(total("agent_tool_calls_total"))], wide=4),
        Panel(
            "stat",
            "Refused before they ran",
            "The share of calls that did not pass the checks. The agent gets an error and a hint, and tries again.",
            [Query(f"(({REFUSED}) or vector(0)) / ({CALLS} > 0)", "refused")],
            SHARE,
            (0.05, 0.15),
            wide=5,
        ),
        Panel(
            "stat",
            "Made-up ids and tools caught",
            "Calls that name what does not exist, or is somebody else's. Runbook: IdsAreMadeUp.",
            [none_is_zero(total("agent_tool_refusals_total", where=MADE_UP))],
            steps=(1, 20),
            wide=5,
        ),
        Panel(
            "stat",
            "Wrong arguments caught",
            "Calls that do not fit the schema. Runbook: ArgumentsAreWrong.",
            [none_is_zero(total("agent_tool_refusals_total", where='refusal=~"schema|not_an_object"'))],
            steps=(1, 20),
            wide=5,
        ),
        Panel(
            "stat",
            "Errors raised",
            "Calls in which the tool itself broke. Runbook: ToolFails.",
            [none_is_zero(total("agent_tool_refusals_total", where='refusal="raised"'))],
            steps=(1, 5),
            wide=5,
        ),
    ],
)

CALLED = Row(
    "Calls",
    [
        Panel(
            "stack",
            "Calls a minute, by tool",
            "`unknown` stands for tools that models made up.",
            [per_minute("agent_tool_calls_total", "tool_name")],
        ),
        Panel(
            "bars",
            "Calls, by outcome",
            "`declined`: the tool ran and said no; `refused`: it did not run.",
            [bars("agent_tool_calls_total", "outcome")],
        ),
        Panel(
            "table",
            "Tool by tool",
            "In the time that is shown. Times above 5 s read as 5 s: the last bucket ends there.",
            [
                Query(EACH, "calls"),
                Query(f"(({EACH_REFUSED}) or ({EACH}) * 0) / (({EACH}) > 0)", "refused, share"),
                percentile(0.5, "agent_tool_call_duration_ms", "tool_name", window=RANGE)._replace(name="p50, ms"),
                percentile(0.95, "agent_tool_call_duration_ms", "tool_name", window=RANGE)._replace(name="p95, ms"),
            ],
        ),
    ],
)

TIMES_TAKEN = Row(
    "How long they take",
    [
        Panel(
            "lines",
            "Median",
            "Half of the calls are faster.",
            [percentile(0.5, "agent_tool_call_duration_ms", "tool_name")],
            MILLISECONDS,
            wide=12,
        ),
        Panel(
            "lines",
            "95th percentile",
            "One call in twenty is slower. Above 5 s it reads as 5 s: the last bucket ends there.",
            [percentile(0.95, "agent_tool_call_duration_ms", "tool_name")],
            MILLISECONDS,
            (2_500, 5_000),
            wide=12,
        ),
    ],
)

CAUGHT = Row(
    "What was caught",
    [
        Panel(
            "bars",
            "Refusals, by kind",
            "`reference`: no such id; `owner`: somebody else's; `schema`: does not fit; `approval`: not agreed to.",
            [bars("agent_tool_refusals_total", "refusal")],
        ),
        Panel(
            "bars",
            "Made-up ids, by tool",
            "The tools for which agents make ids up. They may lack one to look them up.",
            [bars("agent_tool_refusals_total", "tool_name", MADE_UP)],
        ),
        Panel(
            "bars",
            "Wrong arguments, by tool",
            "The tools whose schema or description is not clear enough.",
            [bars("agent_tool_refusals_total", "tool_name", 'refusal=~"schema|not_an_object"')],
        ),
    ],
)

BOARD = Board(
    "callsheet-tools",
    "Callsheet: tools",
    "How often tools are called, how long they take, and what was caught before they ran.",
    [GLANCE, CALLED, TIMES_TAKEN, CAUGHT],
)
