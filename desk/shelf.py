"""The files that every page needs: style, scripts, fonts. Read once; a name that is not among them is not here."""

import hashlib
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from desk.refusals import not_here

KINDS = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".woff2": "font/woff2",
    ".svg": "image/svg+xml",
    ".LICENSE": "text/plain; charset=utf-8",
}
FOR_GOOD = "public, max-age=31536000, immutable"


class Static(NamedTuple):
    """One file."""

    data: bytes
    kind: str
    version: str


class Shelf:
    """Serves the files of `desk/static` by their names, which change with what is in them."""

    def __init__(self) -> None:
        """Read all of them."""
        self._files = dict(_walk(files("desk") / "static"))

    def url(self, name: str) -> str:
        """Name the address of a file; a browser may keep it for good."""
        return f"/static/{name}?v={self._files[name].version}"

    def routes(self) -> list[Route]:
        """Serve them."""
        return [Route("/static/{name:path}", self.serve)]

    async def serve(self, request: Request) -> Response:
        """Answer with a file."""
        found = self._files.get(request.path_params["name"])
        if found is None:
            raise not_here("file")
        return Response(found.data, media_type=found.kind, headers={"cache-control": FOR_GOOD, "etag": found.version})


def _walk(folder: Traversable, prefix: str = "") -> list[tuple[str, Static]]:
    found: list[tuple[str, Static]] = []
    for each in folder.iterdir():
        if each.is_dir():
            found += _walk(each, f"{prefix}{each.name}/")
            continue
        kind = KINDS.get(each.name[each.name.rfind(".") :])
        if kind:
            data = each.read_bytes()
            found.append((f"{prefix}{each.name}", Static(data, kind, hashlib.sha256(data).hexdigest()[:16])))
    return found
