"""What handing in a batch of ten thousand briefs costs before the first run starts: `python -m bench.batches`.

CPU time of this process, without a server: reading and checking the lines, keeping the list, asking how it stands.
"""

import asyncio
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from activities.database import Database
from activities.slate_tables import SlateRow
from activities.slates import Entry, SlateStore
from activities.studio.profiles import Profiles
from console.batch_inputs import Input, Reader, Wanted

LINES = 10_000
BRIEF = {
    "products": [
        {
            "id": "tee",
            "title": "Tee",
            "garment": "tee",
            "fabric": "cotton",
            "colours": [{"name": "ink", "hex": "#101828"}],
        }
    ],
    "guidelines": {"brand": "Plain"},
    "venues": [{"profile": "amazon.main", "views": ["front"]}],
}


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Print the CPU time of a block."""
    before = time.process_time()
    yield
    print(f"{what}: {time.process_time() - before:.2f} s CPU")


async def keep(url: str, inputs: list[Input]) -> None:
    """Keep the list, and read of it what a round of the batch reads."""
    database = Database(url)
    database.prepare()
    store = SlateStore(database)
    await store.open(SlateRow(name="b", kind="ImageProduction", tenant="default", by="bench"))
    entries = [Entry(each.digest, each.place, each.title, f"b.{each.digest[:10]}", "{}") for each in inputs]
    with timed(f"list of {len(entries)} kept"):
        await store.hand_in("b", entries)
    with timed("one look at how it stands"):
        state = await store.state("b")
        await store.runs("b", "waiting", limit=4)
    print(f"the state that enters history: {len(state.model_dump_json())} bytes")
    database.close()


def main() -> None:
    """Measure."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "briefs.jsonl"
        path.write_text("".join(json.dumps({**BRIEF, "title": f"Tees {number}"}) + "\n" for number in range(LINES)))
        with timed(f"{LINES} briefs read and checked"):
            inputs = Reader(Wanted("production", "claude"), Profiles.load()).read(path)
        asyncio.run(keep(f"sqlite:///{folder}/b.db", inputs.sound))


if __name__ == "__main__":
    main()
