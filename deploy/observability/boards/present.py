"""The first two rows of operations: what is now, and who is waited for."""

from deploy.observability.boards.queries import PIPELINE, bars, gauge, none_is_zero
from deploy.observability.boards.values import DOLLARS, SECONDS, Panel, Query, Row
from deploy.observability.promql import latest

BURN = "sum(rate(agent_llm_cost_usd_total[$__rate_interval])) * 60"
FIRING = 'count(ALERTS{alertstate="firing", severity=~"page|ticket"}) or vector(0)'

NOW = Row(
    "Now",
    [
        Panel(
            "stat",
            "Running",
            "Runs, items and single agents that began and have not ended, from the records.",
            [Query(f"sum({latest('agent_workflows_running', 'agent_name', PIPELINE)})", "running")],
            wide=3,
        ),
        Panel(
            "stat",
            "Stuck",
            "No record for 15 minutes, and no person is waited for. Runbook: WorkIsStuck.",
            [Query(f"sum({latest('agent_workflows_stuck', 'agent_name', PIPELINE)})", "stuck")],
            steps=(1, 1),
            wide=3,
        ),
        Panel(
            "stat",
            "Questions that wait",
            "How many questions wait for people. `starter.py pending` lists them.",
            [Query(f"sum({latest('agent_questions_waiting', 'kind')})", "waiting")],
            steps=(5, 20),
            wide=3,
        ),
        Panel(
            "stat",
            "Oldest question",
            "Since when the oldest open question waits. Runbook: QuestionWaits.",
            [Query(latest("agent_question_oldest_seconds"), "age")],
            SECONDS,
            (4 * 3_600, 24 * 3_600),
            wide=3,
        ),
        Panel(
            "stat",
            "Dollars a minute",
            "What model calls cost in a minute, over all workers.",
            [none_is_zero(Query(BURN, "a minute"))],
            DOLLARS,
            wide=4,
        ),
        Panel(
            "stat",
            "Oldest task in a queue",
            "How long the oldest task waits for a worker. Runbook: QueueWaits.",
            [Query(latest("agent_queue_backlog_age_seconds"), "age")],
            SECONDS,
            (60, 300),
            wide=4,
        ),
        Panel(
            "stat",
            "Workers seen",
            "How many workers answer a scrape. Runbook: NoWorkerIsSeen.",
            [Query('sum(up{job="callsheet"}) or vector(0)', "workers")],
            steps=(1, 1),
            falls=True,
            wide=2,
        ),
        Panel(
            "stat",
            "Alerts",
            "How many alerts fire; the marks on the graphs show when they did.",
            [Query(FIRING, "alerts")],
            steps=(1, 1),
            wide=2,
        ),
    ],
)

WAITING = Row(
    "Who is waited for",
    [
        Panel(
            "table",
            "Open questions by kind",
            "`review`: an artefact; `question`: an agent that cannot go on; `calls`: tools that need agreement; "
            "`budget`: money; `pause`: an alert that stops. Age of the oldest in seconds.",
            [
                Query(latest("agent_questions_waiting", "kind"), "waiting"),
                Query(latest("agent_question_oldest_seconds", "kind"), "oldest, seconds"),
            ],
        ),
        Panel(
            "lines",
            "Age of the oldest question",
            "A line that rises for hours is a question that nobody reads.",
            [gauge("agent_question_oldest_seconds", "kind")],
            SECONDS,
            (4 * 3_600, 24 * 3_600),
        ),
        Panel(
            "bars",
            "Questions asked, and answers",
            "Asked by whom, and what people decided.",
            [bars("agent_escalations_total", "agent_name"), bars("agent_decisions_total", "choice")],
        ),
    ],
)
