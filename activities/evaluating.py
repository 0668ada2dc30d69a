"""What candidate evaluation needs of the world: the papers, the hiring desk and the eraser, built together."""

from collections.abc import Callable
from typing import Any

from activities.assets import Assets
from activities.candidate_papers import CandidatePapers
from activities.database import Database
from activities.erasure import Eraser
from activities.hiring import HiringDesk


class Evaluating:
    """The parts of candidate evaluation; tools ask for `papers`, workers serve `activities`."""

    def __init__(self, database: Database, assets: Assets) -> None:
        """Keep rows in `database` and bytes in `assets`."""
        self.papers = CandidatePapers(database, assets)
        desk, eraser = HiringDesk(database, assets, self.papers), Eraser(database, assets)
        self.activities: tuple[Callable[..., Any], ...] = (
            *(desk.open_vacancy, desk.page, desk.read, desk.nearest, desk.record, desk.decide),
            *(eraser.erase, eraser.erase_histories),
        )
