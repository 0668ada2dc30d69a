"""A cap is a cap, also when many agents share it on several workers of which one is killed."""

from argparse import Namespace

import pytest

from bench.cap import main


@pytest.mark.parametrize("postgres", [False, True], ids=["SQLite", "PostgreSQL"])
async def test_a_dollar_that_many_agents_share_is_never_overspent_and_never_stays_reserved(postgres):
    options = Namespace(trials=1, parcels=16, workers=2, at_once=1, kill_every=8, seed=7, postgres=postgres)
    assert await main(options) == 0
