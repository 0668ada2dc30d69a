"""Operations: what runs, what is stuck, who is waited for, how fast money goes, and what breaks."""

from deploy.observability.boards.present import NOW, WAITING
from deploy.observability.boards.queries import AGENT, PIPELINE, bars, gauge, per_minute, percentile
from deploy.observability.boards.values import (
    BYTES,
    COUNT,
    DOLLARS,
    MILLISECONDS,
    SECONDS,
    SHARE,
    TIMES,
    Board,
    Panel,
    Query,
    Row,
)

WORK = Row(
    "Work",
    [
        Panel(
            "stack",
            "Running by kind",
            "Runs, items and single agents that are under way.",
            [gauge("agent_workflows_running", "agent_name", PIPELINE)],
        ),
        Panel(
            "lines",
            "Stuck by kind",
            "No record for 15 minutes, and no person is waited for.",
            [gauge("agent_workflows_stuck", "agent_name", PIPELINE)],
            steps=(1, 1),
        ),
        Panel(
            "bars",
            "Begun and ended",
            "How many began, and how those that ended did.",
            [
                bars("agent_workflows_started_total", "agent_name", PIPELINE)._replace(name="begun: {{agent_name}}"),
                bars("agent_workflows_completed_total", "status", PIPELINE)._replace(name="ended: {{status}}"),
            ],
        ),
        Panel(
            "lines",
            "Tasks that wait, by queue",
            "From Temporal's statistics. A queue that grows needs more workers. Runbook: QueueGrows.",
            [gauge("agent_queue_backlog", "queue")],
            steps=(100, 500),
        ),
        Panel(
            "lines",
            "Age of the oldest task, by queue",
            "How long work waits before anybody begins with it.",
            [gauge("agent_queue_backlog_age_seconds", "queue")],
            SECONDS,
            (60, 300),
        ),
        Panel(
            "lines",
            "Turns a minute, by agent",
            "The pulse of the house: a flat line while something runs is a model that does not answer.",
            [per_minute("agent_turns_total", "agent_name", AGENT)],
        ),
    ],
)

MODEL = Row(
    "Model and errors",
    [
        Panel(
            "bars",
            "Errors of the model, by kind",
            "Each failed attempt; calls are made again. Runbook: ModelIsOverloaded, ModelStumbles, ModelRejectsUs.",
            [bars("agent_llm_errors_total", "kind", AGENT)],
        ),
        Panel(
            "lines",
            "Duration of model calls",
            "Above two minutes it reads as two minutes: the last bucket ends there.",
            [
                percentile(0.5, "agent_llm_call_duration_ms", "model"),
                percentile(0.95, "agent_llm_call_duration_ms", "model"),
            ],
            MILLISECONDS,
            (30_000, 60_000),
        ),
        Panel(
            "bars",
            "How replies ended",
            "`refusal` and `max_tokens` are what to look for; `over_budget` was not asked at all.",
            [bars("agent_llm_stops_total", "stop", AGENT)],
        ),
        Panel(
            "bars",
            "Rulings of the guards",
            "Nudges, reminders and compactions are everyday; each halt asks a person. Runbook: AgentLoops.",
            [bars("agent_rulings_total", "ruling", AGENT)],
        ),
        Panel(
            "bars",
            "Tools that raised",
            "Errors of tools, not of arguments. Runbook: ToolFails.",
            [bars("agent_tool_refusals_total", "tool_name", 'refusal="raised"')],
        ),
        Panel(
            "bars",
            "Failed runs, items and agents",
            "`starter.py status ID` says why. Runbook: WorkFails.",
            [bars("agent_workflows_completed_total", "agent_name", f'status="failed", {PIPELINE}')],
        ),
    ],
)

SPEED = Row(
    "How fast money goes, and how large things are",
    [
        Panel(
            "stack",
            "Dollars a minute, by agent",
            "Live, from each call as it is settled.",
            [per_minute("agent_llm_cost_usd_total", "agent_name", AGENT)],
            DOLLARS,
        ),
        Panel(
            "lines",
            "Budget burn of the fleet",
            "How many times faster money goes than its cap allows; 1 uses it up exactly. Empty without a cap. "
            "Runbook: BudgetBurnsFast.",
            [
                Query("callsheet:budget_burn:ratio1h", "{{scope}}, 1 h"),
                Query("callsheet:budget_burn:ratio24h", "{{scope}}, 24 h"),
            ],
            TIMES,
            (3, 14.4),
        ),
        Panel(
            "lines",
            "Highest use of a cap",
            "Spent and reserved, as a part of the cap; of all caps of its kind the one that is used most.",
            [gauge("agent_budget_used_ratio", "scope")],
            SHARE,
            (0.8, 0.95),
        ),
        Panel(
            "lines",
            "Turns of a workflow",
            "When it ended. Above 30 it reads as 30: the last bucket ends there.",
            [
                percentile(0.5, "agent_turns_per_workflow", "agent_name", PIPELINE),
                percentile(0.95, "agent_turns_per_workflow", "agent_name", PIPELINE),
            ],
            COUNT,
        ),
        Panel(
            "lines",
            "Events in a history, p95",
            "When it ended. Long ones continue as new by themselves.",
            [percentile(0.95, "agent_history_events", "agent_name", PIPELINE)],
            COUNT,
            (2_000, 5_000),
        ),
        Panel(
            "lines",
            "Size of a history, p95",
            "When it ended. It grows with the turns, not with what was said.",
            [percentile(0.95, "agent_history_bytes", "agent_name", PIPELINE)],
            BYTES,
            (1_000_000, 5_000_000),
        ),
    ],
)

BOARD = Board(
    "callsheet-operations",
    "Callsheet: operations",
    "What runs, what is stuck, who is waited for and how long, how fast money goes, and what breaks.",
    [NOW, WAITING, WORK, MODEL, SPEED],
)
