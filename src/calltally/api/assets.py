"""`/assets/HASH/NAME`: the files that pages are made of, kept by browsers for ever.

All of them share the hash, so that a module imports another by its relative name and no build has to rewrite it. Any
change of any file is a new hash, and with it a new address of each. What draws charts, `vega.js`, comes out of a
library when it is first asked for, and is named by the version of that.
"""

from collections.abc import Iterator
from functools import lru_cache
from hashlib import sha256
from importlib.abc import Traversable
from importlib.resources import files

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from calltally.api.browser import Packed, packed, packed_response
from calltally.api.routing import route
from calltally.api.services import Services, services_of
from calltally.charts import VEGA_VERSION, vega_script
from calltally.engines import Stop

__all__ = ["ASSETS", "PAGES", "asset", "modules"]

PAGES = "calltally.api.pages"
OWN = "assets"  # the folder in `PAGES` all of whose files are assets
# Name -> package and path of the files that come from elsewhere.
OTHERS = {"icon.svg": (PAGES, "icon.svg")}
VEGA = "vega.js"
HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Vary": "Accept-Encoding",
    "X-Content-Type-Options": "nosniff",
}


def asset(name: str) -> str:
    """The address of an asset, relative to the root of the server.

    Raises:
        KeyError: there is none of this name.
    """
    if name not in _files() and name != VEGA:
        raise KeyError(name)
    return f"assets/{_hash()}/{name}"


def modules() -> list[str]:
    """The names of all scripts of ours, each of which another one imports or a page begins with."""
    return sorted(name for name in _files() if name.endswith(".js"))


async def _send(request: Request) -> Response:
    digest, name = request.path_params["hash"], request.path_params["name"]
    if digest == _hash() and name == VEGA:
        return packed_response(request, await run_in_threadpool(_packed_vega, services_of(request)), HEADERS)
    if digest != _hash() or name not in _files():
        raise HTTPException(404)
    return packed_response(request, await run_in_threadpool(_packed, name), HEADERS)


@lru_cache
def _files() -> dict[str, Traversable]:
    """Where each asset is, by name."""
    own = dict(_below(files(PAGES).joinpath(OWN)))
    return own | {name: files(package).joinpath(path) for name, (package, path) in OTHERS.items()}


def _below(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, Traversable]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _below(entry, f"{prefix}{entry.name}/")
        else:
            yield prefix + entry.name, entry


@lru_cache
def _hash() -> str:
    """What names the names and the contents of all assets."""
    parts = [f"{name} {sha256(file.read_bytes()).hexdigest()}\n" for name, file in sorted(_files().items())]
    return sha256("".join([*parts, VEGA_VERSION]).encode()).hexdigest()[:16]


@lru_cache
def _packed(name: str) -> Packed:
    return packed(name, _files()[name].read_bytes())


def _packed_vega(services: Services) -> Packed:
    return _packed_script(vega_script(services.drawer, services.cache, Stop()))


@lru_cache(maxsize=1)
def _packed_script(script: bytes) -> Packed:
    return packed(VEGA, script)


ASSETS = [route("/assets/{hash}/{name:path}", GET=_send)]
