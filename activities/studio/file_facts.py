"""Measures of the file itself: its size, shape, format, weight and mark."""

from activities.studio.picture import Picture
from activities.studio.profiles import Aspect, Bytes, Format, Provenance, Size
from workflows.models import Fact


def size(picture: Picture, rule: Size) -> Fact:
    """Whether the sides are long enough, and not too long."""
    longest = max(picture.width, picture.height)
    short = max(
        rule.longest_at_least - longest, rule.width_at_least - picture.width, rule.height_at_least - picture.height, 0
    )
    miss = short or max(longest - rule.longest_at_most, 0)
    floors = [
        f"{side} at least {floor}"
        for side, floor in (
            ("longest side", rule.longest_at_least),
            ("width", rule.width_at_least),
            ("height", rule.height_at_least),
        )
        if floor
    ]
    wanted = ", ".join([*floors, f"longest side at most {rule.longest_at_most}"])
    return Fact(rule="size", measured=f"{picture.width}x{picture.height}", wanted=wanted, passed=not miss,
                miss=float(miss), unit="px", required=rule.required)  # fmt: skip


def aspect(picture: Picture, rule: Aspect) -> Fact:
    """Width divided by height."""
    ratio = picture.width / picture.height
    off = abs(ratio - rule.ratio)
    passed = off <= rule.tolerance
    return Fact(
        rule="aspect",
        measured=round(ratio, 4),
        wanted=f"width / height {rule.ratio:g}, give or take {rule.tolerance:g}",
        passed=passed,
        miss=0.0 if passed else round(off - rule.tolerance, 4),
        required=rule.required,
    )


def file_format(picture: Picture, rule: Format) -> Fact:
    """The format as decoded, whatever the file is called."""
    passed = picture.format in rule.allowed
    return Fact(rule="format", measured=picture.format, wanted=f"one of {', '.join(rule.allowed)}", passed=passed,
                miss=float(not passed), required=rule.required)  # fmt: skip


def weight(picture: Picture, rule: Bytes) -> Fact:
    """How large the file is."""
    over = max(picture.size - rule.at_most, 0)
    return Fact(rule="bytes", measured=float(picture.size), wanted=f"at most {rule.at_most} bytes", passed=not over,
                miss=float(over), unit="bytes", required=rule.required)  # fmt: skip


def provenance(picture: Picture, rule: Provenance) -> Fact:
    """Whether the file says how it was made."""
    passed = picture.source_type == rule.source_type
    return Fact(rule="provenance", measured=picture.source_type[:120] or "no mark", wanted=rule.source_type,
                passed=passed, miss=float(not passed), required=rule.required)  # fmt: skip
