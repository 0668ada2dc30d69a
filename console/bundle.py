"""What a production leaves for people: a folder with images, published files, a contact sheet and `run.json`."""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from PIL import Image
from pydantic import BaseModel, ConfigDict

from activities.assets import segment
from console.screen import plain
from console.sheet import Frame, render
from workflows.models import Attempt, ItemState, Publication, RunState, Shot

LARGE, SMALL = 960, 240
"""Longest edges of the pictures on the contact sheet; the originals lie beside them."""

Bytes = Callable[[str], Awaitable[bytes]]


class Produced(BaseModel):
    """One item with the shot it was ordered as."""

    model_config = ConfigDict(frozen=True)

    shot: Shot
    state: ItemState


class Production(BaseModel):
    """Everything that is known of a run when it has ended."""

    model_config = ConfigDict(frozen=True)

    state: RunState
    items: tuple[Produced, ...]
    model: str
    brief: str = ""
    ui: str = ""
    costs: dict[str, Any] = {}


class Bundle:
    """Writes a production into one folder. `asset` and `published` read bytes by digest and by uri."""

    def __init__(self, folder: Path, asset: Bytes, published: Bytes) -> None:
        """Write into `folder`, which is made when needed."""
        self._folder = folder
        self._asset = asset
        self._published = published

    async def write(self, production: Production) -> Path:
        """Write everything; returns the contact sheet."""
        frames = [frame async for frame in self._frames(production.items)]
        sheet = self._folder / "contact-sheet.html"
        await asyncio.to_thread(
            _write_text, sheet, render(production.state, frames, production.model, production.brief)
        )
        record = json.dumps(_record(production, frames), ensure_ascii=False, indent=2) + "\n"
        await asyncio.to_thread(_write_text, self._folder / "run.json", record)
        return sheet

    async def show(self, key: str, digest: str) -> Path:
        """Write the image that a question is about, so that a person can look at it; returns where it lies."""
        return await self._image("review", key, digest)

    async def _frames(self, items: Iterable[Produced]) -> AsyncIterator[Frame]:
        for item in items:
            pictures = {}
            for attempt in item.state.attempts:
                if attempt.digest:
                    pictures[attempt.number] = await self._picture(item.shot.key, attempt)
            proof = item.state.publication
            file = await self._publication(item.shot.key, proof) if proof else ""
            yield Frame(shot=item.shot, state=item.state, pictures=pictures, published=file)

    async def _picture(self, key: str, attempt: Attempt) -> Mapping[str, str]:
        name = f"{key}-{attempt.number}"
        original = await self._image("images", name, attempt.digest)
        found = {"original": f"images/{original.name}"}
        for size, edge in (("large", LARGE), ("small", SMALL)):
            path = self._folder / "sheet" / f"{segment(name)}-{size}.jpg"
            await asyncio.to_thread(_shrink, original, path, edge)
            found[size] = f"sheet/{path.name}"
        return found

    async def _image(self, folder: str, name: str, digest: str) -> Path:
        data = await self._asset(digest)
        path = self._folder / folder / f"{segment(name)}{suffix(data)}"
        await asyncio.to_thread(_write, path, data)
        return path

    async def _publication(self, key: str, proof: Publication) -> str:
        data = await self._published(proof.uri)
        path = self._folder / "published" / f"{segment(key)}{suffix(data)}"
        await asyncio.to_thread(_write, path, data)
        return f"published/{path.name}"


def suffix(data: bytes) -> str:
    """Name the kind of image by its first bytes."""
    if data.startswith(b"\x89PNG"):
        return ".png"
    return ".jpg" if data.startswith(b"\xff\xd8") else ".bin"


def _record(production: Production, frames: Iterable[Frame]) -> dict[str, Any]:
    state = production.state
    items = [
        {
            **plain(frame.state),
            "shot": plain(frame.shot),
            "images": {number: picture["original"] for number, picture in frame.pictures.items()},
            "published_file": frame.published,
        }
        for frame in frames
    ]
    head = {"id": state.id, "title": state.title, "status": state.status, "model": production.model}
    rest = plain(state.model_dump(mode="json", exclude={"items"}))
    return {
        **head,
        "brief": production.brief,
        "ui": production.ui,
        **rest,
        "costs": plain(production.costs),
        "items": items,
    }


def _shrink(source: Path, target: Path, edge: int) -> None:
    with Image.open(io.BytesIO(source.read_bytes())) as image:
        small = image.convert("RGB")
        small.thumbnail((edge, edge), Image.Resampling.LANCZOS)
        kept = io.BytesIO()
        small.save(kept, "JPEG", quality=85, optimize=True)
    _write(target, kept.getvalue())


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _write_text(path: Path, text: str) -> None:
    _write(path, text.encode())
