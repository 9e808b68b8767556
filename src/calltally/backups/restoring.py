"""A business put back as it was: its calls as a new store, its settings, and the keys that are missing."""

import shutil
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from calltally.accounts import (
    Control,
    forget_removal,
    open_control,
    read_account,
    reserve_store,
    restore_account,
    store_name,
)
from calltally.backups.files import copy_synced
from calltally.backups.manifest import Kept, Manifest, read_manifest
from calltally.engines import Engine, StoreFacts, calls_file, remove_store
from calltally.errors import CalltallyError, Conflict, FolderUnusable, NotFound, shown
from calltally.folder import DataFolder, sync_folder

__all__ = ["Backup", "Target", "chosen", "opened_backup", "require_apart", "restore_business"]


@dataclass(frozen=True)
class Backup:
    """An open backup; `control` is a copy of its control database, so that the backup itself stays as it is."""

    folder: Path
    manifest: Manifest
    control: Control


@dataclass(frozen=True)
class Target:
    """Where businesses are put back."""

    folder: DataFolder
    control: Control
    engine: Engine

    def drop(self, store: str) -> None:
        """Leave nothing of a store whose removal has begun."""
        remove_store(self.folder, self.control, self.engine, store)


def require_apart(backup: Path, data: Path) -> None:
    """Nothing, if a backup and the data folder to restore into are two folders, however each is called.

    Raises:
        Conflict: they are the same one, whose files would no longer be those that were backed up.
    """
    if backup.exists() and data.exists() and backup.samefile(data):
        message = f"{backup} is the data folder itself; name the one to restore into with --data or CALLTALLY_DATA"
        raise Conflict(message)


@contextmanager
def opened_backup(folder: Path) -> Iterator[Backup]:
    """The backup in a folder.

    Raises:
        FolderUnusable: there is none, it is damaged, or a newer release of Calltally made it.
    """
    manifest = read_manifest(folder)
    with tempfile.TemporaryDirectory(prefix="calltally-") as place:
        copy = DataFolder(Path(place))
        original = folder / copy.control.name
        for path in (original, original.with_name(original.name + "-wal")):
            if path.exists():
                shutil.copyfile(path, copy.path / path.name)
        with open_control(copy) as control:
            if problems := control.check():
                raise FolderUnusable(f"{original} is damaged: {problems[0]}")
            yield Backup(folder, manifest, control)


def chosen(manifest: Manifest, names: Sequence[str]) -> tuple[Kept, ...]:
    """The businesses of a backup with these names or ids, or else all of them.

    Raises:
        NotFound: the backup lacks one.
        Conflict: several have the name.
    """
    if not names:
        return manifest.businesses
    return tuple(dict.fromkeys(_named(manifest, name.strip()) for name in names))


def restore_business(backup: Backup, kept: Kept, target: Target) -> None:
    """Put a business back: whole or not at all, and at no moment half.

    Raises:
        FolderUnusable: its calls in the backup are damaged, or were written by a newer release.
        Conflict: another process took the data folder over meanwhile.
    """
    account = read_account(backup.control, kept.id)
    with _staged(backup, kept, target.folder) as staged:
        generation = reserve_store(target.control, account)
        while not _placed(staged, store_name(kept.id, generation), kept, target):
            generation = reserve_store(target.control, account, above=generation)
        replaced = restore_account(target.control, account, generation)
    if replaced:
        target.drop(replaced)


@contextmanager
def _staged(backup: Backup, kept: Kept, folder: DataFolder) -> Iterator[Path | None]:
    """A copy of a business's file, proved to be what was backed up; removed at the end if it is still there."""
    if kept.file is None:
        yield None
        return
    staged = folder.staging / f"{uuid.uuid4()}.restored"
    try:
        if copy_synced(backup.folder / kept.file, staged) != kept.sha256:
            raise FolderUnusable(f"{backup.folder / kept.file} is not the file that was backed up; it was not restored")
        yield staged
    except FileNotFoundError as error:
        raise FolderUnusable(f"{backup.folder} lacks the file {kept.file}") from error
    finally:
        staged.unlink(missing_ok=True)


def _placed(staged: Path | None, store: str, kept: Kept, target: Target) -> bool:
    """Whether the file could be made a store: not under a name that a server once had, which it never takes again."""
    if staged is None:
        return True
    path = calls_file(target.folder.calls, store)
    staged.replace(path)
    sync_folder(target.folder.calls)
    try:
        _require_whole(target.engine.check(store), kept)
    except NotFound:
        path.replace(staged)
        forget_removal(target.control, store)
        return False
    except CalltallyError:
        target.drop(store)
        raise
    return True


def _require_whole(facts: StoreFacts, kept: Kept) -> None:
    if facts.calls != kept.calls:
        raise FolderUnusable(f"{kept.file} holds {facts.calls:,} calls, where the manifest says {kept.calls:,}")


def _named(manifest: Manifest, name: str) -> Kept:
    found = [kept for kept in manifest.businesses if kept.id == name]
    found = found or [kept for kept in manifest.businesses if kept.name == name]
    if not found:
        for left in manifest.left_out:
            if name in {left.id, left.name}:
                raise NotFound(
                    f"This backup was made without {shown(name)}, as its calls were damaged; use another one"
                )
        raise NotFound(f"There is no business {shown(name)} in this backup")
    if len(found) > 1:
        ids = ", ".join(kept.id for kept in found)
        raise Conflict(f"{len(found)} businesses are called {shown(name)}; give the id of the one you mean: {ids}")
    return found[0]
