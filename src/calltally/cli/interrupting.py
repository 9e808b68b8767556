"""Ctrl-C, while a database works."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["interruptible"]


@contextmanager
def interruptible(on_interrupt: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Let Ctrl-C end the work within as KeyboardInterrupt, though a database driver may turn that into its own error.

    Whether what was being written is in is then known only to the database: all of it or nothing.
    """
    interrupted = False

    def interrupt(*_: object) -> None:
        nonlocal interrupted
        interrupted = True
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    except (Exception, KeyboardInterrupt) as error:
        if not interrupted:
            raise
        on_interrupt()
        raise KeyboardInterrupt from error
    finally:
        signal.signal(signal.SIGINT, before)
