"""A finished file, opened: what it says it is, its pixels and its mark."""

import re
import warnings
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image

PIXELS_AT_MOST = 64_000_000
"""More is not decoded: no venue takes it, and a small file can unfold to any size."""
MARK = re.compile(r'DigitalSourceType(?:\s*=\s*["\']|[^<>]*rdf:resource\s*=\s*["\']|\s*>\s*)([^"\'<>\s]+)')


class UnreadableError(Exception):
    """These bytes are not a whole picture."""


@dataclass(frozen=True, eq=False)
class Picture:
    """Decoded bytes: sRGB pixels (height, width, 3), real format, size of the file and its digital source type."""

    pixels: np.ndarray
    format: str
    size: int
    source_type: str

    @property
    def width(self) -> int:
        """Pixels across."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Pixels down."""
        return int(self.pixels.shape[0])


def open_picture(data: bytes) -> Picture:
    """Decode `data`; transparent pixels are laid on white, as venues do."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # judged below, by our own bound
            image = Image.open(BytesIO(data))
            whole = image.width * image.height <= PIXELS_AT_MOST
            pixels = _flat(image) if whole else np.empty((0, 0, 3), np.uint8)
    except Exception as error:  # decoders fail in many ways on hostile bytes; all mean the same
        raise UnreadableError(f"{type(error).__name__}: {error}"[:200]) from error
    if not whole:
        raise UnreadableError(f"{image.width}x{image.height} pixels are too many")
    return Picture(pixels, (image.format or "").lower(), len(data), _source_type(image))


def _flat(image: Image.Image) -> np.ndarray:
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
    return np.asarray(image.convert("RGB"))


def _source_type(image: Image.Image) -> str:
    found = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
    text = found.decode("utf-8", "replace") if isinstance(found, bytes) else str(found)
    mark = MARK.search(text)
    return mark.group(1) if mark else ""
