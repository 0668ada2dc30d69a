"""Rates: so many at once, then one after each pause, and nobody pays for somebody else."""

from desk.limits import Limiter, Rate


class Clock:
    def __init__(self) -> None:
        self.at = 1_000.0

    def __call__(self) -> float:
        return self.at


def test_after_the_burst_one_try_comes_back_with_each_pause():
    clock = Clock()
    limiter = Limiter(Rate(burst=2, seconds=10), clock)
    assert [limiter.wait("ines") for _ in range(2)] == [0, 0]
    assert limiter.wait("ines") == 10
    clock.at += 10
    assert limiter.wait("ines") == 0
    assert limiter.wait("ines") == 10


def test_tries_that_are_refused_do_not_make_the_wait_longer():
    clock = Clock()
    limiter = Limiter(Rate(burst=1, seconds=10), clock)
    limiter.wait("ines")
    assert [limiter.wait("ines") for _ in range(50)] == [10] * 50


def test_keys_are_counted_apart_and_a_right_one_is_forgiven():
    limiter = Limiter(Rate(burst=1, seconds=10), Clock())
    assert limiter.wait("ines") == 0
    assert limiter.wait("omar") == 0
    limiter.forgive("ines")
    assert limiter.wait("ines") == 0
    assert limiter.wait("omar") > 0


def test_what_is_remembered_is_bounded():
    clock = Clock()
    limiter = Limiter(Rate(burst=1, seconds=1), clock)
    for number in range(25_000):
        clock.at += 0.001
        limiter.wait(number)
    assert limiter.known <= 10_001
