"""The other end of the process that draws: started when there is something to draw, ended when there is not."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from calltally.engines import Stop
from calltally.errors import Unavailable

__all__ = ["Drawer", "Picture"]

Picture = Literal["svg", "png"]

WORKER = Path(__file__).with_name("worker.py")
SECONDS = 20.0  # of which a large picture takes one, and the start of the process half of one
IDLE_SECONDS = 300.0
ASK_AGAIN_SECONDS = 0.05


class Drawer:
    """Draws one picture at a time, for whichever thread's turn it is.

    Vega runs in a process of its own, for it takes much memory, and there are texts that kill it. A process that died
    is followed by a new one, and one that takes longer than `seconds` is killed. One that had nothing to do for
    `idle_seconds` is ended.
    """

    def __init__(self, seconds: float = SECONDS, idle_seconds: float = IDLE_SECONDS) -> None:
        self._seconds = seconds
        self._idle_seconds = idle_seconds
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._waiting: threading.Timer | None = None  # to end the process
        self._script: bytes | None = None

    @property
    def process(self) -> int | None:
        """The id of the process, while there is one."""
        process = self._process
        return process.pid if process else None

    def draw(self, kind: Picture, specification: bytes, stop: Stop) -> bytes:
        """The picture of a Vega-Lite specification, which is JSON without line breaks.

        Raises:
            Unavailable: it was stopped, or took too long.
        """
        with self._turn(stop):
            return self._drawn(kind.encode() + b" " + specification, stop)

    def vega_script(self, stop: Stop) -> bytes:
        """What a page needs to draw the same charts: `vegaEmbed(element, chart, {ast: true})` once it has run.

        Raises:
            Unavailable: it was stopped, or took too long.
        """
        with self._turn(stop):
            if self._script is None:
                self._script = self._drawn(b"script ", stop)
            return self._script

    def close(self) -> None:
        """End the process, once it has drawn what it draws."""
        with self._lock:
            self._end()

    @contextmanager
    def _turn(self, stop: Stop) -> Iterator[None]:
        while not self._lock.acquire(timeout=ASK_AGAIN_SECONDS):
            stop.check()
        try:
            if self._waiting:
                self._waiting.cancel()
            yield
        finally:
            if self._process:
                self._wait()
            self._lock.release()

    def _wait(self) -> None:
        """End the process after a while, unless there is something to do before."""
        self._waiting = threading.Timer(self._idle_seconds, self._end_idle)
        self._waiting.daemon = True
        self._waiting.start()

    def _end_idle(self) -> None:
        with self._lock:
            if threading.current_thread() is self._waiting:
                self._end()

    def _drawn(self, request: bytes, stop: Stop) -> bytes:
        """What the process answers; a new one is asked where it died, for that need not be the request's fault."""
        drawn = self._answer(request, stop)
        if drawn is None:
            drawn = self._answer(request, stop)
        if drawn is None:
            raise RuntimeError("the process that draws died twice over the same chart")
        return drawn

    def _answer(self, request: bytes, stop: Stop) -> bytes | None:
        """None: the process died."""
        process = self._running()
        deadline = time.monotonic() + self._seconds
        killing = threading.Timer(self._seconds, process.kill)
        killing.start()
        try:
            with stop.during(process.kill):
                answer = _exchanged(process, request)
        finally:
            killing.cancel()
        if answer is None:
            self._end()
            stop.check()
            if time.monotonic() >= deadline:
                raise Unavailable(f"The picture was not drawn within {self._seconds:g} s; ask for a smaller one", 5)
        return answer

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            # In a session of its own, so that Ctrl-C ends the server, and the server ends it.
            self._process = subprocess.Popen(  # noqa: S603 - our own file, run by this Python
                [sys.executable, "-P", str(WORKER)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,
            )
        return self._process

    def _end(self) -> None:
        if self._waiting:
            self._waiting.cancel()
        if self._process:
            # Leaving it closes its streams and waits for its end; what it had not read of a request is lost.
            with suppress(BrokenPipeError), self._process as process:
                process.kill()
            self._process = None


def _exchanged(process: subprocess.Popen[bytes], request: bytes) -> bytes | None:
    """The answer to a request; None: the process died."""
    assert process.stdin  # noqa: S101 - it was started with pipes
    assert process.stdout  # noqa: S101
    try:
        process.stdin.write(request + b"\n")
        process.stdin.flush()
    except BrokenPipeError:
        return None
    word, _, length = process.stdout.readline().partition(b" ")
    answer = process.stdout.read(int(length)) if length else b""
    if not length or len(answer) < int(length):
        return None
    if word != b"ok":
        raise ValueError(answer.decode())
    return answer
