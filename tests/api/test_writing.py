"""Calls sent to a server of its own: clients that are slow, leave or come all at once, and ends that lose nothing."""

import asyncio
import http.client
import json
import select
import signal
import socket
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest

from calltally.accounts import Business, create_business, create_key, open_control
from calltally.engines import open_engine
from calltally.folder import DataFolder
from calltally.settings import Settings
from tests.api.conftest import NOW, REPORT, Door, Server, eventually, serving
from tests.api.test_calls import CALLS, NDJSON, record
from tests.api.test_server import NEEDS_PROC


@dataclass(frozen=True)
class Data:
    """A folder with one business, and the headers of a key that may do everything with it."""

    folder: DataFolder
    business: Business
    headers: Mapping[str, str]

    def ids(self) -> set[str]:
        """The ids of all calls; no server may run."""
        engine = open_engine(self.folder, Settings(hot_memory="0", threads=1))
        with engine.export(self.business.calls, (), None) as batches:
            found = {each for batch in batches for each in batch["id"].to_pylist()}
        engine.close()
        return found


def new_data(path: Path) -> Data:
    folder = DataFolder(path)
    with open_control(folder) as control:
        business = create_business(control, "Acme", timezone="UTC", region="US", currency="USD", now=NOW)
        key = create_key(control, business, None, ["admin"], NOW)
    return Data(folder, business, {"Authorization": f"Bearer {key.secret}"})


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    return new_data(tmp_path_factory.mktemp("writing") / "data")


@pytest.fixture(scope="module")
def server(data: Data) -> Iterator[Server]:
    with serving(
        data.folder.path, CALLTALLY_WAITING_MEGABYTES="32", CALLTALLY_WAITING_MEGABYTES_PER_BUSINESS="20"
    ) as s:
        yield s


def head(data: Data, media_type: str = "application/json", **headers: str) -> bytes:
    """The head of a post, as it is sent."""
    named = {**data.headers, "Host": "here", "Content-Type": media_type, **headers}
    lines = [f"POST {CALLS} HTTP/1.1", *(f"{name}: {value}" for name, value in named.items())]
    return "\r\n".join([*lines, "", ""]).encode()


@contextmanager
def connected(server: Server) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        yield connection


def answer(connection: socket.socket) -> tuple[http.client.HTTPResponse, Any]:
    """The next answer on a connection, and its body."""
    response = http.client.HTTPResponse(connection)
    response.begin()
    return response, orjson.loads(response.read())


def chunk(content: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(content), content)


def there(server: Server, data: Data, call: str) -> bool:
    return httpx2.get(f"{server.address}{CALLS}/{call}", headers=data.headers).status_code == 200


# --- Clients that are slow, leave, or send too much -----------------------------------------------------------------


def test_a_slow_client_keeps_nobody_waiting(server: Server, data: Data) -> None:
    body = orjson.dumps([record("slow-1"), record("slow-2")])
    with connected(server) as slow:
        slow.sendall(head(data, **{"Content-Length": str(len(body))}) + body[:20])
        with connected(server) as stream:
            line = orjson.dumps(record("slow-3"))
            stream.sendall(head(data, NDJSON, **{"Transfer-Encoding": "chunked"}) + chunk(line[:7]))
            for n in range(5):
                sent = httpx2.post(f"{server.address}{CALLS}", json=record(f"quick-{n}"), headers=data.headers)
                assert sent.json()["data"]["added"] == 1
            stream.sendall(chunk(line[7:]) + b"0\r\n\r\n")
            assert answer(stream)[1]["data"]["added"] == 1
        slow.sendall(body[20:])
        assert answer(slow)[1]["data"]["added"] == 2


def test_of_a_body_that_never_ends_nothing_is_taken(server: Server, data: Data) -> None:
    whole = orjson.dumps([record("never-1"), record("never-2")])
    for media_type in ("application/json", NDJSON):
        before = server.log.read_text().count(f"POST {CALLS} 499")
        with connected(server) as connection:
            connection.sendall(head(data, media_type, **{"Content-Length": str(len(whole) + 1)}) + whole)
        assert eventually(lambda before=before: server.log.read_text().count(f"POST {CALLS} 499") > before)  # type: ignore[misc]
    assert not there(server, data, "never-1")
    assert "Traceback" not in server.log.read_text()


def test_of_a_stream_that_breaks_off_what_was_committed_stays(server: Server, data: Data) -> None:
    lines = [orjson.dumps(record(f"broken-{n}", note="x" * 400)) + b"\n" for n in range(40_000)]
    lines[-1] = lines[-1][:-2]  # else it may be the last of a batch
    with connected(server) as connection:
        connection.sendall(head(data, NDJSON, **{"Transfer-Encoding": "chunked"}))
        for at in range(0, len(lines), 1000):
            connection.sendall(chunk(b"".join(lines[at : at + 1000])))
        assert eventually(lambda: there(server, data, "broken-0"))
    assert not there(server, data, "broken-39999")
    assert "Traceback" not in server.log.read_text()


def test_what_is_said_to_be_too_large_is_refused_before_it_comes(server: Server, data: Data) -> None:
    with connected(server) as connection:
        connection.sendall(head(data, **{"Content-Length": "32000001", "Expect": "100-continue"}))
        response, body = answer(connection)
    assert (response.status, body["error"]["type"]) == (413, "too_large")


def test_a_body_without_an_end_is_refused_where_it_is_too_large(tmp_path: Path) -> None:
    data = new_data(tmp_path / "data")
    with serving(data.folder.path) as server, connected(server) as connection:
        connection.sendall(head(data, **{"Transfer-Encoding": "chunked"}) + chunk(b"["))
        for _ in range(33):
            connection.sendall(chunk(b" " * 1_000_000))
        response, body = answer(connection)
    assert (response.status, body["error"]["type"]) == (413, "too_large")


def test_there_is_room_for_so_much_at_once(server: Server, data: Data) -> None:
    body = orjson.dumps([record("room", note="x" * 19_000_000)])
    with connected(server) as connection:
        connection.sendall(head(data, **{"Content-Length": str(len(body))}) + body[:-1])
        refused = []

        def full() -> bool:
            sent = httpx2.post(f"{server.address}{CALLS}", json=record(note="x" * 2_000_000), headers=data.headers)
            refused.append(sent)
            return sent.status_code == 503

        assert eventually(full)
        assert refused[-1].headers["retry-after"] == "1"
        assert refused[-1].json()["error"]["message"] == (
            "There are 20,971,520 bytes of this business waiting to be written already; try again soon"
        )
        connection.sendall(body[-1:])
        assert answer(connection)[0].status == 200
    assert httpx2.post(f"{server.address}{CALLS}", json=record(), headers=data.headers).status_code == 200


def test_streams_leave_room_for_single_calls(server: Server, data: Data) -> None:
    with ExitStack() as opened:
        streams = [opened.enter_context(connected(server)) for _ in range(3)]
        for stream in streams:
            stream.sendall(head(data, NDJSON, **{"Transfer-Encoding": "chunked"}) + chunk(b"\n"))
        ready, _, _ = select.select(streams, [], [], 10)
        response, body = answer(ready[0])
        assert (response.status, response.headers["Retry-After"]) == (503, "1")
        assert "bytes of streams of this business waiting" in body["error"]["message"]
        assert httpx2.post(f"{server.address}{CALLS}", json=record(), headers=data.headers).status_code == 200


def test_a_body_that_stops_coming(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("calltally.api.receiving.PATIENCE_SECONDS", 0.05)
    sent: list[dict[str, Any]] = []
    headers = {**door.asker(door.business(), "write").headers, "Content-Type": "application/json"}
    scope = {
        "type": "http",
        "method": "POST",
        "path": CALLS,
        "raw_path": CALLS.encode(),
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
    }

    async def receive() -> dict[str, Any]:
        await asyncio.Event().wait()
        return {}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    app: Any = door.client.app
    asyncio.run(app(scope, receive, send))
    assert sent[0]["status"] == 400
    assert json.loads(sent[1]["body"])["error"]["message"] == "body: nothing came for 0.05 s"


# --- Many at once ---------------------------------------------------------------------------------------------------


def test_many_writers_at_once_each_see_what_they_wrote(server: Server, data: Data) -> None:
    def write(writer: int) -> list[int]:
        with httpx2.Client(base_url=server.address, headers=data.headers, timeout=30) as client:
            added = []
            for n in range(10):
                sent = client.post(CALLS, json=[record(f"many-{writer}-{n}-{m}") for m in range(3)])
                added.append(sent.json()["data"]["added"])
                assert client.get(f"{CALLS}/many-{writer}-{n}-2").status_code == 200
            return added

    with ThreadPoolExecutor(12) as threads:
        assert list(threads.map(write, range(12))) == [[3] * 10] * 12


def test_two_writers_of_the_same_call_end_in_the_last_value(server: Server, data: Data) -> None:
    def write(writer: int) -> None:
        with httpx2.Client(base_url=server.address, headers=data.headers, timeout=30) as client:
            for n in range(20):
                client.post(CALLS, json=record("same", ai_score=n, source=f"writer-{writer}")).raise_for_status()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(write, range(4)))
    call = httpx2.get(f"{server.address}{CALLS}/same", headers=data.headers).json()["data"]
    assert call["ai_score"] == 19


@NEEDS_PROC
def test_a_long_stream_takes_no_more_memory_than_a_short_one(server: Server, data: Data) -> None:
    def stream(first: int, number: int) -> int:
        def lines() -> Iterator[bytes]:
            for at in range(first, first + number, 1000):
                yield b"".join(
                    b'{"id": "%d", "ai_score": -1, "note": "%b"}\n' % (n, b"x" * 300) for n in range(at, at + 1000)
                )

        headers = {**data.headers, "Content-Type": NDJSON}
        answered = httpx2.post(f"{server.address}{CALLS}", content=lines(), headers=headers, timeout=60)
        assert answered.json()["data"]["rejected"] == number
        status = Path(f"/proc/{server.process.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0])  # kB

    short = stream(0, 30_000)
    assert stream(30_000, 150_000) < short + 60_000


# --- The end --------------------------------------------------------------------------------------------------------


@dataclass
class Posting:
    """Clients that post one call after another until the server is gone, and what was acknowledged."""

    server: Server
    data: Data
    acknowledged: set[str] = field(default_factory=set)
    statuses: set[int] = field(default_factory=set)
    numbers: Iterator[int] = field(default_factory=count)

    def start(self, clients: int) -> list[threading.Thread]:
        threads = [threading.Thread(target=self._post) for _ in range(clients)]
        for thread in threads:
            thread.start()
        return threads

    def _post(self) -> None:
        with httpx2.Client(base_url=self.server.address, headers=self.data.headers, timeout=30) as client:
            while True:
                name = f"post-{next(self.numbers)}"
                try:
                    status = client.post(CALLS, json=record(name)).status_code
                except httpx2.HTTPError:
                    return
                self.statuses.add(status)
                if status == 200:
                    self.acknowledged.add(name)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_end_loses_no_acknowledged_call(tmp_path: Path, number: signal.Signals) -> None:
    data = new_data(tmp_path / "data")
    with serving(data.folder.path) as running:
        posting = Posting(running, data)
        threads = posting.start(16)
        assert eventually(lambda: len(posting.acknowledged) > 200)
        code = running.stop(number)
        for thread in threads:
            thread.join(30)
        assert code == (0 if number == signal.SIGTERM else -signal.SIGKILL)
        assert "Traceback" not in running.log.read_text()
    assert posting.statuses <= {200, 503}
    assert posting.acknowledged <= data.ids()


def test_a_call_is_in_the_very_next_report(server: Server, data: Data) -> None:
    with httpx2.Client(base_url=server.address, headers=data.headers, timeout=30) as client:
        for n in range(1, 6):
            client.post(CALLS, json=record(f"next-{n}", source="next"))
            report = client.get(f"{REPORT}?group_by=source&source=next").json()["data"]
            assert report["totals"]["count"] == n


def test_a_stream_under_way_when_the_server_stops_is_told(tmp_path: Path) -> None:
    data = new_data(tmp_path / "data")
    with serving(data.folder.path) as running, connected(running) as connection:
        connection.sendall(head(data, NDJSON, **{"Transfer-Encoding": "chunked", "Expect": "100-continue"}))
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"  # else nobody may have read of it yet
        connection.sendall(chunk(orjson.dumps(record()) + b"\n"))
        assert running.stop(signal.SIGTERM) == 0
        response, body = answer(connection)
        assert (response.status, body["error"]["type"]) == (503, "unavailable")
        assert "Traceback" not in running.log.read_text()
    assert data.ids() == set()
