"""What a backup says of itself: `manifest.json`, written last."""

from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import orjson

from calltally.accounts import rfc3339
from calltally.backups.files import write_synced
from calltally.errors import FolderUnusable

__all__ = ["NAME", "Kept", "LeftOut", "Manifest", "has_manifest", "read_manifest", "write_manifest"]

NAME = "manifest.json"


@dataclass(frozen=True)
class Kept:
    """A business in a backup; without a file where it had no calls yet."""

    id: str
    name: str
    calls: int
    schema: int
    file: str | None = None  # below the folder of the backup
    sha256: str | None = None


@dataclass(frozen=True)
class LeftOut:
    """A business that a backup lacks, as its calls could not be read when it was made, being damaged or for now."""

    id: str
    name: str
    problem: str
    damaged: bool = True


@dataclass(frozen=True)
class Manifest:
    """The release that made a backup, when, of what, and what it should have had too."""

    release: str
    made_at: datetime
    businesses: tuple[Kept, ...]
    left_out: tuple[LeftOut, ...] = ()

    def plain(self) -> dict[str, object]:
        """The manifest as JSON has it."""
        return {
            "release": self.release,
            "made_at": rfc3339(self.made_at),
            "businesses": [asdict(kept) for kept in self.businesses],
            "left_out": [asdict(left) for left in self.left_out],
        }


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write it into the folder of the backup."""
    write_synced(folder / NAME, orjson.dumps(manifest.plain(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def has_manifest(folder: Path) -> bool:
    """Whether a folder is a backup, or was one, however its manifest is."""
    return (folder / NAME).exists()


def read_manifest(folder: Path) -> Manifest:
    """The manifest of the backup in a folder.

    Raises:
        FolderUnusable: there is no backup in it, or its manifest is damaged.
    """
    path = folder / NAME
    try:
        said = orjson.loads(path.read_bytes())
        return Manifest(
            str(said["release"]),
            datetime.fromisoformat(said["made_at"]),
            tuple(Kept(**kept) for kept in said["businesses"]),
            tuple(LeftOut(**left) for left in said.get("left_out", ())),  # earlier releases left none out
        )
    except OSError as error:
        raise FolderUnusable(f"{folder} is not a backup: {NAME} cannot be read ({error.strerror})") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise FolderUnusable(f"{path} is damaged, or of a newer release of Calltally") from error
