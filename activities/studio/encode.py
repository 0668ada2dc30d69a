"""Encoding, once, with the mark that says: made by a machine. Nothing may touch the bytes afterwards."""

from dataclasses import dataclass
from io import BytesIO
from typing import Literal

import numpy as np
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from activities.studio.settings import Settings

SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
XMP = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"'
    f' Iptc4xmpExt:DigitalSourceType="{SOURCE_TYPE}"/></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
)
DPI = (300, 300)


@dataclass(frozen=True)
class Rendered:
    """A finished picture: its bytes are final."""

    bytes: bytes
    width: int
    height: int
    format: Literal["jpeg", "png"]


def encode(pixels: np.ndarray, settings: Settings) -> Rendered:
    """Encode sRGB pixels once, with colour profile and provenance."""
    image, out, icc = Image.fromarray(pixels), BytesIO(), srgb_profile()
    if settings.format == "png":
        marks = PngInfo()
        marks.add_itxt("XML:com.adobe.xmp", XMP)
        image.save(out, "PNG", pnginfo=marks, icc_profile=icc, dpi=DPI, compress_level=4)
    else:
        # Full chroma resolution: reds and blues keep their edges on white.
        image.save(
            out,
            "JPEG",
            quality=settings.quality,
            subsampling=0,
            xmp=XMP.encode(),
            icc_profile=icc,
            dpi=DPI,
            optimize=True,
        )
    return Rendered(out.getvalue(), settings.width, settings.height, settings.format)


def srgb_profile() -> bytes:
    """The sRGB profile with its creation time blanked: same picture, same bytes."""
    icc = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    icc[24:36] = bytes(12)
    return bytes(icc)
