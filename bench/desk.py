"""How long the desk takes to show its queue while a thousand questions wait: `python -m bench.desk [NUMBER]`.

The server is the embedded one; the desk is asked as a browser asks it. Time is the CPU time of this process, which is
the desk's alone: on a busy machine the clock on the wall says little. The server's own time is told beside it.
"""

import asyncio
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from activities.deciding import Deciding
from activities.settings import Settings
from activities.signing import Signer
from console.processes import free_port
from desk.pages import Pages
from desk.queue import AGES, Filters, Queue
from desk.shelf import Shelf
from screentest.servers import serve
from tests.desk.crowd import Counted, gather
from workflows.models import Identity

LOOKS = 15
VERA = Identity(name="Vera Holm", role="operator")
WAYS = {"the first page": Filters(), "a search": Filters(search="dress 77"), "one kind": Filters(kind="budget")}


async def main(number: int, server: str, home: Path) -> None:
    """Gather a crowd, then look at it again and again."""
    counted = Counted()
    client = await Client.connect(server, data_converter=pydantic_data_converter, interceptors=[counted])
    await gather(client, number)
    while (await client.count_workflows("CallsheetAwaitingReview = true")).count < number:  # noqa: ASYNC110
        await asyncio.sleep(0.2)
    queue = Queue(client, Deciding(client, Signer.of(Settings(home=home), "desk")))
    pages = Pages(Shelf())
    print(f"{number:,} questions wait; the median of {LOOKS} looks")
    for name, filters in WAYS.items():
        await measure(queue, pages, counted, name, filters)


async def measure(queue: Queue, pages: Pages, counted: Counted, name: str, filters: Filters) -> None:
    """Look with these filters, from the question to the server to the finished page."""
    cpu, wall = [], []
    before = counted.lists + counted.counts
    for _ in range(LOOKS):
        began, clock = time.process_time(), time.perf_counter()
        listed = await queue.page(filters, VERA)
        pages.page("queue-rows", here="/", filters=filters, listed=listed, kinds=(), ages=AGES, pipelines=())
        cpu.append(time.process_time() - began)
        wall.append(time.perf_counter() - clock)
    asked = (counted.lists + counted.counts - before) / LOOKS
    print(f"{name:16} {median(cpu) * 1_000:6.0f} ms CPU {median(wall) * 1_000:6.0f} ms in all, {asked:.0f} requests")


if __name__ == "__main__":
    folder = Path(tempfile.mkdtemp())
    port = free_port()
    with serve(port, folder / "temporal.db"):
        asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000, f"127.0.0.1:{port}", folder))
