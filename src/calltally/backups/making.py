"""A backup: a data folder of its own, copied business by business while the server works on."""

import errno
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from calltally import __version__
from calltally.accounts import (
    Account,
    Business,
    Control,
    list_businesses,
    open_control,
    read_account,
    write_account,
)
from calltally.backups.files import copy_synced
from calltally.backups.manifest import Kept, LeftOut, Manifest, write_manifest
from calltally.engines import Engine, Snapshot, calls_file, cause_of, read_file
from calltally.errors import CallsUnreadable, CalltallyError, Conflict, Damaged, FolderUnusable, NotFound, StorageFull
from calltally.folder import DataFolder, sync_folder

__all__ = ["BackupProgress", "make_backup", "require_outside"]


@dataclass(frozen=True)
class BackupProgress:
    """How far a backup is: businesses done, of how many, and the one that is being copied."""

    done: int
    businesses: int
    name: str


class _NotCopied(Exception):
    """The calls of one business cannot be read, which does not keep the others out."""

    def __init__(self, problem: str, *, damaged: bool) -> None:
        super().__init__(problem)
        self.problem = problem
        self.damaged = damaged


def make_backup(
    target: Path,
    control: Control,
    engine: Engine,
    now: datetime,
    on_progress: Callable[[BackupProgress], None] = lambda _: None,
) -> Manifest:
    """Copy every business into a new folder, which is there once all is written; its manifest.

    A business that is deleted meanwhile is left out, one that is cleared is copied as it is then. One whose calls are
    cannot be read does not keep the others out: the manifest says that it is missing, and why.

    Raises:
        Conflict: the folder is there already, or what an earlier backup that was killed has left.
        StorageFull: there is no room for it.
    """
    target = target.absolute()
    _require_free(target)
    with _written_beside(target) as partial:
        folder = DataFolder(partial)
        copied, left_out = _copied(control, engine, folder, on_progress)
        with open_control(folder) as copy:
            for account, _ in copied:
                write_account(copy, account)
        manifest = Manifest(__version__, now, tuple(kept for _, kept in copied), tuple(left_out))
        write_manifest(folder.path, manifest)
    return manifest


def require_outside(target: Path, data: Path) -> None:
    """Nothing, if a backup would not become a part of the data folder that it is of.

    Raises:
        Conflict: it would.
    """
    if data.resolve() in target.resolve().parents:
        message = f"{target} is in the data folder {data}, where a backup is lost with it; name a folder outside of it"
        raise Conflict(message)


def _require_free(target: Path) -> None:
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise Conflict(f"{target} is there already; name a folder that is new or empty")
    if target.is_mount():
        raise Conflict(f"{target} is where a disk is mounted; name a new folder in it")


@contextmanager
def _written_beside(target: Path) -> Iterator[Path]:
    """A folder to write to, which takes the name `target` when the block ends well, and is removed otherwise."""
    partial = target.with_name(f"{target.name}.partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial.mkdir(mode=0o700)
    except FileExistsError as error:
        message = f"{error.filename} is there: another backup is being made, or was stopped; if none is, remove it"
        raise Conflict(message) from error
    except OSError as error:
        raise CalltallyError(f"{target}: the backup cannot be written there ({error.strerror})") from error
    try:
        yield partial
        for folder in (partial, *(path for path in partial.iterdir() if path.is_dir())):
            sync_folder(folder)
        partial.replace(target)
        sync_folder(target.parent)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise StorageFull(f"There is no room left on the disk for the backup {target}") from error
        raise CalltallyError(f"{target}: the backup cannot be written ({error.strerror or error})") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _copied(
    control: Control, engine: Engine, folder: DataFolder, on_progress: Callable[[BackupProgress], None]
) -> tuple[list[tuple[Account, Kept]], list[LeftOut]]:
    """Each business that could be copied, and each that could not."""
    found = list_businesses(control)
    copied, left_out = [], []
    for done, business in enumerate(found):
        on_progress(BackupProgress(done, len(found), business.name))
        try:
            copy = _copy(business.id, control, engine, folder)
        except _NotCopied as refused:
            left_out.append(LeftOut(business.id, business.name, refused.problem, refused.damaged))
        else:
            copied += [copy] if copy else []
    on_progress(BackupProgress(len(found), len(found), ""))
    return copied, left_out


def _copy(business_id: str, control: Control, engine: Engine, folder: DataFolder) -> tuple[Account, Kept] | None:
    """The account of a business and its calls of the same moment; None: it is gone."""
    while True:
        try:
            before = read_account(control, business_id).business
        except NotFound:
            return None
        try:
            kept = _copy_calls(before, engine, folder)
            account = read_account(control, business_id)
        except NotFound:  # it was cleared or deleted meanwhile, so it is looked at anew
            kept = None
        if kept and account.business.generation == before.generation:
            return account, kept
        calls_file(folder.calls, before.calls).unlink(missing_ok=True)


def _copy_calls(business: Business, engine: Engine, folder: DataFolder) -> Kept:
    with _snapshot(business, engine) as snapshot:
        if snapshot is None:
            return Kept(business.id, business.name, calls=0, schema=0)
        path = calls_file(folder.calls, business.calls)
        digest = copy_synced(snapshot.path, path)
        facts = read_file(path)
        if facts != snapshot.facts:
            raise FolderUnusable(f"The copy {path} does not hold what was copied; is the disk in order?")
    file = str(path.relative_to(folder.path))
    return Kept(business.id, business.name, facts.calls, facts.schema, file, digest)


@contextmanager
def _snapshot(business: Business, engine: Engine) -> Iterator[Snapshot | None]:
    """A business's calls, as they are at one moment.

    Raises:
        _NotCopied: they cannot be read.
    """
    with ExitStack() as stack:
        try:
            snapshot = stack.enter_context(engine.snapshot(business.calls))
        except FolderUnusable as error:  # a newer release wrote them
            raise _NotCopied(error.message, damaged=False) from error
        except CallsUnreadable as error:
            cause = cause_of(engine, business.calls, error)
            raise _NotCopied(cause.message, damaged=isinstance(cause, Damaged)) from error
        yield snapshot
