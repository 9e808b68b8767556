"""Copies of a data folder, made while it is in use, and businesses put back from them."""

from calltally.backups.making import BackupProgress, make_backup
from calltally.backups.manifest import Kept, Manifest, read_manifest
from calltally.backups.restoring import Target, chosen, opened_backup, restore_business

__all__ = [
    "BackupProgress",
    "Kept",
    "Manifest",
    "Target",
    "chosen",
    "make_backup",
    "opened_backup",
    "read_manifest",
    "restore_business",
]
