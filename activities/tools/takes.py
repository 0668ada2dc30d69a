"""The tool by which an agent that works alone puts its takes before the quality gate."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from activities.catalog import CatalogStore
from activities.tools.definition import Arguments, Artefact, Context, Declined, tool
from activities.tools.references import Ref


class WhichTake(Arguments):
    """Which take is to be evaluated."""

    asset: Annotated[str, Ref("asset", owned_by="scope.run")] = Field(description="the asset id of the take")


class PutForward(Artefact):
    """A take that the gate looks at now."""

    asset: str
    gate: str = "looks at it now; what it finds comes with the next message"


@tool(effect="read", timeout=timedelta(seconds=5), quick=True, summary=lambda put: f"{put.asset} goes before the gate")
async def evaluate_shot(which: WhichTake, catalog: CatalogStore, context: Context) -> PutForward | Declined:
    """Put a take before the quality gate. Only what the gate clears can be published."""
    image = await catalog.images.find(context.scope.run, which.asset, context.scope.item)
    if image is None or (context.scope.item and image.item != context.scope.item):
        return Declined("asset: this is no take of your shot", f"your shot is {context.scope.item}", "owner")
    return PutForward(digest=image.digest, asset=image.id)
