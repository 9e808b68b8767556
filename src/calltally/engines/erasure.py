"""Which callers were erased: what is known of them without their numbers."""

import hashlib
from dataclasses import dataclass

__all__ = ["Erasure"]


@dataclass(frozen=True)
class Erasure:
    """The callers whose numbers were erased, as keyed hashes: a number is kept nowhere."""

    key: str | None = None
    hashes: frozenset[str] = frozenset()

    def has(self, caller_number: str) -> bool:
        """Whether a caller's number was erased."""
        return bool(self.hashes) and self.hash(caller_number) in self.hashes

    def hash(self, caller_number: str) -> str:
        """The keyed hash of a number, in hex."""
        return hashlib.sha256(f"{self.key}:{caller_number}".encode()).hexdigest()
