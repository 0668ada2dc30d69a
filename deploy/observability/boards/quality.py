"""Quality: how good the work is at the first take and after it, and where people had to step in."""

from deploy.observability.boards.queries import AGENT, MADE, PIPELINE, bars, gauge, mean, percentile, total
from deploy.observability.boards.values import COUNT, SCORE, SHARE, Board, Panel, Query, Row
from deploy.observability.clock import REAL
from deploy.observability.promql import grown

ENDED = grown(REAL, "agent_items_total", "$__range", where=MADE)
APPROVED = grown(REAL, "agent_decisions_total", "$__range", where='choice="approve"')
LOST = grown(REAL, "agent_items_total", "$__range", where=f'status!="published", {MADE}')

GLANCE = Row(
    "At a glance",
    [
        Panel(
            "stat",
            "First-pass yield, 24 h",
            "The share of items that passed the gate at their first take. Runbook: FirstPassYieldFalls.",
            [Query(f"callsheet:first_pass:ratio24h{{{MADE}}}", "{{pipeline}}")],
            SHARE,
            (0.3, 0.6),
            falls=True,
            wide=4,
        ),
        Panel(
            "stat",
            "Refinements of an item, 24 h",
            "How often an item is sent back, on average; each one is a new take, with its cost.",
            [Query(f"callsheet:refinements_per_item:ratio24h{{{MADE}}}", "{{pipeline}}")],
            COUNT,
            (1, 2),
            wide=4,
        ),
        Panel(
            "stat",
            "Needed a person, 24 h",
            "The share of runs, items and agents that asked a person. Runbook: PeopleAreAskedOften.",
            [gauge("agent_escalation_rate", "agent_name", PIPELINE)],
            SHARE,
            (0.15, 0.3),
            wide=6,
        ),
        Panel(
            "stat",
            "Overrides",
            "Items that a person approved although the gate did not, as a share of those that ended.",
            [Query(f"(({APPROVED}) or vector(0)) / ({ENDED} > 0)", "overrides")],
            SHARE,
            (0.1, 0.25),
            wide=5,
        ),
        Panel(
            "stat",
            "Not published",
            "Items that ended rejected, failed or canceled, as a share, in the time shown. Runbook: ItemsAreLost.",
            [Query(f"(({LOST}) or vector(0)) / ({ENDED} > 0)", "not published")],
            SHARE,
            (0.1, 0.2),
            wide=5,
        ),
    ],
)

BY_TAKE = Row(
    "Take by take",
    [
        Panel(
            "lines",
            "Mean score by attempt",
            "The gate asks for 80. Attempts that do not rise show a refiner that does not help.",
            [mean("agent_verdict_score", "attempt")._replace(name="attempt {{attempt}}")],
            SCORE,
            most=100,
        ),
        Panel(
            "bargauge",
            "Median score by attempt",
            "Over the time that is shown, estimated between the bounds of tens.",
            [percentile(0.5, "agent_verdict_score", "attempt", window="$__range")._replace(name="attempt {{attempt}}")],
            SCORE,
            (60, 80),
            falls=True,
            most=100,
        ),
        Panel(
            "heatmap",
            "Scores",
            "How the verdicts spread, all attempts together.",
            [bars("agent_verdict_score_bucket", "le")],
        ),
    ],
)

OUTCOMES = Row(
    "What becomes of items",
    [
        Panel(
            "bars",
            "Items that ended",
            "Published, rejected, failed or canceled.",
            [bars("agent_items_total", "status", MADE)],
        ),
        Panel(
            "lines",
            "First-pass yield and refinements",
            "Over the last 24 hours, at every moment.",
            [
                Query(f"callsheet:first_pass:ratio24h{{{MADE}}}", "{{pipeline}}: first-pass yield"),
                Query(f"callsheet:refinements_per_item:ratio24h{{{MADE}}}", "{{pipeline}}: refinements of an item"),
            ],
            COUNT,
        ),
        Panel(
            "bars",
            "Refinements",
            "Takes that were sent back to be made again.",
            [bars("agent_item_refinements_total", "pipeline", MADE)],
        ),
    ],
)

PEOPLE = Row(
    "Where people step in",
    [
        Panel(
            "lines",
            "Share that needed a person",
            "Of what ended in the last 24 hours.",
            [gauge("agent_escalation_rate", "agent_name", PIPELINE)],
            SHARE,
            (0.15, 0.3),
        ),
        Panel(
            "bars",
            "Questions asked",
            "By what asked them: an item, a run, a single agent.",
            [bars("agent_escalations_total", "agent_name", PIPELINE)],
        ),
        Panel(
            "bargauge",
            "What people decided",
            "`approve` on an item is an override of the gate; `top_up` answers a question for money.",
            [total("agent_decisions_total", "choice")],
        ),
        Panel(
            "bars",
            "Guards that ruled",
            "What stood in an agent's way: loops, drift, context, replies that lead nowhere.",
            [bars("agent_rulings_total", "ruling", f'ruling!~"remind|compact", {AGENT}')],
            wide=12,
        ),
        Panel(
            "bars",
            "Refusals of the model",
            "Turns that the model refused, by agent. Runbook: ModelRefuses.",
            [bars("agent_llm_stops_total", "agent_name", f'stop="refusal", {AGENT}')],
            wide=12,
        ),
    ],
)

BOARD = Board(
    "callsheet-quality",
    "Callsheet: quality",
    "How good the work is at the first take and after it, and where people had to step in.",
    [GLANCE, BY_TAKE, OUTCOMES, PEOPLE],
)
