"""Orders bouquets, waits for them, and prints them."""

import asyncio
import sys

from activities.connection import connect
from activities.leave import leave
from activities.settings import Settings
from florist.pipeline import BouquetOrder, Bouquets


async def main(run: str, *occasions: str) -> None:
    """Start the pipeline under the id `run`; the florist's worker does the work."""
    client = await connect()
    order = BouquetOrder(goal="Bouquets of flowers that we have.", occasions=occasions)
    queue = Settings().task_queue
    for bouquet in await client.execute_workflow(Bouquets.run, order, id=run, task_queue=queue):
        sys.stdout.write(f"{bouquet.name}: {bouquet.stems} stems\n")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
    leave(0)
