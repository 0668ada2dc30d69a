"""Shoots: from a brief to what the planner reads, and from a plan to the shots of a run. Pure."""

import json
import re
from collections.abc import Iterator
from datetime import date

from activities.studio.profiles import Profiles
from workflows.models import Brief, Colour, Contract, Plan, Product, Shoot, Shot, View

SHOWN_PRODUCTS = 20
"""Products that the planner is shown; it plans views, not products."""

LONGEST_LINE = 200
"""Characters of one line of the guidelines, wherever an agent reads it."""


def shoot_of(brief: Brief, profiles: Profiles, today: date) -> Shoot:
    """Tell the pipeline what it must know of a brief, bounded whatever its size; rules are those in force `today`."""
    return Shoot(
        review=brief.review.policy(),
        title=brief.title,
        contract=_contract(brief),
        summary=_summary(brief, profiles, today),
        wanted=wanted(brief),
        run_micro_usd=round(brief.budget.run_usd * 1_000_000),
        item_micro_usd=round(brief.budget.item_usd * 1_000_000),
    )


def wanted(brief: Brief) -> tuple[str, ...]:
    """List the `profile/view` pairs that a plan must cover, in the brief's order."""
    return tuple(f"{order.profile}/{view}" for order in brief.venues for view in order.views)


def shots(brief: Brief, plan: Plan) -> Iterator[Shot]:
    """Make every shot of a run: each planned view for each product and colour."""
    directions = {f"{planned.profile}/{planned.view}": planned.direction for planned in plan.shots}
    for order in brief.venues:
        for view in order.views:
            direction = directions.get(f"{order.profile}/{view}", f"{view} view, clean and evenly lit")
            for product in brief.products:
                for colour in product.colours:
                    yield _shot(brief, order.profile, view, product, colour, direction)


def count(brief: Brief) -> int:
    """Count the shots of a run."""
    return len(wanted(brief)) * sum(len(product.colours) for product in brief.products)


def item_key(profile: str, view: View, product: str, colour: Colour) -> str:
    """Name a shot uniquely in its run, e.g. `amazon-main-front-linen-dress-ink-navy`."""
    return f"{profile.replace('.', '-')}-{view}-{product}-{colour_slug(colour)}"


def colour_slug(colour: Colour) -> str:
    """Name a colour in a key; a name without latin letters or digits is named by its value."""
    slug = re.sub(r"[^a-z0-9]+", "-", colour.name.casefold()).strip("-")
    return slug or colour.hex.removeprefix("#").lower()


def _shot(brief: Brief, profile: str, view: View, product: Product, colour: Colour, direction: str) -> Shot:
    return Shot(
        key=item_key(profile, view, product.id, colour),
        title=f"{product.title}, {colour.name}, {view} ({profile})",
        product=product.model_copy(update={"colours": (colour,)}),
        colour=colour,
        profile=profile,
        view=view,
        direction=direction,
        model=brief.model,
    )


def _contract(brief: Brief) -> Contract:
    rules = brief.guidelines
    constraints = [f"Brand: {rules.brand}"]
    constraints += [f"Do: {line[:LONGEST_LINE]}" for line in rules.do]
    constraints += [f"Do not: {line[:LONGEST_LINE]}" for line in rules.dont]
    if brief.deadline is not None:
        constraints.append(f"Deadline: {brief.deadline.isoformat()}")
    venues = ", ".join(f"{order.profile} ({', '.join(order.views)})" for order in brief.venues)
    return Contract(
        goal=f"Produce catalog images for the shoot {brief.title!r}: {venues}",
        constraints=tuple(constraints),
        acceptance=(
            "every required rule of the venue is met by measurement of the finished image",
            "the critic's score is at or above the threshold",
            "nothing is published that was not cleared",
        ),
    )


def _summary(brief: Brief, profiles: Profiles, today: date) -> str:
    rules = brief.guidelines
    venues = []
    for order in brief.venues:
        profile = profiles.get(order.profile, on=today)
        venues.append(
            {
                "profile": profile.id,
                "version": profile.version,
                "views": list(order.views),
                "rules": profile.rules.model_dump(mode="json", exclude_none=True),
            }
        )
    told = {
        "title": brief.title,
        "guidelines": {
            "brand": rules.brand,
            "palette": list(rules.palette[:24]),
            "backgrounds": list(rules.backgrounds[:24]),
            "do": [line[:LONGEST_LINE] for line in rules.do],
            "dont": [line[:LONGEST_LINE] for line in rules.dont],
        },
        "model": brief.model,
        "venues": venues,
        "products": [product.model_dump(mode="json") for product in brief.products[:SHOWN_PRODUCTS]],
        "product_count": len(brief.products),
        "wanted": list(wanted(brief)),
    }
    return json.dumps(told, ensure_ascii=False)
