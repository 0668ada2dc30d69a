"""How often honest work is taken for a loop, and how often a loop is not: measured over made-up traces."""

from random import Random

import pytest

from tests.guards.transcripts import Act, Talk
from workflows.guards import circling
from workflows.models import Halt, Nudge

TRACES = 60


def paging(chance: Random) -> list[tuple[Act, ...]]:
    """Read page after page, and the rules again before some of them."""
    turns: list[tuple[Act, ...]] = []
    for page in range(chance.randint(5, 20)):
        if chance.random() < 0.6:
            turns.append((Act("venue_rules", "amazon.main", "the rules"),))
        turns.append((Act("list_items", f"page {page}", f"items {page}"),))
    return turns


def polling(chance: Random) -> list[tuple[Act, ...]]:
    """Start a job, look a few times how far it is, fetch the result; again for the next job."""
    turns: list[tuple[Act, ...]] = []
    for job in range(chance.randint(2, 6)):
        turns.append((Act("start", f"job {job}", f"started {job}"),))
        turns += [(Act("status", f"job {job}", f"{part} %"),) for part in range(chance.randint(1, 4))]
        turns.append((Act("fetch", f"job {job}", f"file {job}"),))
    return turns


def batch_edits(chance: Random) -> list[tuple[Act, ...]]:
    """Edit and check by turns; every edit says True and the check mostly says the same."""
    turns: list[tuple[Act, ...]] = []
    for line in range(chance.randint(4, 12)):
        turns.append((Act("edit", f"line {line}"),))
        turns.append((Act("check", "all", chance.choice(["3 problems", "3 problems", "2 problems"])),))
    return turns


def all_true(chance: Random) -> list[tuple[Act, ...]]:
    """Do many different small things that all return True, some of them side by side."""
    return [
        tuple(Act("set", f"field {turn}.{place}") for place in range(chance.randint(1, 4)))
        for turn in range(chance.randint(5, 20))
    ]


def reshooting(chance: Random) -> list[tuple[Act, ...]]:
    """Render with other settings until the facts are right, looking at the model and the rules now and then."""
    turns: list[tuple[Act, ...]] = []
    for take in range(chance.randint(3, 10)):
        if chance.random() < 0.5:
            turns.append((Act("find_model", "Ama", "mod_7f"), Act("venue_rules", "amazon.main", "the rules")))
        turns.append((Act("render_shot", f"light {take}", f"asset {take}", shape="light 1.0"),))
        turns.append((Act("describe_asset", f"asset {take}", f"settings {take}"),))
    return turns


def recovering(chance: Random) -> list[tuple[Act, ...]]:
    """Get a call wrong once or twice in the same way, then right."""
    turns: list[tuple[Act, ...]] = []
    for name in range(chance.randint(2, 8)):
        wrong = Act("find_model", f"nmae {name}", "unknown model", ok=False)
        turns += [(wrong,)] * chance.randint(0, 2)
        turns.append((Act("find_model", f"name {name}", f"mod_{name}"),))
    return turns


def going_round(chance: Random) -> list[tuple[Act, ...]]:
    """Work honestly, then go round in up to four calls, with results that change or stay."""
    period, changing = chance.randint(1, 4), chance.random() < 0.5
    honest = paging(chance)[: chance.randint(0, 8)]
    rounds = [
        (Act("look", f"place {step % period}", f"result {step if changing else step % period}"),) for step in range(40)
    ]
    return honest + rounds


def talks(work, count: int = TRACES) -> list[Talk]:
    return [Talk(guards=(circling,)).play(work(Random(seed))) for seed in range(count)]


@pytest.mark.parametrize("work", [paging, polling, batch_edits, all_true, reshooting, recovering])
def test_honest_work_is_never_taken_for_a_loop(work):
    assert [talk.rulings for talk in talks(work) if talk.rulings] == []


def test_every_loop_is_found_and_ended():
    ended = [talk for talk in talks(going_round) if talk.at(Nudge) and talk.at(Halt)]
    assert len(ended) == TRACES


def test_a_long_poll_is_nudged_by_design_since_a_clock_makes_every_result_new():
    status = [(Act("status", "job 1", f"{part} %"),) for part in range(5)]
    talk = Talk(guards=(circling,)).play([*status, (Act("fetch", "job 1", "file"),)])
    assert talk.at(Nudge) == [5]
    assert talk.at(Halt) == []
