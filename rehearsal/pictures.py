"""Images in a request: do they decode, are they small enough, and what do they cost."""

import base64
import binascii
import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Final

from PIL import Image, UnidentifiedImageError

from rehearsal.blocks import Base64Source, Block, FileSource, ImageBlock, MessageShape, ToolResultBlock
from rehearsal.errors import ApiError

PATCH: Final = 28
LONGEST_READ: Final = 1568
"""The model sees at most this many pixels along the longest side; larger images are scaled down (an assumption)."""
LONGEST: Final = 8000
LONGEST_OF_MANY: Final = 2000
MANY: Final = 20
MOST_BYTES: Final = 5 * 1024 * 1024
KEPT: Final = 4096


@dataclass(frozen=True)
class Picture:
    """A decoded image: its size in pixels."""

    width: int
    height: int

    @property
    def longest(self) -> int:
        """The longest side."""
        return max(self.width, self.height)

    @property
    def tokens(self) -> int:
        """One token for each patch that the model reads, after scaling down."""
        scale = min(1.0, LONGEST_READ / self.longest)
        return math.ceil(self.width * scale / PATCH) * math.ceil(self.height * scale / PATCH)


def images_of(at: int, message: MessageShape) -> Iterator[tuple[str, ImageBlock]]:
    """Walk over the images of the message at this place, each with its path in the request."""
    for b, block in enumerate(message.content):
        yield from _within(f"messages.{at}.content.{b}", block)


def check_sizes(seen: Sequence[tuple[str, Picture]]) -> None:
    """Refuse images that are too large for their number.

    Raises:
        ApiError: 400, naming the images by their paths.
    """
    limit = LONGEST_OF_MANY if len(seen) > MANY else LONGEST
    wide = [path for path, picture in seen if picture.longest > limit]
    if wide:
        details = {"error_code": "image_dimensions_too_large", "max_side_length_pixels": limit, "paths": wide}
        many = " for many-image requests" if limit == LONGEST_OF_MANY else ""
        message = f"At least one of the image dimensions exceed max allowed size{many}: {limit} pixels"
        raise ApiError(f"{wide[0]}.image.source.base64.data: {message}", details=details)


def _within(path: str, block: Block) -> Iterator[tuple[str, ImageBlock]]:
    if isinstance(block, ImageBlock):
        yield path, block
    elif isinstance(block, ToolResultBlock):
        for i, shown in enumerate(block.content):
            if isinstance(shown, ImageBlock):
                yield f"{path}.content.{i}", shown


class Pictures:
    """Decodes images, each only once."""

    def __init__(self) -> None:
        self._known: dict[str, Picture] = {}

    def see(self, path: str, image: ImageBlock) -> Picture:
        """Look at an image.

        Raises:
            ApiError: 400 or 404, naming the image by its path.
        """
        if isinstance(image.source, FileSource):
            raise ApiError(f"File not found: {image.source.file_id}", type="not_found_error")
        if not isinstance(image.source, Base64Source):
            raise ApiError(f"{path}.image.source.url: Unable to download the file. A rehearsal fetches nothing.")
        picture = self._decode(f"{path}.image.source.base64", image.source)
        strict = image.transformations is not None and image.transformations.oversized_image == "error"
        if strict and picture.longest > LONGEST_READ:
            size = f"{picture.width}x{picture.height}"
            raise ApiError(f"{path}: image is {size} pixels; the longest side that fits is {LONGEST_READ} pixels")
        return picture

    def tokens(self, data: str) -> int:
        """What an image costs that passed the check."""
        return self._known[_key(data)].tokens if _key(data) in self._known else 1

    def _decode(self, path: str, source: Base64Source) -> Picture:
        known = self._known.get(_key(source.data))
        if known is not None:
            return known
        content = _bytes(path, source.data)
        try:
            with Image.open(BytesIO(content)) as image:
                image.load()
                picture, media_type = Picture(*image.size), Image.MIME.get(image.format or "", "")
        except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError):
            raise ApiError(f"{path}: Could not process image") from None
        if media_type != source.media_type:
            said = f"The image was specified using the {source.media_type} media type"
            raise ApiError(f"{path}.media_type: {said}, but the image appears to be a {media_type} image")
        if len(self._known) >= KEPT:
            self._known.clear()
        self._known[_key(source.data)] = picture
        return picture


def _bytes(path: str, data: str) -> bytes:
    try:
        content = base64.b64decode(data, validate=True)
    except binascii.Error:
        raise ApiError(f"{path}.data: Invalid base64 data") from None
    if len(content) > MOST_BYTES:
        size = f"{len(content)} bytes > {MOST_BYTES} bytes"
        raise ApiError(f"{path}: image exceeds {MOST_BYTES // 1024 // 1024} MB maximum: {size}")
    return content


def _key(data: str) -> str:
    return hashlib.sha256(data.encode()).hexdigest()
