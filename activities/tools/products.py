"""Tools that look up what is shot."""

from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, Field

from activities.catalog import CatalogStore
from activities.shoots import LONGEST_LINE
from activities.tools.definition import Arguments, Context, Declined, tool
from activities.tools.references import Ref
from workflows.models import Guidelines, Product


class WhichProduct(Arguments):
    """Which product to look up."""

    product: Annotated[str, Ref("product", owned_by="scope.run")] = Field(
        description="the id of the product, as the shot names it"
    )


class BrandGuide(BaseModel):
    """How the brand wants to look and to be spoken of."""

    brand: str
    do: list[str]
    dont: list[str]


class Described(BaseModel):
    """A product and the guidelines of its brand."""

    product: Product
    guidelines: BrandGuide


@tool(
    effect="read",
    timeout=timedelta(seconds=5),
    quick=True,
    summary=lambda found: f"{found.product.id}: {found.product.title}, of {found.guidelines.brand}",
)
async def describe_product(which: WhichProduct, catalog: CatalogStore, context: Context) -> Described | Declined:
    """Read a product's data (title, garment, fabric, colours) and the guidelines of its brand."""
    product = await catalog.product(context.scope.run, which.product)
    guidelines = await catalog.guidelines(context.scope.run)
    if product is None or guidelines is None:
        return Declined("product: it is no longer recorded")
    return Described(product=product, guidelines=_guide(guidelines))


def _guide(rules: Guidelines) -> BrandGuide:
    do, dont = ([line[:LONGEST_LINE] for line in lines] for lines in (rules.do, rules.dont))
    return BrandGuide(brand=rules.brand, do=do, dont=dont)
