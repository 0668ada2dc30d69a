"""The florist's worker."""

from activities.serving import work
from activities.tools import TOOLS
from activities.world import World
from florist.pipeline import Bouquets
from florist.tools import Shop, count_stems
from workflows.pipelines import PIPELINES

if __name__ == "__main__":
    work(lambda: World.open(tools=(*TOOLS, count_stems), pipelines=(*PIPELINES, Bouquets), dependencies=(Shop(),)))
