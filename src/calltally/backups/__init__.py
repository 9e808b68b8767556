"""Copies of a data folder, made while it is in use, and businesses put back from them."""

from calltally.backups.checking import changed_files, left_out, miscounted
from calltally.backups.making import BackupProgress, make_backup, require_outside
from calltally.backups.manifest import Kept, LeftOut, Manifest, has_manifest, read_manifest
from calltally.backups.opening import Backup, copied_control, opened_backup, read_calls
from calltally.backups.restoring import Target, chosen, require_apart, restore_business

__all__ = [
    "Backup",
    "BackupProgress",
    "Kept",
    "LeftOut",
    "Manifest",
    "Target",
    "changed_files",
    "chosen",
    "copied_control",
    "has_manifest",
    "left_out",
    "make_backup",
    "miscounted",
    "opened_backup",
    "read_calls",
    "read_manifest",
    "require_apart",
    "require_outside",
    "restore_business",
]
