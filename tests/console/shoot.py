"""A run as it might end, for the contact sheet."""

import io
from datetime import UTC, datetime

from PIL import Image

from activities.assets import digest_of
from workflows.models import (
    Attempt,
    Colour,
    Criterion,
    Fact,
    FactSheet,
    ItemState,
    Product,
    Publication,
    RunState,
    Shot,
    Spend,
    Verdict,
    asset_id,
)

WHEN = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
NAMES = ("rules", "colour", "framing", "light", "finish")


def picture(shade: int, kind: str = "JPEG") -> bytes:
    kept = io.BytesIO()
    Image.new("RGB", (1600, 2000), (shade, shade, 255 - shade)).save(kept, kind)
    return kept.getvalue()


TAKES = {digest_of(data): data for data in (picture(40), picture(90), picture(200, "PNG"))}
FIRST, SECOND, THIRD = TAKES


def shot(key: str, title: str = "Linen dress, ink, front") -> Shot:
    colour = Colour(name="ink", hex="#101828")
    dress = Product(id="dress", title="Linen dress", garment="dress", fabric="linen", colours=(colour,))
    return Shot(
        key=key, title=title, product=dress, colour=colour, profile="amazon.main", view="front", direction="plain"
    )


def facts(digest: str, *, white: bool) -> FactSheet:
    background = Fact(
        rule="background_white", measured=251.25, wanted="255 in every channel", passed=white, miss=3.75, unit="levels"
    )
    size = Fact(rule="size", measured="1600 x 2000", wanted="at least 1600 px", passed=True)
    return FactSheet(digest=digest, profile="amazon.main", version="2026.1", facts=(background, size))


def verdict(digest: str, score: int, evidence: str = "frame_fill 0.88") -> Verdict:
    each = tuple(
        Criterion.model_validate({"name": name, "evidence": evidence, "reasoning": "as wanted", "score": score})
        for name in NAMES
    )
    return Verdict(asset=asset_id(digest), criteria=each, score=score)


def attempt(number: int, digest: str, score: int, *missed: str) -> Attempt:
    return Attempt(number=number, digest=digest, direction="plain", score=score, missed=missed, micro_usd=4_000)


def publication(key: str, digest: str, by: str) -> Publication:
    return Publication(
        entry=f"ent_{key}",
        item=key,
        digest=digest,
        asset=asset_id(digest),
        uri=f"published/run/{key}",
        title="Linen dress in ink",
        alt_text="Dress, ink, linen, front",
        source_type="trainedAlgorithmicMedia",
        decided_by=by,
        published_at=WHEN,
    )


def refined(key: str = "refined") -> ItemState:
    takes = (attempt(1, FIRST, 58, "background_white"), attempt(2, SECOND, 92))
    return ItemState(
        key=key,
        title="Linen dress, ink, front",
        status="published",
        attempts=takes,
        best=takes[1],
        facts=facts(SECOND, white=True),
        verdict=verdict(SECOND, 92),
        publication=publication(key, SECOND, "gate"),
        decided_by="gate",
        decision="approve",
        spend=Spend(micro_usd=31_000),
    )


def overridden(key: str = "overridden", note: str = "the white is the product") -> ItemState:
    take = attempt(1, THIRD, 61, "background_white")
    return ItemState(
        key=key,
        title="Optic white tee",
        status="published",
        attempts=(take,),
        best=take,
        facts=facts(THIRD, white=False),
        verdict=verdict(THIRD, 61),
        publication=publication(key, THIRD, "ines"),
        decided_by="ines",
        decision="approve",
        note=note,
    )


def failed(key: str = "failed") -> ItemState:
    return ItemState(key=key, title="Coat", status="failed", error="the studio did not answer")


def state() -> RunState:
    return RunState(
        id="spring-7f3a",
        pipeline="image_production",
        status="partial",
        title="Spring capsule",
        started_at=WHEN,
        spend=Spend(micro_usd=123_400, turns=41, tool_calls=17),
        cap_micro_usd=5_000_000,
    )
