"""What a backup says of itself: `manifest.json`, written last."""

from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import orjson

from calltally.accounts import rfc3339
from calltally.backups.files import write_synced
from calltally.errors import FolderUnusable

__all__ = ["Kept", "Manifest", "read_manifest", "write_manifest"]

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
class Manifest:
    """The release that made a backup, when, and of what."""

    release: str
    made_at: datetime
    businesses: tuple[Kept, ...]

    def plain(self) -> dict[str, object]:
        """The manifest as JSON has it."""
        return {
            "release": self.release,
            "made_at": rfc3339(self.made_at),
            "businesses": [asdict(kept) for kept in self.businesses],
        }


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write it into the folder of the backup."""
    write_synced(folder / NAME, orjson.dumps(manifest.plain(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


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
        )
    except OSError as error:
        raise FolderUnusable(f"{folder} is not a backup: {NAME} cannot be read ({error.strerror})") from error
    except (ValueError, TypeError, KeyError) as error:
        raise FolderUnusable(f"{path} is damaged, or of a newer release of Calltally") from error
