"""Whether a backup is still what its manifest says."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from calltally.backups.files import sha256_of
from calltally.backups.manifest import NAME, Kept, Manifest

__all__ = ["changed_files", "left_out", "miscounted"]


def changed_files(folder: Path, manifest: Manifest) -> Iterator[str]:
    """A sentence for each file that is not the one that was backed up, every byte of all being read."""
    for kept in manifest.businesses:
        if kept.file and (problem := _changed(folder / kept.file, kept.sha256)):
            yield f"{_named(kept)}: {problem}"


def miscounted(manifest: Manifest, calls: Mapping[str, int | None]) -> Iterator[str]:
    """A sentence for each business that does not have as many calls as the manifest says.

    `calls` are by the id of the business, None where they cannot be counted.
    """
    for kept in manifest.businesses:
        if kept.id not in calls:
            yield f"{_named(kept)}: it is in {NAME}, but not among the businesses"
        elif (found := calls[kept.id]) not in {None, kept.calls}:
            yield f"{_named(kept)}: it has {found:,} calls, where {NAME} says {kept.calls:,}"


def left_out(manifest: Manifest) -> Iterator[str]:
    """A sentence for each business that the backup should have and lacks."""
    for left in manifest.left_out:
        yield f"'{left.name}' ({left.id}) is not in this backup: {left.problem}"


def _changed(path: Path, sha256: str | None) -> str | None:
    try:
        found = sha256_of(path)
    except OSError as error:
        return f"{path} cannot be read ({error.strerror})"
    return None if found == sha256 else f"{path} is not the file that was backed up, and cannot be restored from"


def _named(kept: Kept) -> str:
    return f"'{kept.name}' ({kept.id})"
