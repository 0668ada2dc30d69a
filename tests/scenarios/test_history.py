"""History grows with the turns, not with their square, and each turn adds little."""

import pytest

from bench.history import TOOLS, agent_of, measure

TURNS = 31


@pytest.mark.parametrize(("tool", "events"), [("read_page", 8), ("write_page", 12)])
async def test_a_turn_with_two_kilobytes_of_results_adds_under_three_kilobytes_and_few_events(play, tool, events):
    async with play(agent_of(TURNS, tool), tools=(TOOLS[tool],)) as stage:
        measured = await measure(stage, tool, TURNS)
    early, late = measured.between(3, 12), measured.between(21, 30)
    assert max(early.events_per_turn, late.events_per_turn) <= events
    assert max(turn.bytes for turn in measured.each) < 3 * 1_024
    assert late.bytes_per_turn < early.bytes_per_turn * 1.02  # numbers get longer, nothing else does
