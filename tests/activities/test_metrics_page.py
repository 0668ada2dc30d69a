"""The page on metrics says what is measured: every name, kind, bucket and label, in the same order."""

import re
from pathlib import Path

from activities.attempt_errors import ERROR_KINDS
from activities.measures import ANOMALIES, ANSWERS, OUTCOMES, REFUSALS, RULINGS, TOKENS
from activities.meter_names import METRICS

PAGE = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()
ROW = re.compile(r"^\| `(agent_\w+)` \| (\w+)([^|]*) \| ([^|]*) \| ([^|]*) \| ([^|]*) \|$", re.MULTILINE)


def test_the_table_is_what_the_code_registers():
    written = [
        (
            name,
            kind,
            tuple(float(bound) for bound in re.findall(r"[\d.]+", buckets)),
            tuple(re.findall(r"`(\w+)`", labels)),
            says,
        )
        for name, kind, buckets, labels, says, _ in ROW.findall(PAGE)
    ]
    assert written == [(each.name, each.kind, each.buckets, each.labels, each.says) for each in METRICS]


def test_every_value_of_a_closed_label_is_named():
    when = {name: counted for name, *_, counted in ROW.findall(PAGE)}
    closed = {
        "agent_llm_tokens_total": TOKENS,
        "agent_llm_calls_total": OUTCOMES,
        "agent_llm_errors_total": ERROR_KINDS,
        "agent_tool_calls_total": ANSWERS,
        "agent_tool_refusals_total": REFUSALS,
        "agent_cost_anomalies_total": ANOMALIES,
        "agent_rulings_total": [ruling for ruling in RULINGS if not ruling.startswith("halt_")],
    }
    missing = {name: [each for each in values if each not in when[name]] for name, values in closed.items()}
    assert not any(missing.values()), missing
