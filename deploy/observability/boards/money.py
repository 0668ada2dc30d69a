"""Money: what an accepted artefact costs, who spends, what the cache saves, and how much is left."""

from deploy.observability.boards.queries import AGENT, PIPELINE, RATE, bars, none_is_zero, per_minute, percentile, total
from deploy.observability.boards.values import DOLLARS, SHARE, TIMES, TOKENS, Board, Panel, Query, Row
from deploy.observability.clock import REAL
from deploy.observability.promql import grown, latest

COST = grown(REAL, "agent_llm_cost_usd_total", "$__range")
PUBLISHED = grown(REAL, "agent_items_total", "$__range", where='status="published"')
CALLS = grown(REAL, "agent_llm_calls_total", "$__range")
LOST = grown(REAL, "agent_llm_calls_total", "$__range", where='outcome="unknown"')
PROMPTS = f'sum by (agent_name) (rate(agent_llm_tokens_total{{type=~"input|cache_read|cache_write", {AGENT}}}[{RATE}]))'
HITS = f'sum by (agent_name) (rate(agent_llm_tokens_total{{type="cache_read", {AGENT}}}[{RATE}]))'

GLANCE = Row(
    "At a glance",
    [
        Panel(
            "stat",
            "Spent",
            "What model calls cost in the time that is shown.",
            [none_is_zero(total("agent_llm_cost_usd_total"))],
            DOLLARS,
            wide=4,
        ),
        Panel(
            "stat",
            "Cost of a published item",
            "All that was spent, failed takes included, for each item that was published, in the time that is shown.",
            [Query(f"{COST} / ({PUBLISHED} > 0)", "each")],
            DOLLARS,
            wide=4,
        ),
        Panel(
            "stat",
            "Prompts from the cache, 30 min",
            "Cached tokens are read at a tenth of the price. Runbook: CacheCollapses.",
            [Query("callsheet:cache_hit:ratio30m", "cache hits")],
            SHARE,
            (0.2, 0.5),
            falls=True,
            wide=4,
        ),
        Panel(
            "stat",
            "Burn of the caps, 1 h",
            "How many times faster than the caps allow; 1 uses them up exactly. Empty without caps.",
            [Query("callsheet:budget_burn:ratio1h", "{{scope}}")],
            TIMES,
            (3, 14.4),
            wide=4,
        ),
        Panel(
            "stat",
            "Calls without a bill",
            "Calls whose outcome is unknown; they count at what was reserved for them. Runbook: CostUnknown.",
            [Query(f"(({LOST}) or vector(0)) / ({CALLS} > 0)", "unknown")],
            SHARE,
            (0.02, 0.05),
            wide=4,
        ),
        Panel(
            "stat",
            "Anomalies",
            "Turns, runs and minutes that cost far more than usual, in the time that is shown. Runbook: CostAnomaly.",
            [none_is_zero(total("agent_cost_anomalies_total"))],
            steps=(1, 5),
            wide=4,
        ),
    ],
)

SPENT = Row(
    "Who spends",
    [
        Panel(
            "stack",
            "Dollars a minute, by agent",
            "Live, from each call as it is settled.",
            [per_minute("agent_llm_cost_usd_total", "agent_name", AGENT)],
            DOLLARS,
        ),
        Panel(
            "stack",
            "Dollars a minute, by model",
            "Fallback models show here.",
            [per_minute("agent_llm_cost_usd_total", "model", AGENT)],
            DOLLARS,
        ),
        Panel(
            "table",
            "Spent by agent and model",
            "In the time that is shown, in dollars.",
            [total("agent_llm_cost_usd_total", "agent_name, model", AGENT, "dollars")],
            DOLLARS,
        ),
        Panel(
            "lines",
            "Cost of a workflow",
            "When it ended. Above 5 dollars it reads as 5: the last bucket ends there.",
            [
                percentile(0.5, "agent_workflow_cost_usd", "agent_name", PIPELINE),
                percentile(0.95, "agent_workflow_cost_usd", "agent_name", PIPELINE),
            ],
            DOLLARS,
        ),
        Panel(
            "lines",
            "Cost of a published item, 24 h",
            "All that was spent in 24 hours for each item published in them.",
            [Query("callsheet:accepted_item_cost_usd:ratio24h", "each")],
            DOLLARS,
        ),
        Panel(
            "bars",
            "Anomalies, by kind",
            "A turn, a run or a minute that cost many times the usual.",
            [bars("agent_cost_anomalies_total", "kind")],
        ),
    ],
)

TOKENS_ROW = Row(
    "Tokens and the cache",
    [
        Panel(
            "stack",
            "Tokens a minute, by class",
            "`thinking` is part of `output`, and drawn on top of it all the same.",
            [per_minute("agent_llm_tokens_total", "type", AGENT)],
            TOKENS,
        ),
        Panel(
            "lines",
            "Share of the prompts that comes from the cache",
            "By agent. A line that falls and stays down is a prefix that changes.",
            [Query(f"({HITS} or {PROMPTS} * 0) / ({PROMPTS} > 0)", "{{agent_name}}")],
            SHARE,
            most=1,
        ),
        Panel(
            "bars",
            "Calls, by what became of their bill",
            "`free` were turned away before anything was made, `unknown` broke off after that.",
            [bars("agent_llm_calls_total", "outcome", AGENT)],
        ),
    ],
)

CAPS = Row(
    "Caps",
    [
        Panel(
            "table",
            "Budgets of the fleet",
            "Cap, spent and reserved, in dollars. Empty without caps.",
            [Query(latest("agent_budget_usd", "scope, what"), "dollars")],
            DOLLARS,
            wide=6,
        ),
        Panel(
            "bargauge",
            "Highest use of a cap",
            "Of all tenants, and of all runs, the one that has used most of its cap.",
            [Query(latest("agent_budget_used_ratio", "scope"), "{{scope}}")],
            SHARE,
            (0.8, 0.95),
            most=1,
            wide=6,
        ),
        Panel(
            "lines",
            "Budget burn, in four windows",
            "Two windows must agree before anybody is woken: the long one shows that it matters, the short one that "
            "it still goes on.",
            [
                Query(f"callsheet:budget_burn:ratio{window}", f"{{{{scope}}}}, {window}")
                for window in ("5m", "1h", "2h", "24h")
            ],
            TIMES,
            (3, 14.4),
            wide=6,
        ),
        Panel(
            "bars",
            "Agents stopped for money",
            "Halts at a cap; each asks a person to top it up. Runbook: BudgetStopsWork.",
            [bars("agent_rulings_total", "agent_name", f'ruling="halt_money", {AGENT}')],
            wide=6,
        ),
    ],
)

BOARD = Board(
    "callsheet-money",
    "Callsheet: money",
    "What an accepted artefact costs, who spends, what the cache saves, and how much is left.",
    [GLANCE, SPENT, TOKENS_ROW, CAPS],
)
