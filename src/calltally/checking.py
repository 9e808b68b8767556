"""Whether a data folder is in order: every file opened, every byte read, nothing changed."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from calltally.accounts import Business, Control, known_stores, list_businesses
from calltally.engines import StoreFacts, store_files, working_files
from calltally.errors import CalltallyError, Damaged, NotFound
from calltally.folder import DataFolder

__all__ = ["CheckedBusiness", "Findings", "Leftover", "check_folder"]


@dataclass(frozen=True)
class CheckedBusiness:
    """A business and what its file holds, or else what is wrong with it; no size: it has no file."""

    business: Business
    size: int | None
    facts: StoreFacts | None
    problem: str | None
    damaged: bool = False


@dataclass(frozen=True)
class Leftover:
    """A file of calls, or of a move of them, that belongs to no business."""

    path: Path
    size: int


@dataclass(frozen=True)
class Findings:
    """What was found."""

    control: tuple[str, ...]  # what is wrong with the control database; then nothing else could be looked at
    businesses: tuple[CheckedBusiness, ...] = ()
    leftovers: tuple[Leftover, ...] = ()
    backup: tuple[str, ...] = ()  # how a backup differs from what its manifest says

    @property
    def well(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.control or self.leftovers or self.backup or any(found.problem for found in self.businesses))


def check_folder(folder: DataFolder, control: Control, read: Callable[[str], StoreFacts]) -> Findings:
    """What there is in a folder, and what is wrong with it; `read` reads the calls of a store, see `Engine.check`."""
    # Before the names are read, so that a new business is no leftover.
    files, marks = sorted(folder.calls.iterdir()), sorted(folder.moving.glob("*"))
    stores = known_stores(control)
    expected = {
        path for store in stores for path in (*store_files(folder.calls, store), *working_files(folder.calls, store))
    }
    superfluous = [path for path in files if path not in expected] + [path for path in marks if path.stem not in stores]
    leftovers = tuple(
        Leftover(path, size)
        for path in superfluous
        if (size := _size((path,))) is not None  # None: it is gone meanwhile
    )
    checked = (_checked(business, folder, read) for business in list_businesses(control))
    return Findings((), tuple(found for found in checked if found), leftovers)


def _checked(business: Business, folder: DataFolder, read: Callable[[str], StoreFacts]) -> CheckedBusiness | None:
    """What is known of a business; None: it was cleared or deleted meanwhile."""
    size = _size(store_files(folder.calls, business.calls))
    try:
        return CheckedBusiness(business, size, read(business.calls), None)
    except NotFound:
        return None
    except CalltallyError as error:
        return CheckedBusiness(business, size, None, error.message, isinstance(error, Damaged))


def _size(paths: tuple[Path, ...]) -> int | None:
    """How many bytes files have; None: none of them is there."""
    found = [size for path in paths if (size := _size_of(path)) is not None]
    return sum(found) if found else None


def _size_of(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # others may work on the folder
        return None
