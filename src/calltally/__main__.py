"""`calltally` and `python -m calltally`."""

import gc
import os
import sys

__all__ = ["main"]

INTERRUPTED = 130


def main() -> int:
    """Run the command that this process was started for; its exit code."""
    # Arrow reads it when it is imported. What calls on their way in took goes back then; Arrow's own hardly gives back.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    gc.disable()  # what is imported stays: to look for garbage in it takes a tenth of the start
    try:
        from calltally.cli import main as run  # noqa: PLC0415 - only now
    except KeyboardInterrupt:
        sys.stderr.write("Stopped\n")
        return INTERRUPTED
    gc.enable()
    return run()


if __name__ == "__main__":
    sys.exit(main())
