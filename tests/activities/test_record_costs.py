"""What was spent, read afterwards: every attempt is a line in the books, whatever it was for and however it ended."""

import pytest

from activities.records import Records
from tests.activities.counting_house import NOON, House
from workflows.models import Usage


@pytest.fixture
def house(tmp_path):
    house = House(f"sqlite:///{tmp_path / 'callsheet.db'}")
    house.talk()
    yield house
    house.database.close()


async def test_the_lines_add_up_every_attempt_whatever_it_was_for_and_however_it_ended(house):
    house.settle(house.reserve("k1"), 60, write_1h=30)
    house.settle(house.reserve("k2", kind="compaction"), 50)
    house.settle(house.reserve("k3", kind="judge", model="claude-haiku-5-5"), 7)
    house.lose(house.reserve("k4"))
    house.release(house.reserve("k5"))
    house.reserve("k6")
    lines = await Records(house.database).costs("run-1")
    assert [(line["model"], line["calls"], line["micro_usd"], line["unknown"]) for line in lines] == [
        ("claude-sonnet-5-5", 5, 60 + 50 + 100 + 0 + 100, 2),
        ("claude-haiku-5-5", 1, 7, 0),
    ]
    assert lines[0]["usage"] == Usage(input=20, output=40, thinking=10, cache_read=600, cache_write=80)
    assert sum(line["micro_usd"] for line in lines) == sum(house.stands("fleet/day/2026-11-22")[0])


async def test_a_compaction_and_a_judge_are_calls_in_the_log_and_failures_are_errors(house):
    house.settle(house.reserve("k1"), 60)  # its message tells it
    house.settle(house.reserve("k2", kind="compaction"), 50, request_id="req_2", served="claude-sonnet-5-5-20261001")
    house.lose(house.reserve("k3", kind="judge"))
    house.release(house.reserve("k4"))
    house.reserve("k5", kind="judge")  # under way
    entries = await Records(house.database).entries("a")
    assert [(entry["action"], entry["turn"], entry["data"]["kind"]) for entry in entries] == [
        ("llm_call", 2, "compaction"),
        ("error", 3, "judge"),
        ("error", 4, "turn"),
    ]
    called, lost, refused = (entry["data"] for entry in entries)
    assert (called["model"], called["request_id"]) == ("claude-sonnet-5-5-20261001", "req_2")
    assert (called["cost_usd"], called["token_usage"]["cache_read"]) == (0.00005, 300)
    assert (lost["error"], lost["cost_usd"], lost["cost_known"]) == ("the stream broke", 0.0001, False)
    assert (refused["cost_usd"], refused["cost_known"]) == (0, True)
    assert {entry["timestamp"] for entry in entries} == {NOON}
