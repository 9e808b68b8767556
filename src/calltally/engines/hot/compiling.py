"""The kernels compiled: `python -m calltally.engines.hot.compiling FOLDER` does it and keeps them in a folder.

To compile takes many seconds of a core and holds up every thread of the process that does it. So a server has it done
by a process of its own, of the lowest priority, and then reads what that has made.
"""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numba

from calltally.engines.hot.kernels import SIGNATURES

__all__ = ["Kernels", "compiled", "main"]

Kernels = SimpleNamespace  # each kernel by its name
LOWEST_PRIORITY = 19
PRIVATE_FOLDER = 0o700


def compiled(folder: Path) -> Kernels:
    """The kernels as machine code, read from the folder or put there."""
    folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    numba.config.CACHE_DIR = str(folder)  # type: ignore[attr-defined]  # it is used by nothing else here
    return Kernels(**{kernel.__name__: _compiled(kernel, signatures) for kernel, signatures in SIGNATURES.items()})


def _compiled(kernel: Callable[..., object], signatures: Sequence[str]) -> Any:
    return numba.njit(list(signatures), cache=True, nogil=True)(kernel)


def main(arguments: Sequence[str]) -> None:
    """Compile what is not yet in the folder."""
    os.nice(LOWEST_PRIORITY)
    compiled(Path(arguments[0]))


if __name__ == "__main__":
    main(sys.argv[1:])
