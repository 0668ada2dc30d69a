"""A cap is a cap: every level, everything that pays, whatever happens; and the page on money says what was tried."""

from typing import get_args

import pytest

from tests.money.cases import CASES, Level
from tests.money.table import PAGE, problem_of, written

NAMES = [f"{case.level}: {case.happens}" for case in CASES]
BOTH = [case for case in CASES if case.both]


@pytest.mark.parametrize("case", CASES, ids=NAMES)
async def test_no_cap_is_passed_by_a_micro_dollar(case, tmp_path):
    assert await problem_of(case, f"sqlite:///{tmp_path / 'callsheet.db'}") == ""


@pytest.mark.parametrize("case", BOTH, ids=[f"{case.level}: {case.happens}" for case in BOTH])
async def test_no_cap_is_passed_on_a_server_either(case, postgres_url):
    assert await problem_of(case, postgres_url) == ""


def test_every_level_is_tried_and_no_case_twice():
    assert [level for level in get_args(Level) if level not in {case.level for case in CASES}] == []
    assert len(set(NAMES)) == len({case.play for case in CASES}) == len(CASES)


def test_the_page_on_money_says_what_is_tried_here():
    page = PAGE.read_text("utf-8")
    assert page == written(page, CASES), "python -m tests.money.table writes it"
