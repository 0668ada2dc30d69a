"""Assets: bytes that are named by their digest, in a folder, in memory or in an object store."""

import asyncio
import contextlib
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import LocalStore, MemoryStore, ObjectStore, from_url

_DIGEST = re.compile(r"^sha256:[0-9a-f]{64}$")
SCHEMES = ("s3", "gs", "az", "abfs", "abfss")
"""Stores that the object-store library opens by URL; it knows more names for the same ones."""
_PLAIN = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$")


class AssetDamaged(Exception):  # noqa: N818 - it says what is wrong with the asset
    """Stored bytes are not those that their name promises."""


class PlaceTaken(Exception):  # noqa: N818 - it says what happened to the place
    """Other bytes are already published at this place."""


class NoSuchStore(ValueError):  # noqa: N818 - as its neighbours
    """A URL names no store that there is."""


class AssetsUnreachable(ConnectionError):  # noqa: N818 - as its neighbours
    """The store does not answer, or refuses."""


def digest_of(data: bytes) -> str:
    """Name bytes: `sha256:` and 64 hex digits."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def segment(text: str) -> str:
    """Turn any id into one safe part of a path; ids that differ stay different."""
    if _PLAIN.match(text) and ".." not in text:
        return text
    tail = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:12]
    return f"{re.sub(r'[^A-Za-z0-9_-]+', '_', text)[:120]}-{tail}"


class Assets:
    """Content-addressed bytes, and the published copies beside them. Nothing is ever overwritten with other bytes."""

    def __init__(self, store: ObjectStore) -> None:
        """Keep everything in `store`."""
        self._store = store

    @classmethod
    def at(cls, place: str | Path) -> Self:
        """Open a folder, or a URL such as `s3://bucket/prefix` or `memory://`; credentials are the environment's.

        Raises:
            NoSuchStore: the URL is of no store that there is, or lacks what it needs.
        """
        text = str(place)
        scheme = urlsplit(text).scheme if "://" in text else ""
        if scheme == "memory":
            return cls(MemoryStore())
        if scheme in ("", "file"):
            folder = Path(urlsplit(text).path if scheme else text).expanduser().absolute()
            return cls(LocalStore(folder, mkdir=True))
        if scheme.lower() not in SCHEMES:
            known = ", ".join(f"{name}://" for name in SCHEMES)
            raise NoSuchStore(f"there is no store of assets at {scheme}://; name a folder, or a URL with {known}")
        try:
            return cls(from_url(text, retry_config={"max_retries": 2}))
        except BaseError as error:
            raise NoSuchStore(f"the store of assets at {scheme}:// cannot be opened: {_first_line(error)}") from None

    async def put(self, data: bytes) -> str:
        """Keep bytes and return their digest. Keeping the same bytes again is harmless, and repairs a damaged copy."""
        digest = digest_of(data)
        key = _key(digest)
        try:
            await self._create(key, data)
        except AlreadyExistsError:
            if digest_of(await self._read(key)) != digest:
                with _told_plainly():
                    await self._store.put_async(key, data)
        return digest

    async def get(self, digest: str) -> bytes:
        """Read the bytes with this digest; `FileNotFoundError` if there are none, `AssetDamaged` if they changed."""
        data = await self._read(_key(digest))
        if digest_of(data) != digest:
            raise AssetDamaged(f"{digest} does not have the bytes it is named after")
        return data

    async def erase(self, digest: str) -> None:
        """Delete the bytes with this digest; harmless when they are gone. Only what nobody else refers to may go."""
        with contextlib.suppress(FileNotFoundError), _told_plainly():
            await self._store.delete_async(_key(digest))

    async def publish(self, run: str, name: str, data: bytes) -> str:
        """Copy bytes to `published/<run>/<name>`, once; other bytes at that place are `PlaceTaken`."""
        uri = f"published/{segment(run)}/{segment(name)}"
        try:
            await self._create(uri, data)
        except AlreadyExistsError:
            if await self._read(uri) != data:
                raise PlaceTaken(f"{uri} already holds another image") from None
        return uri

    async def read_published(self, uri: str) -> bytes:
        """Re-open what was published at `uri`; `FileNotFoundError` if it is gone."""
        if not uri.startswith("published/"):
            raise FileNotFoundError(uri)
        return await self._read(uri)

    def path(self, digest: str) -> Path | None:
        """Tell where a digest's bytes lie on this machine; `None` when they are not in a folder."""
        return self._local(_key(digest))

    def published_path(self, uri: str) -> Path | None:
        """Tell where a published copy lies on this machine; `None` when it is not in a folder."""
        return self._local(uri)

    def _local(self, key: str) -> Path | None:
        store = self._store
        return Path(str(store.prefix)) / key if isinstance(store, LocalStore) and store.prefix else None

    async def _create(self, key: str, data: bytes) -> None:
        with _told_plainly():
            await self._store.put_async(key, data, mode="create")

    async def _read(self, key: str) -> bytes:
        with _told_plainly():
            found = await self._store.get_async(key)
            return await asyncio.to_thread(lambda: bytes(found.bytes()))


@contextlib.contextmanager
def _told_plainly() -> Iterator[None]:
    """Say in one line what is wrong with the store; the library's own words go on for a page."""
    try:
        yield
    except AlreadyExistsError:
        raise
    except BaseError as error:
        raise AssetsUnreachable(f"the store of assets does not serve: {_first_line(error)}") from None


def _first_line(error: BaseError) -> str:
    return str(error).strip().partition("\n")[0][:300]


def _key(digest: str) -> str:
    if not _DIGEST.match(digest):
        raise FileNotFoundError(f"not a digest: {digest[:80]!r}")
    hexed = digest.removeprefix("sha256:")
    return f"sha256/{hexed[:2]}/{hexed}"
