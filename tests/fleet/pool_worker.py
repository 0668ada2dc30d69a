"""A worker of a fleet in which every pool has processes of its own, with a tool that needs what only one pool has."""

import os
from datetime import timedelta

from activities.serving import work
from activities.tools import TOOLS
from activities.tools.definition import Arguments, tool
from activities.world import World


class Gpu:
    """Only the pool `gpu` has one."""

    def enlarge(self, name: str) -> str:
        return f"{name}, twice as large"


class Picture(Arguments):
    name: str


@tool(effect="write", timeout=timedelta(seconds=10), queue="gpu")
async def enlarge(picture: Picture, gpu: Gpu) -> dict[str, str]:
    """Enlarge a picture."""
    return {"enlarged": gpu.enlarge(picture.name)}


if __name__ == "__main__":
    gpus = (Gpu(),) if "gpu" in os.environ["CALLSHEET_QUEUES"] else ()
    work(lambda: World.open(tools=(*TOOLS, enlarge), dependencies=gpus))
