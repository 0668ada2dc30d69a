"""Whether a process is ready: asked of its parts, briefly, and not too often."""

import asyncio
import contextlib
import socket

import pytest
from httpx2 import AsyncClient

from activities.health import Health, split
from activities.probes import served


class Part:
    """Something that is asked: it counts how often, and answers when it is let."""

    def __init__(self, trouble="", *, answers=True):
        self.trouble, self.asked, self.go_on = trouble, 0, asyncio.Event()
        if answers:
            self.go_on.set()

    async def check(self):
        self.asked += 1
        await self.go_on.wait()
        if isinstance(self.trouble, Exception):
            raise self.trouble
        return self.trouble


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


async def test_a_process_is_ready_when_no_part_has_trouble():
    report = await Health({"database": Part().check, "temporal": Part().check}).report()
    assert (report.ready, dict(report.failing)) == (True, {})


async def test_each_failing_part_is_named_and_an_error_only_by_its_type():
    parts = {"database": Part("the schema does not fit"), "temporal": Part(OSError("hush: secret")), "workers": Part()}
    report = await Health({name: part.check for name, part in parts.items()}).report()
    assert dict(report.failing) == {"database": "the schema does not fit", "temporal": "OSError"}


async def test_many_probes_ask_a_part_once_and_again_only_after_a_second():
    part, clock = Part(), Clock()
    health = Health({"database": part.check}, clock=clock)
    await asyncio.gather(*(health.report() for _ in range(50)))
    clock.now = 0.9
    await health.report()
    assert part.asked == 1
    clock.now = 1.0
    await health.report()
    assert part.asked == 2


async def test_a_part_that_does_not_answer_is_not_waited_for_nor_asked_again_until_it_has():
    stuck, clock = Part(answers=False), Clock()
    health = Health({"database": stuck.check, "temporal": Part().check}, patience=0.01, clock=clock)
    for clock.now in (0.0, 5.0, 10.0):
        assert dict((await health.report()).failing) == {"database": "no answer within 0.01 s"}
    assert stuck.asked == 1
    stuck.go_on.set()
    await asyncio.sleep(0)
    clock.now = 15.0
    assert (await health.report()).ready


async def test_a_probe_that_goes_away_takes_nobody_elses_answer_along():
    part = Part(answers=False)
    health = Health({"database": part.check})
    gone, stays = (asyncio.ensure_future(health.report()) for _ in range(2))
    await asyncio.sleep(0)
    gone.cancel()
    part.go_on.set()
    assert (await stays).ready


async def test_a_process_that_was_told_to_end_is_not_ready_from_that_moment_and_still_alive():
    health = Health({})
    async with served("127.0.0.1:0", health) as url, AsyncClient(base_url=url, trust_env=False) as client:
        assert (await client.get("/readyz")).json() == {"ready": True}
        health.drain()
        answer, alive = await client.get("/readyz"), await client.get("/healthz")
    assert (answer.status_code, answer.json()["ready"], list(answer.json()["failing"])) == (503, False, ["worker"])
    assert (alive.status_code, alive.json()) == (200, {"alive": True})


async def test_nothing_is_served_where_no_place_is_named():
    async with served("", Health({})) as url:
        assert url == ""


async def test_a_port_that_is_taken_is_said_with_the_setting_that_names_it():
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as taken:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(OSError, match=f"{place}: Address already in use; see CALLSHEET_HEALTH"):
            await served(place, Health({})).__aenter__()


@pytest.mark.parametrize("place", ["8081", ":8081", "host:", "host:http", "127.0.0.1:99999", "127.0.0.1:٣"])
def test_a_place_without_host_or_port_is_refused(place):
    with pytest.raises(ValueError, match="is no HOST:PORT; write one such as"):
        split(place)


def test_a_place_may_be_of_either_kind_of_address():
    assert (split("0.0.0.0:8081"), split("[::]:0")) == (("0.0.0.0", 8081), ("::", 0))
