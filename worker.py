"""A worker, from the environment alone. The composition root: write your own like it, with your tools and pipelines."""

from activities.serving import work
from activities.tools import TOOLS
from activities.world import World
from workflows.pipelines import PIPELINES

if __name__ == "__main__":
    work(lambda: World.open(tools=TOOLS, pipelines=PIPELINES))
