"""Naming: the files that somebody means who names one, or writes a pattern of names."""

import glob
import os.path
from pathlib import Path

from calltally.errors import UnreadableFile
from calltally.ingestion.rejects import SUFFIX

__all__ = ["files_named"]

WILD = frozenset("*?[")


def files_named(name: str) -> tuple[Path, ...]:
    """The file that is called so; where none is and it can be read as a pattern, all that match it, by name.

    Hidden files and those of rejected rows have to be named in full.

    Raises:
        UnreadableFile: nothing matches the pattern.
    """
    if os.path.lexists(name) or WILD.isdisjoint(name):
        return (Path(name),)
    matching = (Path(found) for found in sorted(glob.glob(name, recursive=True)))  # noqa: PTH207 - Path finds hidden ones
    files = tuple(path for path in matching if path.is_file() and not path.name.endswith(SUFFIX))
    if not files:
        raise UnreadableFile(f"{name}: there is no such file, nor does one match this pattern")
    return files
