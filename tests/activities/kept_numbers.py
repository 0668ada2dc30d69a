"""What the records say in numbers, by plain SQL: what the metrics have to come to."""

from collections import Counter

from sqlalchemy import text

TOKENS = {
    "input": "input",
    "output": "output",
    "thinking": "thinking",
    "cache_read": "cache_read",
    "cache_write": "write_5m + write_1h",
}


def rows(database, query):
    return database.look(lambda session: [tuple(row) for row in session.execute(text(query))])


def counted(database, query):
    """How many rows there are by all columns but the last, which is their number."""
    return {row[:-1]: row[-1] for row in rows(database, query)}


def attempts(database, column="count(*)"):
    """The ended attempts by agent, model and state, or a sum over them."""
    return counted(
        database,
        f"SELECT c.agent, a.model, a.state, {column} FROM attempts a JOIN conversations c ON c.id = a.conversation"
        " WHERE a.state != 'open' GROUP BY 1, 2, 3",
    )


def calls(metered):
    """The same from the metrics: outcome is `agent_name, model, outcome` in alphabetical order already."""
    return metered.happened("agent_llm_calls_total")


def dollars(database):
    return (
        int(rows(database, "SELECT coalesce(sum(micro_usd), 0) FROM attempts WHERE state != 'open'")[0][0]) / 1_000_000
    )


def tokens(database):
    sums = ", ".join(f"sum({column})" for column in TOKENS.values())
    return dict(zip(TOKENS, rows(database, f"SELECT {sums} FROM attempts")[0], strict=True))


def tool_calls(database):
    """The answered calls by tool and refusal; a call without a refusal has none."""
    found = rows(database, "SELECT tool, outcome FROM tool_results")
    return Counter(tool for tool, _ in found)


def replies(database):
    return counted(
        database,
        "SELECT c.agent, count(*) FROM messages m JOIN conversations c ON c.id = m.conversation"
        " WHERE m.record IS NOT NULL GROUP BY 1",
    )


def started(database):
    return counted(database, "SELECT name, count(*) FROM invocations GROUP BY 1")


def completed(database):
    return counted(database, "SELECT name, status, count(*) FROM invocations WHERE status != '' GROUP BY 1, 2")


def ended(database, name):
    """How often something ended under a name, its turns and its micro-dollars."""
    query = f"SELECT count(*), sum(turns), sum(micro_usd) FROM invocations WHERE status != '' AND name = '{name}'"
    return rows(database, query)[0]


def questions(database):
    return rows(database, "SELECT count(*) FROM notices WHERE kind = 'question'")[0][0]


def agree(metered, database):
    """Say where the metrics and the records differ; nothing when they agree."""
    expected = {
        "calls": (calls(metered), attempts(database)),
        "cost": (round(metered.total("agent_llm_cost_usd_total"), 9), round(dollars(database), 9)),
        "tokens": (
            {sort: metered.total("agent_llm_tokens_total", type=sort) for sort in TOKENS},
            tokens(database),
        ),
        "turns": (metered.happened("agent_turns_total"), replies(database)),
        "stops": (metered.total("agent_llm_stops_total"), sum(replies(database).values())),
        "tools": (metered.total("agent_tool_calls_total"), sum(tool_calls(database).values())),
        "started": (metered.happened("agent_workflows_started_total"), started(database)),
        "completed": (metered.happened("agent_workflows_completed_total"), completed(database)),
        "questions": (metered.total("agent_escalations_total"), questions(database)),
    }
    for (name,) in started(database):
        count, turns, micro_usd = ended(database, name)
        expected[f"turns of {name}"] = (
            metered.histogram("agent_turns_per_workflow", agent_name=name),
            (count, turns or 0),
        )
        cost = metered.histogram("agent_workflow_cost_usd", agent_name=name)
        expected[f"cost of {name}"] = ((cost[0], round(cost[1], 9)), (count, round(int(micro_usd or 0) / 1_000_000, 9)))
    return {what: both for what, both in expected.items() if both[0] != both[1]}
