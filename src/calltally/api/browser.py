"""Files for browsers: compressed once, asked for anew only when changed, and fenced in with this server alone."""

import gzip
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

__all__ = ["browser_file"]

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
    """A file as it is kept: compressed, with the tag of its content."""

    gzipped: bytes
    tag: str


def browser_file(address: str, package: str, path: str) -> Route:
    """The route that sends a file of an installed package."""

    async def send(request: Request) -> Response:
        return _response(request, await run_in_threadpool(_packed, package, path), path)

    return Route(address, send, methods=["GET"])


@lru_cache
def _packed(package: str, path: str) -> Packed:
    content = files(package).joinpath(path).read_bytes()
    return Packed(gzip.compress(content, mtime=0), f'W/"{sha256(content).hexdigest()[:32]}"')


def _response(request: Request, file: Packed, path: str) -> Response:
    headers = {**HEADERS, "ETag": file.tag}
    if has_already(request.headers, file.tag):
        return Response(status_code=304, headers=headers)
    media_type = MEDIA_TYPES[PurePosixPath(path).suffix]
    if takes_gzip(request.headers):
        return Response(file.gzipped, 200, {**headers, "Content-Encoding": "gzip"}, media_type)
    return Response(gzip.decompress(file.gzipped), 200, headers, media_type)
