"""Where an export goes: a file that is there whole or not at all."""

import gzip
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from calltally.errors import CalltallyError

__all__ = ["placed"]


@contextmanager
def placed(path: Path) -> Iterator[BinaryIO]:
    """A stream into a file, packed if its name ends in `.gz`; the file is there once the block has ended well.

    What is no ordinary file, such as a named pipe, is written to as it is.

    Raises:
        CalltallyError: it cannot be written.
    """
    target = path.resolve()
    ordinary = target.is_file() or not target.exists()
    # A name of its own: somebody else may be exporting to the same place.
    partial = target.with_name(f"{target.name}.{os.getpid()}.partial") if ordinary else target
    try:
        with ExitStack() as ending:
            file = ending.enter_context(partial.open("wb"))
            if ordinary:
                ending.callback(partial.unlink, missing_ok=True)
            with _packed(file, target.name) as stream:
                yield stream
            if ordinary:
                file.flush()
                os.fsync(file.fileno())
                partial.replace(target)
    except OSError as error:
        raise CalltallyError(f"{path}: the export cannot be written there ({error.strerror or error})") from error


@contextmanager
def _packed(file: BinaryIO, name: str) -> Iterator[BinaryIO]:
    if not name.lower().endswith(".gz"):
        yield file
        return
    with gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=file, mtime=0) as packed:
        yield cast("BinaryIO", packed)
