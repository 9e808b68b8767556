"""A business put back as it was: its calls as a new store, its settings, and the keys that are missing."""

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from calltally.accounts import (
    Control,
    forget_removal,
    read_account,
    reserve_store,
    restore_account,
    several_called,
    store_name,
)
from calltally.backups.files import copy_synced
from calltally.backups.manifest import NAME, Kept, Manifest, has_manifest
from calltally.backups.opening import Backup
from calltally.engines import Engine, StoreFacts, calls_file, remove_store
from calltally.errors import CalltallyError, Conflict, FolderUnusable, NotFound, shown
from calltally.folder import DataFolder, sync_folder

__all__ = ["Target", "chosen", "require_apart", "restore_business"]


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
    """Nothing, if the data folder to restore into is neither the backup, however each is called, nor another one.

    Raises:
        Conflict: it is one, whose files would no longer be those that were backed up.
    """
    if backup.exists() and data.exists() and backup.samefile(data):
        message = f"{backup} is the data folder itself; name the one to restore into with --data or CALLTALLY_DATA"
        raise Conflict(message)
    if has_manifest(data):
        message = f"{data} is a backup itself; if it is a data folder at work by now, remove its {NAME}"
        raise Conflict(message)


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
                    f"This backup was made without {shown(name)}, as its calls could not be read; use another one"
                )
        raise NotFound(f"There is no business {shown(name)} in this backup")
    if len(found) > 1:
        raise several_called(name, [kept.id for kept in found])
    return found[0]
