"""Measures of the product in the picture: framing, sharpness, noise, light and colour."""

import itertools
from dataclasses import dataclass

import cv2
import numpy as np
from skimage.color import deltaE_ciede2000, rgb2lab

from activities.studio.background import at_most
from activities.studio.mask import Cutout
from activities.studio.picture import Picture
from activities.studio.profiles import AtMost, Between
from workflows.models import Fact, View

PAPER = 250
"""From this level on, in all channels, cloth has no drawing left and merges with a white page."""
FAINT = 242
"""From this level on, in all channels, an outline can no longer be told from a white page. On a page that is darker by
more than what is left to white, a bright outline still shows."""
BLOCK = 24
"""Side, in pixels, of the patches in which noise is looked for."""
TEXTILE = 2.0
"""Weight of lightness in the colour distance: folds shade cloth, so the textile trade uses 2:1."""


@dataclass(frozen=True, eq=False)
class Product:
    """The product's pixels, once: its samples and their Lab values, and its rim."""

    picture: Picture
    cutout: Cutout
    lab: tuple[float, float, float]


def product_of(picture: Picture, cutout: Cutout) -> Product:
    """Sample the inside of the product; where there is none, the middle of the frame stands for it."""
    inner = cv2.erode(cutout.small.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    if not inner.any():
        inner = np.zeros_like(cutout.small)
        h, w = inner.shape
        inner[h // 3 : -h // 3, w // 3 : -w // 3] = True
    samples = cutout.small_pixels[inner][::7]
    middle = np.median(rgb2lab(samples[None] / 255.0)[0], 0)
    return Product(picture, cutout, (float(middle[0]), float(middle[1]), float(middle[2])))


def declared(colour_hex: str) -> np.ndarray:
    """`#rrggbb` in Lab."""
    rgb = [int(colour_hex[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    return np.asarray(rgb2lab(np.array([[rgb]]))[0, 0])


def frame_fill(product: Product, rule: Between, view: View) -> Fact:
    """The product's box along the axis that fills the frame more, as a share of the frame."""
    left, top, right, bottom = product.cutout.box
    fill = max(right - left, bottom - top)
    miss = max(rule.at_least - fill, fill - rule.at_most, 0.0)
    return Fact(
        rule="frame_fill",
        measured=round(fill, 4),
        wanted=f"{rule.at_least:g} to {rule.at_most:g} of the frame",
        passed=not miss,
        miss=round(miss, 4),
        unit="of the frame",
        required=rule.required and view != "detail",
    )


def centring(product: Product, rule: AtMost, view: View) -> Fact:
    """How far the middle of the product's box is from the middle of the frame."""
    left, top, right, bottom = product.cutout.box
    off = max(abs((left + right) / 2 - 0.5), abs((top + bottom) / 2 - 0.5)) if product.cutout.found else 0.5
    fact = at_most("centring", off, rule, "of the frame", "off centre by at most {}")
    return fact.model_copy(update={"required": fact.required and view != "detail"})


def sharpness(product: Product, rule: AtMost) -> Fact:
    """The blur of the product's clearest edges, in pixels of a picture with a longest side of 1,000.

    Blurs the picture once more and sees how much its edges lose: a sharp edge loses most of its slope, a blurred one
    little. Unlike the variance of the Laplacian, this does not depend on how much drawing a fabric has.
    """
    grey = _grey_at(product.picture, 1000)
    again = 2.0
    slope, softer = _slope(cv2.GaussianBlur(grey, (0, 0), 0.5)), _slope(cv2.GaussianBlur(grey, (0, 0), again))
    where = cv2.dilate(product.cutout.small.astype(np.uint8), np.ones((9, 9), np.uint8))
    around = cv2.resize(where, (grey.shape[1], grey.shape[0]), interpolation=cv2.INTER_NEAREST) > 0
    around |= not around.any()
    clear = around & (softer >= np.quantile(softer[around], 0.97))
    # Soft shadows have clear edges too; the sharper ones speak for the lens.
    ratio = float(np.quantile(slope[clear] / np.maximum(softer[clear], 1e-3), 0.8))
    blur = float(np.sqrt(max((again**2 - 0.25) / max(ratio**2 - 1, 0.02) - 0.25, 0.0)))
    return at_most("sharpness", blur, rule, "px at 1,000", "edges blurred by at most {}")


def _grey_at(picture: Picture, side: int) -> np.ndarray:
    factor = side / max(picture.width, picture.height)
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    size = (max(8, round(picture.width * factor)), max(8, round(picture.height * factor)))
    return np.asarray(cv2.resize(cv2.cvtColor(picture.pixels, cv2.COLOR_RGB2GRAY), size, interpolation=how), np.float32)


def _slope(grey: np.ndarray) -> np.ndarray:
    return np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))


def noise(product: Product, rule: AtMost) -> Fact:
    """The sensor's noise in levels: what the channels do that they do not do together.

    A weave or a fold moves all channels along one line; noise moves each alone. In small blocks of the product, the
    spread across that line is the noise; the median block speaks for the picture.
    """
    inner = cv2.erode(product.cutout.product.astype(np.uint8), np.ones((9, 9), np.uint8))
    pixels = product.picture.pixels
    corners = itertools.product(
        range(0, pixels.shape[0] - BLOCK, 3 * BLOCK), range(0, pixels.shape[1] - BLOCK, 3 * BLOCK)
    )
    places = [(slice(y, y + BLOCK), slice(x, x + BLOCK)) for y, x in corners]
    blocks = [_across(pixels[place]) for place in places if inner[place].all()]
    found = float(np.median(blocks)) if blocks else 0.0
    return at_most("noise", found, rule, "levels", "noise at most {}")


def _across(block: np.ndarray) -> float:
    values = block.astype(np.float32)
    rest = (values - cv2.GaussianBlur(values, (0, 0), 1.0)).reshape(-1, 3)
    spread = np.linalg.eigvalsh(np.cov(rest.T))
    return float(np.sqrt(max(spread[:2].mean(), 0.0)) / 0.87)  # the high-pass keeps 87 % of white noise


def exposure(product: Product, rule: AtMost, colour_hex: str) -> Fact:
    """How far the product's median lightness is from that of its declared colour."""
    wanted = float(declared(colour_hex)[0])
    off = product.lab[0] - wanted
    fact = at_most("exposure", abs(off), rule, "L*", "lightness off by at most {}")
    text = f"L* {product.lab[0]:.1f}, {abs(off):.1f} {'above' if off > 0 else 'below'} the declared {wanted:.1f}"
    return fact.model_copy(update={"measured": text})


def clipping(product: Product, rule: AtMost) -> Fact:
    """The share of the product, or of its outline if that is more, that is burnt out or blocked up.

    The outline counts by itself because that is where a white garment is lost on a white page; being lost takes less
    there, since the page is right beside it.
    """
    whole, pixels = product.cutout.small, product.cutout.small_pixels
    wanted = "of the product and of its outline burnt out or blocked up: at most {}"
    if not whole.any():
        return at_most("clipping", 1.0, rule, "", wanted).model_copy(update={"passed": False, "miss": 1.0})
    inner, core = _eroded(whole, 1), _eroded(whole, 5)
    low, high = pixels.min(-1), pixels.max(-1)
    body = float(((low >= PAPER) | (high == 0))[whole].mean())
    rim = inner & ~core
    page = float(np.median(low[~whole])) if not whole.all() else 0.0
    lost = float(((low[rim] >= FAINT) & (low[rim] <= page + 255 - FAINT)).mean()) if rim.any() else 0.0
    return at_most("clipping", max(body, lost), rule, "", wanted)


def _eroded(mask: np.ndarray, depth: int) -> np.ndarray:
    """A mask less its rim; the frame's border is no rim."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * depth + 1, 2 * depth + 1))
    return np.asarray(cv2.erode(mask.astype(np.uint8), kernel, borderValue=1) > 0)


def garment_colour(product: Product, rule: AtMost, colour_hex: str) -> Fact:
    """CIEDE2000 (lightness at half weight) between the product's median colour and its declared one."""
    distance = float(
        deltaE_ciede2000(  # type: ignore[no-untyped-call] # scikit-image has no types here
            np.array(product.lab), declared(colour_hex), kL=TEXTILE
        )
    )
    return at_most("garment_colour", distance, rule, "dE2000 (2:1)", "off the declared colour by at most {}")
