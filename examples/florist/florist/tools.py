"""What the florist's agents can do."""

from datetime import timedelta

from activities.tools.definition import Arguments, tool


class Shop:
    """The shop's own system, which would be a database."""

    stems = {"tulip": 40, "iris": 12, "fern": 25}


class Flower(Arguments):
    """Which flower is meant."""

    name: str


@tool(effect="read", timeout=timedelta(seconds=5), quick=True)
async def count_stems(flower: Flower, shop: Shop) -> dict[str, int]:
    """Count the stems of a flower that are in stock."""
    return {flower.name: shop.stems.get(flower.name, 0)}
