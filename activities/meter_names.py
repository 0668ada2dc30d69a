"""Every metric of the house: its name as it arrives in Prometheus, its kind, its labels, and what it says."""

from typing import Literal, NamedTuple

Kind = Literal["counter", "histogram", "gauge"]

TURNS = (1, 3, 5, 10, 15, 20, 25, 30)
TOOL_MS = (50, 100, 250, 500, 1_000, 2_500, 5_000)
COST_USD = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 5)
MODEL_MS = (250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 120_000)
SCORES = (10, 20, 30, 40, 50, 60, 70, 80, 90, 100)
EVENTS = (50, 100, 250, 500, 1_000, 2_000, 5_000)
BYTES = (10_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 5_000_000)


class Metric(NamedTuple):
    """One metric. It has no unit, because Prometheus would hang it on the name. Only histograms have `buckets`."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    says: str
    buckets: tuple[float, ...] = ()


WORKFLOWS_STARTED = "agent_workflows_started_total"
WORKFLOWS_COMPLETED = "agent_workflows_completed_total"
TURNS_PER_WORKFLOW = "agent_turns_per_workflow"
TOOL_CALL_DURATION = "agent_tool_call_duration_ms"
WORKFLOW_COST = "agent_workflow_cost_usd"
ESCALATION_RATE = "agent_escalation_rate"
LLM_COST = "agent_llm_cost_usd_total"
LLM_TOKENS = "agent_llm_tokens_total"
LLM_CALLS = "agent_llm_calls_total"
LLM_ERRORS = "agent_llm_errors_total"
LLM_DURATION = "agent_llm_call_duration_ms"
LLM_STOPS = "agent_llm_stops_total"
TURNS_TAKEN = "agent_turns_total"
RULINGS = "agent_rulings_total"
TOOL_CALLS = "agent_tool_calls_total"
TOOL_REFUSALS = "agent_tool_refusals_total"
ESCALATIONS = "agent_escalations_total"
DECISIONS = "agent_decisions_total"
ANOMALIES = "agent_cost_anomalies_total"
ITEMS = "agent_items_total"
FIRST_TAKE = "agent_item_first_pass_total"
REFINEMENTS = "agent_item_refinements_total"
VERDICT_SCORE = "agent_verdict_score"
WORKFLOWS_RUNNING = "agent_workflows_running"
WORKFLOWS_STUCK = "agent_workflows_stuck"
QUESTIONS_WAITING = "agent_questions_waiting"
QUESTION_OLDEST = "agent_question_oldest_seconds"
BUDGET_RATIO = "agent_budget_used_ratio"
BUDGET_USD = "agent_budget_usd"
HISTORY_EVENTS = "agent_history_events"
HISTORY_BYTES = "agent_history_bytes"
QUEUE_BACKLOG = "agent_queue_backlog"
QUEUE_AGE = "agent_queue_backlog_age_seconds"

_AGENT, _CALL, _TOOL, _PIPELINE = ("agent_name",), ("agent_name", "model"), ("tool_name",), ("pipeline",)

METRICS = (
    Metric(WORKFLOWS_STARTED, "counter", _AGENT, "Runs, items and single agents that began"),
    Metric(WORKFLOWS_COMPLETED, "counter", ("agent_name", "status"), "Runs, items and single agents that ended"),
    Metric(TURNS_PER_WORKFLOW, "histogram", _AGENT, "Turns that one of them took", TURNS),
    Metric(TOOL_CALL_DURATION, "histogram", _TOOL, "Milliseconds from a tool call to its answer", TOOL_MS),
    Metric(WORKFLOW_COST, "histogram", _AGENT, "Dollars that one of them spent", COST_USD),
    Metric(ESCALATION_RATE, "gauge", _AGENT, "Share of those ended in the last 24 hours that asked a person"),
    Metric(LLM_COST, "counter", _CALL, "Dollars spent on model calls, as the ledger counts them"),
    Metric(LLM_TOKENS, "counter", ("agent_name", "model", "type"), "Tokens billed; thinking is part of output"),
    Metric(LLM_CALLS, "counter", ("agent_name", "model", "outcome"), "Attempts at model calls that ended"),
    Metric(LLM_ERRORS, "counter", ("agent_name", "model", "kind"), "Attempts at model calls that failed"),
    Metric(LLM_DURATION, "histogram", ("model",), "Milliseconds of a model call that brought a reply", MODEL_MS),
    Metric(LLM_STOPS, "counter", ("agent_name", "stop"), "Replies by why they ended"),
    Metric(TURNS_TAKEN, "counter", _AGENT, "Replies that were kept"),
    Metric(RULINGS, "counter", ("agent_name", "ruling"), "Rulings of the guards"),
    Metric(TOOL_CALLS, "counter", ("tool_name", "outcome"), "Tool calls that were answered"),
    Metric(TOOL_REFUSALS, "counter", ("tool_name", "refusal"), "Tool calls that were refused, by check"),
    Metric(ESCALATIONS, "counter", _AGENT, "Questions that people were asked"),
    Metric(DECISIONS, "counter", ("choice",), "Answers of people; expired when nobody answered in time"),
    Metric(ANOMALIES, "counter", ("agent_name", "kind"), "Spending far above what is usual"),
    Metric(ITEMS, "counter", ("pipeline", "status"), "Items that ended"),
    Metric(FIRST_TAKE, "counter", _PIPELINE, "Items that the gate let through at their first take"),
    Metric(REFINEMENTS, "counter", _PIPELINE, "Takes of ended items beyond their first"),
    Metric(VERDICT_SCORE, "histogram", ("attempt",), "Score of a take, by its number", SCORES),
    Metric(WORKFLOWS_RUNNING, "gauge", _AGENT, "Runs, items and single agents that have begun and not ended"),
    Metric(WORKFLOWS_STUCK, "gauge", _AGENT, "Those of them that left no record for 15 minutes and wait for nobody"),
    Metric(QUESTIONS_WAITING, "gauge", ("kind",), "Questions that wait for a person"),
    Metric(QUESTION_OLDEST, "gauge", ("kind",), "Seconds that the oldest of them has waited"),
    Metric(BUDGET_RATIO, "gauge", ("scope",), "Spent and reserved over the cap, of the fullest account of the scope"),
    Metric(BUDGET_USD, "gauge", ("scope", "what"), "Dollars of the fleet: spent, reserved, cap"),
    Metric(HISTORY_EVENTS, "histogram", _AGENT, "Events of the last history when one of them ended", EVENTS),
    Metric(HISTORY_BYTES, "histogram", _AGENT, "Bytes of the last history when one of them ended", BYTES),
    Metric(QUEUE_BACKLOG, "gauge", ("queue",), "Tasks that wait in a queue, as the server estimates"),
    Metric(QUEUE_AGE, "gauge", ("queue",), "Seconds that the oldest of them has waited"),
)
"""The six that were asked for come first."""
