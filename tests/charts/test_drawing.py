"""The process that draws: late, bounded, replaced when it dies, gone when it is not needed."""

import fcntl
import os
import signal
import termios
import threading
import time
from array import array
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import orjson
import pytest

from calltally.charts import Drawer
from calltally.engines import Stop
from calltally.errors import Unavailable
from tests.charts.conftest import charted, report

BARS = orjson.dumps(charted(report("source", [("google", 3), ("bing", 1)])))


def pid_of(drawer: Drawer) -> int:
    assert drawer.process
    return drawer.process


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def eventually(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 10
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.02)
    return holds()


@dataclass(frozen=True)
class Stuck:
    """A picture that is being drawn and does not get on: the process that draws it, and what waits for it."""

    pid: int
    result: Callable[[], bytes]


@contextmanager
def stuck(drawer: Drawer, stop: Stop, seconds: float | None = None) -> Iterator[Stuck]:
    """A picture that does not get on; `seconds` are those that it may take."""
    drawer.draw("svg", BARS, Stop())
    process = drawer._process
    assert process
    assert process.stdin
    os.kill(process.pid, signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED)
    drawer._seconds = seconds or drawer._seconds
    with ThreadPoolExecutor(1) as threads, os.fdopen(os.dup(process.stdin.fileno()), "wb") as pipe:
        drawing = threads.submit(drawer.draw, "svg", BARS, stop)
        assert eventually(lambda: unread(pipe) > len(BARS))
        yield Stuck(process.pid, lambda: drawing.result(timeout=30))


def unread(pipe: BinaryIO) -> int:
    """How many bytes nobody has read yet."""
    found = array("i", [0])
    fcntl.ioctl(pipe, termios.FIONREAD, found)
    return found[0]


def test_it_starts_when_there_is_something_to_draw_and_is_used_again() -> None:
    with closing(Drawer()) as drawer:
        assert drawer.process is None
        drawer.draw("svg", BARS, Stop())
        first = pid_of(drawer)
        assert drawer.draw("png", BARS, Stop()).startswith(b"\x89PNG")
        assert pid_of(drawer) == first
    assert not is_alive(first)


def test_killed_amid_a_picture_another_draws_it() -> None:
    with closing(Drawer()) as drawer, stuck(drawer, Stop()) as picture:
        os.kill(picture.pid, signal.SIGKILL)
        assert picture.result().startswith(b"<svg ")
        assert pid_of(drawer) != picture.pid


def test_killed_while_idle_another_draws() -> None:
    with closing(Drawer()) as drawer:
        drawer.draw("svg", BARS, Stop())
        os.kill(pid_of(drawer), signal.SIGKILL)
        assert drawer.draw("svg", BARS, Stop()).startswith(b"<svg ")


def test_what_kills_it_twice_is_a_defect_and_the_next_picture_is_drawn() -> None:
    deadly = BARS.replace(b"google", b"\\u0008")
    with closing(Drawer()) as drawer:
        with pytest.raises(RuntimeError, match="died twice"):
            drawer.draw("svg", deadly, Stop())
        assert drawer.draw("svg", BARS, Stop()).startswith(b"<svg ")


def test_a_chart_that_vega_refuses_is_a_defect_and_kills_nothing() -> None:
    with closing(Drawer()) as drawer:
        drawer.draw("svg", BARS, Stop())
        first = pid_of(drawer)
        with pytest.raises(ValueError, match="conversion failed"):
            drawer.draw("svg", b'{"mark": 5, "description": ""}', Stop())
        assert pid_of(drawer) == first


def test_nothing_is_loaded_from_anywhere() -> None:
    elsewhere = {"data": {"url": "http://127.0.0.1:9/a.csv"}, "mark": "point", "encoding": {"x": {"field": "a"}}}
    with closing(Drawer()) as drawer, pytest.raises(ValueError, match="not allowed"):
        drawer.draw("svg", orjson.dumps({**elsewhere, "description": ""}), Stop())


def test_a_picture_that_takes_too_long_is_given_up() -> None:
    with closing(Drawer()) as drawer, stuck(drawer, Stop(), seconds=0.5) as picture:
        with pytest.raises(Unavailable, match=r"within 0\.5 s"):
            picture.result()
        assert not is_alive(picture.pid)


def test_a_picture_that_nobody_waits_for_is_given_up() -> None:
    stop = Stop()
    with closing(Drawer()) as drawer, stuck(drawer, stop) as picture:
        stop.ask()
        with pytest.raises(Unavailable, match="stopped"):
            picture.result()
        assert drawer.draw("svg", BARS, Stop()).startswith(b"<svg ")


def test_whoever_waits_for_a_turn_can_be_stopped() -> None:
    stop = Stop()
    with closing(Drawer()) as drawer, stuck(drawer, Stop()) as picture:
        threading.Timer(0.1, stop.ask).start()
        with pytest.raises(Unavailable):
            drawer.draw("svg", BARS, stop)
        os.kill(picture.pid, signal.SIGCONT)
        assert picture.result().startswith(b"<svg ")


def test_without_anything_to_do_it_ends() -> None:
    with closing(Drawer()) as drawer:
        drawer.draw("svg", BARS, Stop())
        first = pid_of(drawer)
        drawer._idle_seconds = 0.2
        drawer.draw("svg", BARS, Stop())
        assert eventually(lambda: drawer.process is None)
        assert not is_alive(first)
        assert drawer.draw("svg", BARS, Stop()).startswith(b"<svg ")


def test_vega_is_in_that_process_alone() -> None:
    with closing(Drawer()) as drawer:
        drawer.draw("svg", BARS, Stop())
        assert "vl_convert" in Path(f"/proc/{pid_of(drawer)}/maps").read_text()
        assert "vl_convert" not in Path("/proc/self/maps").read_text()


def test_the_script_for_pages_is_made_once() -> None:
    with closing(Drawer()) as drawer:
        script = drawer.vega_script(Stop())
        assert b"window.vegaEmbed" in script
        os.kill(pid_of(drawer), signal.SIGSTOP)
        assert drawer.vega_script(Stop()) is script
