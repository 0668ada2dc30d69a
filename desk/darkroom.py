"""Pictures in the sizes of the desk, made from the stored bytes and kept for a while."""

import asyncio
import io
from collections import OrderedDict
from collections.abc import Mapping
from typing import Literal, NamedTuple

from PIL import Image, UnidentifiedImageError

from activities.assets import AssetDamaged, Assets
from desk.refusals import not_here

Size = Literal["small", "large", "full"]
EDGES: Mapping[str, int] = {"small": 240, "large": 1_400}
QUALITY = 88
MOST_PIXELS = 120_000_000
KEPT = 256
"""Pictures that are remembered."""
AT_ONCE = 2
"""Pictures that are made at the same time: each keeps a core busy."""
KINDS = ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF8", "image/gif"))


class Print(NamedTuple):
    """A picture that can be sent."""

    data: bytes
    kind: str


class Darkroom:
    """Develops pictures."""

    def __init__(self, assets: Assets) -> None:
        """Read from `assets`."""
        self._assets = assets
        self._kept: OrderedDict[tuple[str, str], Print] = OrderedDict()
        self._places = asyncio.Semaphore(AT_ONCE)

    async def print(self, digest: str, size: Size) -> Print:
        """Make a picture in a size.

        Raises:
            Refused: there are no such bytes, or they are no picture that a browser shows.
        """
        key = (digest, size)
        if (known := self._kept.get(key)) is not None:
            self._kept.move_to_end(key)
            return known
        data = await self._bytes(digest)
        made = await self._made(data, size)
        if size != "full":
            self._kept[key] = made
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return made

    async def _bytes(self, digest: str) -> bytes:
        try:
            return await self._assets.get(digest)
        except (FileNotFoundError, AssetDamaged, OSError):
            raise not_here("image") from None

    async def _made(self, data: bytes, size: Size) -> Print:
        if size == "full" and (kind := _kind(data)):
            return Print(data, kind)
        async with self._places:
            try:
                return Print(await asyncio.to_thread(_shrink, data, EDGES.get(size, 4_000)), "image/jpeg")
            except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError):
                raise not_here("image") from None


def _kind(data: bytes) -> str:
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for start, kind in KINDS if data.startswith(start)), "")


def _shrink(data: bytes, edge: int) -> bytes:
    with Image.open(io.BytesIO(data)) as image:
        if image.width * image.height > MOST_PIXELS:
            raise ValueError("too many pixels")
        small = image.convert("RGB")
        small.thumbnail((edge, edge), Image.Resampling.LANCZOS)
        kept = io.BytesIO()
        small.save(kept, "JPEG", quality=QUALITY, optimize=True, icc_profile=image.info.get("icc_profile"))
    return kept.getvalue()
