"""Measures a finished file against the rules of a venue: numbers first, opinions later."""

from collections.abc import Iterator, Sequence

from activities.studio import background, duplicates, file_facts, garment_facts
from activities.studio.duplicates import Fingerprint
from activities.studio.garment_facts import Product, product_of
from activities.studio.mask import cut_out
from activities.studio.picture import Picture, UnreadableError, open_picture
from activities.studio.profiles import Profile, Rules
from workflows.models import Fact, View


def measure(data: bytes, *, colour_hex: str, view: View, profile: Profile, others: Sequence[Fingerprint] = ()
            ) -> tuple[Fact, ...]:  # fmt: skip
    """Measure the encoded bytes, one fact per rule of the profile, cheap ones first.

    `others` are the fingerprints of the other pictures of the set. Bytes that are no picture give the single fact
    `decodes`, failed; nothing is raised for them.
    """
    try:
        picture = open_picture(data)
    except UnreadableError as error:
        return (Fact(rule="decodes", measured=str(error), wanted="a whole picture", passed=False, miss=1.0),)
    product = product_of(picture, cut_out(picture))
    return (
        *_file(picture, profile.rules),
        *_frame(product, profile.rules, view),
        *_finish(product, profile.rules, colour_hex, others),
    )


def fingerprint(data: bytes) -> Fingerprint:
    """What these bytes are recognised by in a set; raises `UnreadableError` for bytes that are no picture."""
    picture = open_picture(data)
    return duplicates.fingerprint_of(product_of(picture, cut_out(picture)))


def _file(picture: Picture, rules: Rules) -> Iterator[Fact]:
    if rules.size:
        yield file_facts.size(picture, rules.size)
    if rules.aspect:
        yield file_facts.aspect(picture, rules.aspect)
    if rules.format:
        yield file_facts.file_format(picture, rules.format)
    if rules.bytes:
        yield file_facts.weight(picture, rules.bytes)
    if rules.provenance:
        yield file_facts.provenance(picture, rules.provenance)


def _frame(product: Product, rules: Rules, view: View) -> Iterator[Fact]:
    if rules.background_white:
        yield background.white(product.picture, product.cutout, rules.background_white)
    if rules.background_uniform:
        yield background.uniform(product.cutout, rules.background_uniform)
    if rules.frame_fill:
        yield garment_facts.frame_fill(product, rules.frame_fill, view)
    if rules.centring:
        yield garment_facts.centring(product, rules.centring, view)


def _finish(product: Product, rules: Rules, colour_hex: str, others: Sequence[Fingerprint]) -> Iterator[Fact]:
    if rules.sharpness:
        yield garment_facts.sharpness(product, rules.sharpness)
    if rules.noise:
        yield garment_facts.noise(product, rules.noise)
    if rules.exposure:
        yield garment_facts.exposure(product, rules.exposure, colour_hex)
    if rules.clipping:
        yield garment_facts.clipping(product, rules.clipping)
    if rules.garment_colour:
        yield garment_facts.garment_colour(product, rules.garment_colour, colour_hex)
    if rules.duplicate:
        yield duplicates.duplicate(duplicates.fingerprint_of(product), others, rules.duplicate)
