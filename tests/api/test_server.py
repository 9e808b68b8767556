"""The server as a process: its address, its sockets, and its end."""

import http.client
import os
import re
import select
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from itertools import count
from pathlib import Path

import httpx2
import orjson
import pytest

from calltally.accounts import create_business, create_key, list_businesses, open_control, revoke_key
from calltally.api import openapi
from calltally.engines import open_engine
from calltally.folder import DataFolder
from calltally.settings import Settings
from tests.api.conftest import CATALOG, NOW, REPORT, SLOW, Server, add_many, eventually, filled, serving
from tests.api.schemas import validate

MANY = 300_000
NEEDS_PROC = pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="another process's time is in /proc, which Linux has"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> DataFolder:
    return DataFolder(tmp_path_factory.mktemp("server") / "data")


@pytest.fixture(scope="module")
def headers(folder: DataFolder) -> Mapping[str, str]:
    """A key of a business that has many calls."""
    return filled(folder, MANY)


@pytest.fixture(scope="module")
def server(folder: DataFolder, headers: Mapping[str, str]) -> Iterator[Server]:
    """A server for all tests that leave it running."""
    with serving(folder.path, CALLTALLY_REPORTS="16", CALLTALLY_THREADS="2", CALLTALLY_HOT_MEMORY="0") as running:
        yield running


@pytest.fixture
def client(server: Server, headers: Mapping[str, str]) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=server.address, headers=headers, timeout=30) as opened:
        yield opened


@contextmanager
def connected(server: Server) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        yield connection


def exchange(server: Server, sent: bytes) -> tuple[bytes, bytes]:
    """Head and body of the answer to bytes sent as they are; the connection has to be closed by the server."""
    with connected(server) as connection:
        connection.sendall(sent)
        received = b""
        while part := connection.recv(65536):
            received += part
    head, _, body = received.partition(b"\r\n\r\n")
    return head, body


def get(path: str, headers: Mapping[str, str], method: str = "GET") -> bytes:
    """A request as it is sent."""
    lines = [f"{method} {path} HTTP/1.1", "Host: here", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


# --- Answers --------------------------------------------------------------------------------------------------------


def test_it_answers_at_the_address_that_it_prints(client: httpx2.Client) -> None:
    response = client.get(f"{REPORT}?group_by=month")
    assert response.content == (
        b'{"data":{"data":[{"month":"2026-02","count":300000}],"totals":{"count":300000},"count":1}}'
    )
    assert client.get("/readyz").json() == {"status": "ready"}


def test_the_steps_of_a_report_are_timed(client: httpx2.Client) -> None:
    for expected in (["auth", "plan", "engine", "shape", "form"], ["auth", "plan"]):  # worked out, and given again
        steps = client.get(f"{REPORT}?group_by=month&limit=7").headers["server-timing"].split(", ")
        told = [re.fullmatch(r'(\w+);dur=([\d.]+)(?:;desc="file")?', step) for step in steps]
        assert [step[1] for step in told if step] == expected
        assert all(float(step[2]) >= 0 for step in told if step)


@pytest.mark.parametrize("path", [f"{REPORT}?group_by=month", f"{REPORT}?x=1", CATALOG, "/healthz", "/nowhere"])
def test_head_answers_as_get_does_without_the_body(
    server: Server, client: httpx2.Client, headers: Mapping[str, str], path: str
) -> None:
    whole = client.get(path)
    head, body = exchange(server, get(path, {**headers, "Connection": "close"}, "HEAD"))
    assert body == b""
    assert head.startswith(f"HTTP/1.1 {whole.status_code} ".encode())
    assert f"content-length: {len(whole.content)}\r\n".encode() in head


def test_small_answers_on_one_connection_do_not_wait_for_acknowledgements(
    server: Server, headers: Mapping[str, str]
) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    seconds = []
    for _ in range(100):
        start = time.perf_counter()
        connection.request("GET", CATALOG, headers=dict(headers))
        assert connection.getresponse().read()
        seconds.append(time.perf_counter() - start)
    connection.close()
    # To wait takes 40 ms, and each one waits but for the first ones on a connection; a busy machine keeps some up.
    assert statistics.quantiles(seconds[50:])[0] < 0.02


@pytest.mark.parametrize(
    ("sent", "advice"),
    [
        (f"GET {REPORT}?group_by=source&source=münchen HTTP/1.1\r\nHost: here\r\n\r\n".encode(), "percent-encode"),
        (b"GET /api/v1/catalog?" + b"x" * 70_000 + b" HTTP/1.1\r\nHost: here\r\n\r\n", "percent-encode"),
        (b"nonsense\r\n\r\n", "no method"),
        (b"BREW /api/v1/catalog HTTP/1.1\r\nHost: here\r\n\r\n", "no method"),
        (b"get /api/v1/catalog HTTP/1.1\r\nHost: here\r\n\r\n", "in capital letters"),
        (b"GET /healthz HTTP/1.1\r\nHost: here\r\nContent-Length: x\r\n\r\n", "Invalid character in Content-Length"),
        (b"GET /healthz HTTP/1.1\r\nno header\r\n\r\n", "Invalid header token"),
    ],
)
def test_what_is_not_http_is_an_error_like_all_others(server: Server, sent: bytes, advice: str) -> None:
    head, body = exchange(server, sent)
    assert head.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"\r\nContent-Type: application/json\r\n" in head
    assert b"\r\nX-Request-Id: " in head
    validate(orjson.loads(body), openapi()["components"]["schemas"]["Error"])
    error = orjson.loads(body)["error"]
    assert (error["code"], error["param"]) == ("400", "request")
    assert advice in error["message"]


def test_keys_revoked_by_another_process_are_refused_at_once(folder: DataFolder, server: Server) -> None:
    with open_control(folder) as control:
        [business] = list_businesses(control)
        key = create_key(control, business, None, ["report"], NOW)
        asked = {"Authorization": f"Bearer {key.secret}"}
        assert httpx2.get(f"{server.address}{CATALOG}", headers=asked).status_code == 200
        revoke_key(control, key.id, NOW)
        assert httpx2.get(f"{server.address}{CATALOG}", headers=asked).status_code == 401


# --- Clients that leave ---------------------------------------------------------------------------------------------


def cpu_seconds(process: int) -> float:
    """Processor time that a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def leave_amid_reports(server: Server, headers: Mapping[str, str], limits: Sequence[int]) -> bool:
    """Ask for reports and leave once they are worked on; whether none was done by then, as on a machine that is slow.

    Each is a question of its own, as the same would be answered once for all.
    """
    with ExitStack() as leaving:
        with server.held():
            connections = [leaving.enter_context(connected(server)) for _ in limits]
            for connection, limit in zip(connections, limits, strict=True):
                connection.sendall(get(f"{REPORT}?{SLOW}&limit={limit}", headers))
            before = cpu_seconds(server.process.pid)
        while cpu_seconds(server.process.pid) < before + 0.03:
            time.sleep(0.001)
        with server.held():
            none_is_done = not select.select(connections, [], [], 0)[0]
            leaving.close()
    return none_is_done


@NEEDS_PROC
def test_a_client_that_goes_away_stops_its_report(
    server: Server, client: httpx2.Client, headers: Mapping[str, str]
) -> None:
    pid, numbers = server.process.pid, count(1)
    before = cpu_seconds(pid)
    assert client.get(f"{REPORT}?{SLOW}&limit={next(numbers)}").status_code == 200
    whole = cpu_seconds(pid) - before
    for _ in range(10):
        left = server.log.read_text().count(f"GET {REPORT} 499 ")
        before = cpu_seconds(pid)
        if leave_amid_reports(server, headers, [next(numbers) for _ in range(16)]):
            break
    else:
        pytest.fail("all were answered before anybody could leave")
    assert eventually(lambda: server.log.read_text().count(f"GET {REPORT} 499 ") == left + 16)
    time.sleep(0.2)
    settled = cpu_seconds(pid)
    time.sleep(0.5)
    assert cpu_seconds(pid) - settled < 0.1
    assert settled - before < 16 * whole / 2
    assert client.get(f"{REPORT}?group_by=month").status_code == 200
    assert "Traceback" not in server.log.read_text()


# --- Many at once ---------------------------------------------------------------------------------------------------


@contextmanager
def asked(
    server: Server, question: str, headers: Mapping[str, str], form: str = ""
) -> Iterator[http.client.HTTPConnection]:
    """A connection on which a report was asked for and not yet waited for."""
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)) as connection:
        connection.request("GET", f"{REPORT}{form}?{question}", headers=dict(headers))
        yield connection


def readable(connection: http.client.HTTPConnection) -> bool:
    """Whether the answer has begun to come."""
    return bool(select.select([connection.sock], [], [], 0)[0])


def test_a_light_business_is_answered_while_heavy_reports_of_another_wait(
    folder: DataFolder, headers: Mapping[str, str], tmp_path: Path
) -> None:
    copy = DataFolder(tmp_path / "data")
    subprocess.run(["cp", "-r", f"{folder.path}/.", copy.path], check=True)
    (copy.path / "lock").unlink(missing_ok=True)
    with open_control(copy) as control:
        business = create_business(control, "Light", timezone="UTC", region="US", currency="USD", now=NOW)
        engine = open_engine(copy, Settings(hot_memory="0", threads=2))
        add_many(engine, business, 10)
        engine.close()
        light = {"Authorization": f"Bearer {create_key(control, business, None, ['read'], NOW).secret}"}
    with (
        serving(
            copy.path, CALLTALLY_THREADS="2", CALLTALLY_HOT_MEMORY="0", CALLTALLY_WAITING_REPORTS_PER_BUSINESS="30"
        ) as running,
        ExitStack() as opened,
    ):
        with running.held():  # so that all of them are there before the first is worked on
            heavy = [opened.enter_context(asked(running, f"{SLOW}&limit={n + 1}", headers)) for n in range(50)]
            reports = [f"group_by=source&limit={n + 1}" for n in range(10)]
            quick = [opened.enter_context(asked(running, report, light, ".csv")) for report in reports]
        assert [connection.getresponse().status for connection in quick] == [200] * 10
        assert eventually(lambda: running.log.read_text().count(f"GET {REPORT}.csv 200 ") == 10)
        log = running.log.read_text()
        assert log[: log.rindex(f"GET {REPORT}.csv 200 ")].count(f"GET {REPORT} 200 ") < 50 - 30 - 3
        answers = (connection.getresponse() for connection in reversed(heavy) if readable(connection))
        refused = next(answer for answer in answers if answer.status != 200)
        assert (refused.status, refused.headers["Retry-After"]) == (503, "1")
        message = orjson.loads(refused.read())["error"]["message"]
        assert message == "30 reports of this business are waiting already; try again soon"


# --- Start and end --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    with serving(tmp_path / "data") as running:
        assert httpx2.get(f"{running.address}/healthz").status_code == 200
        assert running.stop(number) == 0
        assert running.process.stdout
        assert running.process.stdout.read().splitlines()[-1] == "Stopped"
        assert "Traceback" not in running.log.read_text()
    with serving(tmp_path / "data") as again:
        assert httpx2.get(f"{again.address}/readyz").status_code == 200


def test_a_second_signal_ends_reports_under_way(
    folder: DataFolder, headers: Mapping[str, str], server: Server, tmp_path: Path
) -> None:
    """On a copy of the folder, since the server of the other tests has it."""
    copy = tmp_path / "data"
    subprocess.run(["cp", "-r", folder.path, copy], check=True)
    (copy / "lock").unlink(missing_ok=True)
    with serving(copy, CALLTALLY_THREADS="1", CALLTALLY_REPORTS="1", CALLTALLY_HOT_MEMORY="0") as running:
        connections = [http.client.HTTPConnection("127.0.0.1", running.port, timeout=60) for _ in range(200)]
        for connection in connections:
            connection.request("GET", "/healthz")
            connection.getresponse().read()
        for place, connection in enumerate(connections):
            connection.request("GET", f"{REPORT}?{SLOW}&limit={place + 1}", headers=dict(headers))
        # Answered after the others were read: what nobody has read is not under way, and its connection is reset.
        assert httpx2.get(f"{running.address}/healthz", timeout=60).status_code == 200
        running.process.send_signal(signal.SIGINT)
        # Two signals before the first is looked at would be one.
        assert eventually(lambda: not listens(running.port))
        start = time.monotonic()
        assert running.stop() == 0
        assert time.monotonic() - start < 10  # not the half minute that all those reports would take
        ends = [connection.getresponse() for connection in connections]
        stopped = [orjson.loads(end.read())["error"]["type"] for end in ends if end.status == 503]
        assert set(stopped) == {"unavailable"}
        assert {end.status for end in ends} <= {200, 503}
        assert "Traceback" not in running.log.read_text()
        for connection in connections:
            connection.close()


def test_a_second_server_on_the_folder_is_refused_in_one_sentence(folder: DataFolder, server: Server) -> None:
    refused = subprocess.run(
        [sys.executable, "-m", "calltally", "serve", "--port", "0", "--data", str(folder.path)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env={"PATH": os.environ["PATH"]},
    )
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == (
        f"calltally: The data folder {folder.path} is in use by a running server "
        f"({server.address}, process {server.process.pid}); stop it first, or use another folder\n"
    )
