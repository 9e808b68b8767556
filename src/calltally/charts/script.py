"""The script with which a page draws charts, kept in a file, since to make it takes the drawing process a second."""

import os
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from uuid import uuid4

from calltally.charts.drawing import Drawer
from calltally.engines import Stop

__all__ = ["VEGA_VERSION", "vega_script"]

MADE_BY = "vl-convert-python"
VEGA_VERSION = version(MADE_BY)  # another one makes another script


def vega_script(drawer: Drawer, folder: Path | None, stop: Stop) -> bytes:
    """The script: the one that is kept in the folder, or else made, and kept if there is a folder.

    Raises:
        Unavailable: it was stopped, or took too long.
    """
    if folder is None:
        return drawer.vega_script(stop)
    kept = folder / f"vega-{VEGA_VERSION}.js"
    with suppress(FileNotFoundError):
        return kept.read_bytes()
    script = drawer.vega_script(stop)
    with suppress(OSError):  # a disk that is full keeps none, and the next server makes it again
        _keep(script, kept)
    return script


def _keep(script: bytes, path: Path) -> None:
    """All of the script under this path, or nothing."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    part = path.with_name(f"{uuid4()}.part")
    try:
        with part.open("wb") as file:
            file.write(script)
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
    finally:
        part.unlink(missing_ok=True)
