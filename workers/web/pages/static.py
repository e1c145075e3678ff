"""Styles and scripts, under addresses that name their content, so that browsers keep them for good."""

import hashlib
import re
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_MEDIA_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_FOR_GOOD = "public, max-age=31536000, immutable"


def static_url(name: str) -> str:
    """Give the address of a file; scripts find each other beside it."""
    return f"/static/{_version()}/{name}"


def static_routes() -> list[Route]:
    """Make the route of all files."""
    return [Route("/static/{version}/{name}", _serve)]


async def _serve(request: Request) -> Response:
    name = request.path_params["name"]
    found = _files().get(name)
    if found is None:
        raise HTTPException(404)
    is_current = request.path_params["version"] == _version()
    return Response(
        found,
        media_type=_MEDIA_TYPES[name.rpartition(".")[2]],
        headers={"Cache-Control": _FOR_GOOD if is_current else "no-cache"},
    )


@cache
def _files() -> dict[str, bytes]:
    folder = resources.files("workers.web").joinpath("static")
    return {one.name: one.read_bytes() for one in folder.iterdir() if _is_served(one)}


def _is_served(file: Traversable) -> bool:
    return file.is_file() and file.name.rpartition(".")[2] in _MEDIA_TYPES


@cache
def script_texts() -> tuple[str, ...]:
    """List what scripts show to people: each `text("…")` in them."""
    scripts = (
        content.decode() for name, content in sorted(_files().items()) if name.endswith(".js")
    )
    return tuple(dict.fromkeys(one for script in scripts for one in _TEXT.findall(script)))


_TEXT = re.compile(r'\btext\("([^"]+)"')


@cache
def _version() -> str:
    digest = hashlib.sha256()
    for name, content in sorted(_files().items()):
        digest.update(name.encode() + content)
    return digest.hexdigest()[:12]
