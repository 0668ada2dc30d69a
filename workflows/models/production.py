"""Catalog image production: brief to published entry."""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints

from workflows.models.base import Value
from workflows.models.review import WrittenReview

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")]
Hex = Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$")]
View = Literal["front", "back", "detail", "side"]
Garment = Literal["dress", "tee", "shirt", "skirt", "trousers", "coat"]
Fabric = Literal["cotton", "linen", "silk", "wool", "denim", "knit"]


def asset_id(digest: str) -> str:
    """Name an asset by the first 80 bits of its digest (`sha256:` and 64 hex digits): short enough to copy."""
    return f"ast_{digest.removeprefix('sha256:')[:20]}"


class Strict(Value):
    """A value that a person writes: unknown fields are mistakes."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Colour(Strict):
    """A colourway: its name for people and its declared value."""

    name: str = Field(min_length=1, max_length=60)
    hex: Hex


class Product(Strict):
    """What is to be shown."""

    id: Slug
    title: str = Field(min_length=1, max_length=120)
    garment: Garment
    fabric: Fabric
    colours: tuple[Colour, ...] = Field(min_length=1, max_length=24)


class Guidelines(Strict):
    """How the brand wants to look."""

    brand: str = Field(min_length=1, max_length=80)
    palette: tuple[Hex, ...] = ()
    backgrounds: tuple[Hex, ...] = ()
    do: tuple[str, ...] = Field(default=(), max_length=20)
    dont: tuple[str, ...] = Field(default=(), max_length=20)


class VenueOrder(Strict):
    """Which views one venue gets. `profile` names a versioned rule profile, e.g. `amazon.main`."""

    profile: str = Field(min_length=1, max_length=60)
    views: tuple[View, ...] = Field(min_length=1)


class Budget(Strict):
    """Caps in dollars: for the whole run and for one item."""

    run_usd: float = Field(default=5.0, gt=0, le=100_000)
    item_usd: float = Field(default=0.5, gt=0, le=10_000)


class Brief(Strict):
    """A catalog shoot as its owner writes it, in YAML or JSON. `model` names who wears the garments."""

    title: str = Field(min_length=1, max_length=120)
    products: tuple[Product, ...] = Field(min_length=1, max_length=10_000)
    guidelines: Guidelines
    venues: tuple[VenueOrder, ...] = Field(min_length=1, max_length=12)
    model: str = Field(default="", max_length=60)
    budget: Budget = Budget()
    deadline: date | None = None
    review: WrittenReview = WrittenReview()


class PlannedShot(Value):
    """One line of the plan: how one view for one venue is to be shot, for every product and colour."""

    profile: str
    view: View
    direction: str = Field(min_length=1, max_length=600)


class Plan(Value):
    """The planner's output."""

    reasoning: str = Field(max_length=2_000)
    shots: tuple[PlannedShot, ...] = Field(min_length=1, max_length=60)


class Shot(Value):
    """One item of a run: one product, colour, venue and view. `key` is unique in the run."""

    key: str
    title: str
    product: Product
    colour: Colour
    profile: str
    view: View
    direction: str
    model: str = ""


class Take(Value):
    """The generator's output: the asset it hands in and why."""

    asset: str = Field(description="the asset id that render_shot returned", max_length=80)
    reasoning: str = Field(default="", max_length=2_000)


class Fact(Value):
    """One measurement against the rule it serves. `miss` is the distance to passing in `unit`, 0 when passed."""

    rule: str
    measured: float | str
    wanted: str
    passed: bool
    miss: float = 0.0
    unit: str = ""
    required: bool = True


class FactSheet(Value):
    """All measurements of the bytes with this digest, against this version of a profile."""

    digest: str
    profile: str
    version: str
    facts: tuple[Fact, ...]

    @property
    def missed(self) -> tuple[Fact, ...]:
        """The required rules that these bytes break."""
        return tuple(f for f in self.facts if f.required and not f.passed)


class Criterion(Value):
    """One criterion of a verdict; the order of the fields is the order of thought."""

    name: Literal["rules", "colour", "framing", "light", "finish"]
    evidence: str = Field(max_length=400)
    reasoning: str = Field(max_length=600)
    score: int = Field(ge=0, le=100)


class Verdict(Value):
    """The critic's output, bound to the asset it looked at. `score` is the mean of the criteria, rounded half up."""

    asset: str = Field(description="the asset id under Artefact", max_length=80)
    criteria: tuple[Criterion, ...] = Field(min_length=5, max_length=5)
    problems: tuple[str, ...] = Field(default=(), max_length=20)
    score: int = Field(ge=0, le=100)


class Attempt(Value):
    """One take and what was found."""

    number: int
    digest: str
    direction: str
    score: int
    missed: tuple[str, ...] = ()
    micro_usd: int = 0


class Revision(Value):
    """The refiner's output: what to change, as an instruction to the generator."""

    reasoning: str = Field(max_length=2_000)
    direction: str = Field(min_length=1, max_length=1_500)


class Listing(Value):
    """The publisher's output: what it published."""

    entry: str = Field(description="the entry id that publish_to_catalog returned", max_length=80)
    title: str = Field(min_length=1, max_length=150)
    alt_text: str = Field(min_length=1, max_length=125)


class Publication(Value):
    """Proof of publishing: the entry, and that the published bytes were re-opened and found right."""

    entry: str
    item: str
    digest: str
    asset: str
    uri: str
    title: str
    alt_text: str
    source_type: str
    decided_by: str
    published_at: datetime
