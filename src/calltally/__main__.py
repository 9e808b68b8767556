"""`calltally` and `python -m calltally`."""

import gc
import sys

__all__ = ["main"]


def main() -> int:
    """Run the command that this process was started for; its exit code."""
    gc.disable()  # what is imported stays: to look for garbage in it takes a fifth of the start
    from calltally.cli import main as run  # noqa: PLC0415 - only now

    gc.enable()
    return run()


if __name__ == "__main__":
    sys.exit(main())
