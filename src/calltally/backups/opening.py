"""A backup that is looked into, which changes nothing in it: not even what a newer release would bring up to date."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from calltally.accounts import Control, open_control
from calltally.backups.manifest import Manifest, read_manifest
from calltally.engines import StoreFacts, calls_file, read_file
from calltally.errors import FolderUnusable
from calltally.folder import DataFolder

__all__ = ["Backup", "copied_control", "opened_backup", "read_calls"]


@dataclass(frozen=True)
class Backup:
    """An open backup; `control` is a copy of its control database, so that the backup itself stays as it is."""

    folder: Path
    manifest: Manifest
    control: Control


@contextmanager
def opened_backup(folder: Path) -> Iterator[Backup]:
    """The backup in a folder.

    Raises:
        FolderUnusable: there is none, it is damaged, or a newer release of Calltally made it.
    """
    manifest = read_manifest(folder)
    with copied_control(folder) as control:
        if problems := control.check():
            raise FolderUnusable(f"The control database of {folder} is damaged: {problems[0]}")
        yield Backup(folder, manifest, control)


@contextmanager
def copied_control(folder: Path) -> Iterator[Control]:
    """A copy of the control database of a backup.

    Raises:
        FolderUnusable: it cannot be opened, or a newer release of Calltally wrote it.
    """
    with tempfile.TemporaryDirectory(prefix="calltally-") as place:
        copy = DataFolder(Path(place))
        original = folder / copy.control.name
        for path in (original, original.with_name(original.name + "-wal")):
            if path.exists():
                shutil.copyfile(path, copy.path / path.name)
        with open_control(copy) as control:
            yield control


def read_calls(folder: Path, store: str) -> StoreFacts:
    """What a backup holds of a store of calls, every byte of it read.

    Raises:
        Damaged: it is damaged, which the message describes.
        CallsUnreadable: it cannot be read otherwise.
    """
    path = calls_file(DataFolder(folder, only_read=True).calls, store)
    return read_file(path) if path.exists() else StoreFacts(0, 0, None, None)
