"""Files for browsers: compressed once, asked for anew only when changed, and fenced in with this server alone."""

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files
from pathlib import PurePosixPath

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from calltally.api.preferences import has_already, takes_gzip
from calltally.api.routing import route

__all__ = ["Packed", "browser_file", "packed", "packed_response"]

MEDIA_TYPES = {".css": "text/css", ".html": "text/html", ".js": "text/javascript", ".svg": "image/svg+xml"}
# No script but from a file of this server, and nothing from or to anywhere else. Scripts may set styles inline.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Cache-Control": "no-cache",  # kept, but asked about each time: a 304 is quick, and an upgrade shows at once
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept-Encoding",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True)
class Packed:
    """A file as it is kept: compressed, with its media type and the tag of its content."""

    gzipped: bytes
    media_type: str
    tag: str


def browser_file(address: str, package: str, path: str) -> Route:
    """The route that sends a file of an installed package."""

    async def send(request: Request) -> Response:
        return _response(request, await run_in_threadpool(_packed, package, path))

    return route(address, GET=send)


def packed(path: str, content: bytes) -> Packed:
    """A file with this path and content; what it is its suffix says."""
    media_type = MEDIA_TYPES[PurePosixPath(path).suffix]
    return Packed(gzip.compress(content, mtime=0), media_type, f'W/"{sha256(content).hexdigest()[:32]}"')


def packed_response(request: Request, file: Packed, headers: Mapping[str, str]) -> Response:
    """The file, compressed for those who take it."""
    if takes_gzip(request.headers):
        return Response(file.gzipped, 200, {**headers, "Content-Encoding": "gzip"}, file.media_type)
    return Response(gzip.decompress(file.gzipped), 200, headers, file.media_type)


@lru_cache
def _packed(package: str, path: str) -> Packed:
    return packed(path, files(package).joinpath(path).read_bytes())


def _response(request: Request, file: Packed) -> Response:
    headers = {**HEADERS, "ETag": file.tag}
    if has_already(request.headers, file.tag):
        return Response(status_code=304, headers=headers)
    return packed_response(request, file, headers)
