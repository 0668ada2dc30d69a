"""Every fault of a model ends as `docs/faults.md` tells it."""

import pytest

from tests.scenarios.faults import CASES, PAGE, perform


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_the_agent_gets_over_it_or_asks_a_person_as_documented(server, tmp_path, case):
    outcome, lines = await perform(server, tmp_path, case)
    told = PAGE.read_text().partition(f"## {case.name}\n")[2].partition("```\n")[2].partition("```")[0]
    assert outcome.status == case.ends
    assert lines == told.splitlines()
