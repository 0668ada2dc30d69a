"""The studio: renders a garment on a ghost mannequin as a catalogue packshot, from first light to finished file."""

from dataclasses import dataclass

import cv2
import numpy as np

from activities.studio import bottoms, coats, tops
from activities.studio.camera import Frame, expose, frame, through_lens
from activities.studio.cloth import HANDS, Hand, along_axis, folds, normals, openness, roll, weave
from activities.studio.encode import Rendered, encode
from activities.studio.light import (
    FILL,
    FLAT,
    KEY,
    NOMINAL,
    SWEEP,
    fill_light,
    gloss,
    key_light,
    spill,
    tint,
    to_linear,
)
from activities.studio.pattern import Floats, Panel, Pattern, Trim, floats
from activities.studio.settings import Settings, Subject

BODY_ROLL = 0.085
EDGE = 0.0032
SHIFT = 6
"""Binary digits of a pixel's fraction when outlines are filled."""


def render(subject: Subject, settings: Settings) -> Rendered:
    """Render `subject`; the same subject and settings give the same bytes."""
    pattern = cut_out(subject)
    view = frame(pattern, subject.view, settings)
    cloth, cover = dress_up(pattern, view, subject, settings)
    light = develop(cloth, cover, view, subject, settings)
    return encode(expose(through_lens(light, settings), settings, subject.seed), settings)


def cut_out(subject: Subject) -> Pattern:
    """The pattern of the subject's garment, as seen from its view."""
    cutters = {"tee": tops.tee, "shirt": tops.shirt, "coat": coats.coat, "dress": tops.dress,
               "skirt": bottoms.skirt, "trousers": bottoms.trousers}  # fmt: skip
    return cutters[subject.garment](subject.view, subject.seed if subject.style is None else subject.style)


@dataclass(frozen=True, eq=False)
class Sheet:
    """A panel under light, at the size of the maps: `box` is where (left, top, right, bottom), in map pixels."""

    panel: Panel
    box: tuple[int, int, int, int]
    key: Floats
    fill: Floats
    spill: Floats
    gloss: Floats


def dress_up(pattern: Pattern, view: Frame, subject: Subject, settings: Settings) -> tuple[Floats, Floats]:
    """Lay the panels over each other: front light, spill and gloss of every pixel, and the garment's cover."""
    sheets = shade_all(pattern, view.maps, subject)
    gain = meter(sheets)
    cloth = np.zeros((view.height, view.width, 3), np.float32)
    cover = np.zeros((view.height, view.width), np.float32)
    for sheet in sheets:
        front = gain * (settings.key_light * KEY * sheet.key + settings.fill_light * FILL * sheet.fill)
        lay(cloth, cover, sheet, np.dstack([front, sheet.spill, sheet.gloss * settings.key_light]), view)
    return cloth, cover


def shade_all(pattern: Pattern, maps: Frame, subject: Subject) -> list[Sheet]:
    """Light every panel that is in the frame."""
    silhouette = np.zeros((maps.height, maps.width), np.uint8)
    for panel in pattern.panels:
        fill(silhouette, maps.pixels(panel.outline))
    torso = 0.62 * roll(np.where(silhouette > 127, 255, 0).astype(np.uint8), maps.scale, BODY_ROLL)  # noqa: PLR2004 - half covered
    boxes = [
        (i, p, window(maps.pixels(p.outline), int(0.05 * maps.scale) + 2, maps)) for i, p in enumerate(pattern.panels)
    ]
    hand = HANDS[subject.fabric]
    return [
        shade(p, box, torso, maps, hand, np.random.default_rng([subject.seed, 3, i]))
        for i, p, box in boxes
        if box is not None
    ]


def shade(panel: Panel, box: tuple[int, int, int, int], torso: Floats, maps: Frame, hand: Hand,
          rng: np.random.Generator) -> Sheet:  # fmt: skip
    """Key, fill, spill and gloss over one panel."""
    x0, y0, x1, y1 = box
    mask = np.zeros((y1 - y0, x1 - x0), np.uint8)
    fill(mask, maps.pixels(panel.outline) - floats([x0, y0]))
    x, y = (g[y0:y1, x0:x1] for g in maps.grid())
    waves = hand.folds * folds(panel.drape, *along_axis(panel, x, y), rng)
    height = torso[y0:y1, x0:x1] * (0.5 if panel.inside else 1) + roll(mask, maps.scale, panel.roll) * 0.8 + waves
    n, open_ = normals(height, maps.scale), openness(waves, maps.scale)
    return Sheet(panel, box, key_light(n) * open_, fill_light(n) * open_, spill(n), gloss(n, hand) * open_)


def meter(sheets: list[Sheet]) -> float:
    """Read the nominal light off the panels, as a hand-held meter would."""
    wanted = 1 - FLAT * NOMINAL.background_light
    read = [KEY * s.key + FILL * NOMINAL.fill_light * s.fill for s in sheets if not s.panel.inside]
    largest = max(read, key=np.size, default=np.ones((1, 1), np.float32))
    return wanted / float(np.median(largest))


def lay(cloth: Floats, cover: Floats, sheet: Sheet, light: Floats, view: Frame) -> None:
    """Lay one panel over what is there: it shades what lies under it, then hides it."""
    s, panel = view.step, sheet.panel
    x0, y0 = sheet.box[0] * s, sheet.box[1] * s
    x1, y1 = min(sheet.box[2] * s, view.width), min(sheet.box[3] * s, view.height)
    line = view.pixels(panel.outline)
    part = np.zeros((y1 - y0, x1 - x0), np.uint8)
    fill(part, line - floats([x0, y0]))
    alpha = (part.astype(np.float32) / 255)[..., None]
    patch: np.ndarray = cv2.resize(light, None, fx=s, fy=s, interpolation=cv2.INTER_LINEAR)[: y1 - y0, : x1 - x0]
    under = cloth[y0:y1, x0:x1]
    if panel.lift:
        under[..., :2] *= 1 - panel.lift * cast(part, 0.012 * view.scale)[..., None]
    tone = sew(edged(panel), view, (x0, y0, x1, y1)) * np.float32(panel.tone)
    patch[..., :2] *= tone[..., None]
    under += alpha * (patch - under)
    cover[y0:y1, x0:x1] = np.maximum(cover[y0:y1, x0:x1], alpha[..., 0])


def edged(panel: Panel) -> tuple[Trim, ...]:
    """The trims of a panel and the fine shade along its edge, where the cloth is turned in."""
    edge = np.concatenate([panel.outline, panel.outline[:1]])
    return (Trim(edge, EDGE, tone=0.84), *panel.trims)


def cast(part: np.ndarray, reach: float) -> Floats:
    """The soft shadow of a panel on what lies right under it, a little to the lower right."""
    s = max(1, int(reach / 4))
    small = cv2.resize(part, None, fx=1 / s, fy=1 / s, interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(small, (0, 0), max(reach / s * 0.7, 0.5))
    move = np.array([[1, 0, reach / s * 0.35], [0, 1, reach / s * 0.6]], np.float32)
    soft = cv2.warpAffine(soft, move, (soft.shape[1], soft.shape[0]))
    return np.asarray(cv2.resize(soft, (part.shape[1], part.shape[0])).astype(np.float32) / 255, np.float32)


def window(line: Floats, reach: int, view: Frame) -> tuple[int, int, int, int] | None:
    """The part of the frame that a panel and its shadow touch."""
    x0, y0 = (max(0, int(v)) for v in line.min(0) - reach)
    x1, y1 = (int(v) for v in np.minimum(line.max(0) + reach, (view.width, view.height)))
    return (x0, y0, x1, y1) if x1 - x0 > 1 and y1 - y0 > 1 else None


def sew(trims: tuple[Trim, ...], view: Frame, box: tuple[int, int, int, int]) -> Floats:
    """The tone of seams, stitches and buttons, 1 where there are none."""
    x0, y0, x1, y1 = box
    ink = np.full((y1 - y0, x1 - x0), 128, np.uint8)
    for trim in trims:
        line = view.pixels(trim.line) - floats([x0, y0])
        tone, wide = int(np.clip(trim.tone * 128, 0, 255)), max(1, round(trim.width * view.scale))
        if trim.filled:
            fill(ink, line, tone)
        elif trim.dashed:
            for dash in dashes(line, 0.0055 * view.scale):
                stroke(ink, dash, tone, wide)
        else:
            stroke(ink, line, tone, wide)
    return ink.astype(np.float32) / 128


def dashes(line: Floats, length: float) -> list[Floats]:
    """Cut a line into stitches of `length` pixels with gaps of two thirds."""
    run = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    starts = np.arange(0, run[-1], length * 1.67)
    ends = np.minimum(starts + length, run[-1])
    x, y = line[:, 0], line[:, 1]
    marks = [np.stack([np.interp(m, run, x), np.interp(m, run, y)], -1) for m in (starts, (starts + ends) / 2, ends)]
    return [np.asarray(d, np.float32) for d in np.stack(marks, 1)]


def fill(canvas: np.ndarray, line: Floats, tone: int = 255) -> None:
    """Fill an outline, smooth at its edge."""
    points = np.round(line * 2**SHIFT).astype(np.int32)
    cv2.fillPoly(canvas, [points], tone, cv2.LINE_AA, SHIFT)


def stroke(canvas: np.ndarray, line: Floats, tone: int, wide: int) -> None:
    """Draw a line, smooth at its edge."""
    points = np.round(line * 2**SHIFT).astype(np.int32)
    cv2.polylines(canvas, [points], isClosed=False, color=tone, thickness=wide, lineType=cv2.LINE_AA, shift=SHIFT)


def develop(cloth: Floats, cover: Floats, view: Frame, subject: Subject, settings: Settings) -> Floats:
    """Put colour to the light: the garment over the sweep, in linear light."""
    albedo, sweep, cast_of = to_linear(subject.colour), to_linear(settings.backdrop), tint(settings.kelvin)
    ground = backdrop(cover, view, settings)
    texture = weave(subject.fabric, (view.width, view.height), view.scale, view.origin, subject.seed)
    front, back, shine = cv2.split(cloth)
    front *= texture
    back *= texture * np.float32(settings.background_light)
    light = np.empty((view.height, view.width, 3), np.float32)
    for c in range(3):
        surface = albedo[c] * (front + back * sweep[c]) + shine
        behind = ground * sweep[c]
        light[..., c] = (behind + cover * (surface - behind)) * cast_of[c]
    return light


def backdrop(cover: Floats, view: Frame, settings: Settings) -> Floats:
    """Light from a white sweep: falls off a little to the corners, less the soft shadow of the garment."""
    maps, s = view.maps, view.step
    x = np.linspace(-1, 1, maps.width, dtype=np.float32)
    y = np.linspace(-1, 1, maps.height, dtype=np.float32)[:, None]
    level = SWEEP * settings.background_light * (1 - 0.012 * (x * x + y * y))
    if settings.shadow:
        level = level * (1 - settings.shadow * contact(cover, maps, s))
    return np.asarray(
        cv2.resize(level, None, fx=s, fy=s, interpolation=cv2.INTER_LINEAR)[: view.height, : view.width], np.float32
    )


def contact(cover: Floats, maps: Frame, step: int) -> Floats:
    """The contact shadow: a wide one behind the garment, a closer one to its lower right."""
    small = cv2.resize(cover, (maps.width, maps.height), interpolation=cv2.INTER_AREA if step > 1 else cv2.INTER_LINEAR)
    wide, near = 0.03 * maps.height, 0.008 * maps.height
    move = np.array([[1, 0, near * 0.8], [0, 1, near * 1.4]], np.float32)
    moved = cv2.warpAffine(small, move, (maps.width, maps.height))
    return np.asarray(
        0.16 * cv2.GaussianBlur(moved, (0, 0), wide) + 0.22 * cv2.GaussianBlur(moved, (0, 0), near), np.float32
    )
