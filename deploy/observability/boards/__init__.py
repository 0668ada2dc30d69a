"""The dashboards: what an operator, an editor, a bookkeeper and a tool builder look at."""

import json
from collections.abc import Mapping
from typing import Any

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from deploy.observability.boards import money, operations, quality, tools
from deploy.observability.boards.board import draw

BOARDS = (operations.BOARD, quality.BOARD, money.BOARD, tools.BOARD)


def every() -> list[Mapping[str, Any]]:
    """Draw every dashboard, as Grafana reads it."""
    return [json.loads(json.dumps(draw(board).build(), cls=JSONEncoder)) for board in BOARDS]
