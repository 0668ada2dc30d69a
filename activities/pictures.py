"""Puts images into messages at the moment of sending; everywhere else they are digests."""

import asyncio
import base64
import io
import math
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from PIL import Image, UnidentifiedImageError

from activities.errors import permanent
from activities.messages import Block, Message

LONG_EDGE = 1_568
"""Pixels that a model sees at most along the longer edge; larger images are made smaller here, not there."""

MOST_TOKENS = math.ceil(LONG_EDGE / 28) ** 2
"""Tokens of the largest image that is sent."""

_MOST_BYTES = 3_500_000
_TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "GIF": "image/gif"}

Fetch = Callable[[str], Awaitable[bytes]]


class Picture(NamedTuple):
    """An image as it is sent, and what it costs."""

    media_type: str
    data: bytes
    tokens: int


class Shown(NamedTuple):
    """Messages with their images in place."""

    messages: list[Message]
    tokens: int


async def show(messages: list[Message], fetch: Fetch) -> Shown:
    """Put the bytes of all images into the messages; `tokens` counts the images.

    Raises `AssetMissing` for good when an image is not in the store: a critic must not judge what it does not see.
    """
    tokens, shown = 0, []
    for message in messages:
        content = []
        for block in message["content"]:
            if block.get("type") == "image" and block["source"].get("type") == "asset":
                picture = await _fetch(block["source"]["digest"], fetch)
                tokens += picture.tokens
                content.append(_block(picture))
            else:
                content.append(block)
        shown.append({**message, "content": content})
    return Shown(shown, tokens)


def prepare(data: bytes) -> Picture:
    """Make an image fit for the API. The same bytes always give the same image, as a cached prefix needs.

    Raises `ValueError` when the bytes are no image.
    """
    try:
        with Image.open(io.BytesIO(data)) as image:
            media_type = _TYPES.get(image.format or "", "")
            if media_type and max(image.size) <= LONG_EDGE and len(data) <= _MOST_BYTES:
                return Picture(media_type, data, _tokens(*image.size))
            small = image.convert("RGB")
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        raise ValueError(f"no image: {type(error).__name__}") from None
    small.thumbnail((LONG_EDGE, LONG_EDGE), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    small.save(out, "JPEG", quality=92)
    return Picture("image/jpeg", out.getvalue(), _tokens(*small.size))


async def _fetch(digest: str, fetch: Fetch) -> Picture:
    try:
        return await asyncio.to_thread(prepare, await fetch(digest))
    except (FileNotFoundError, ValueError):
        raise permanent("AssetMissing", f"{digest} is not in the store, or is no image") from None


def _tokens(width: int, height: int) -> int:
    return math.ceil(width / 28) * math.ceil(height / 28)


def _block(picture: Picture) -> Block:
    data = base64.b64encode(picture.data).decode()
    return {"type": "image", "source": {"type": "base64", "media_type": picture.media_type, "data": data}}
