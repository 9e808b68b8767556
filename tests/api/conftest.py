"""The HTTP door over real databases: in this process for most tests, in a server of its own where sockets matter."""

import itertools
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pyarrow as pa
import pytest
from starlette.testclient import TestClient

from calltally.accounts import Business, Control, create_business, create_key, open_control
from calltally.api import Answers, Intake, IntakeLimits, Limits, Services, Workers, create_app
from calltally.engines import ROW_SCHEMA, Engine, open_engine
from calltally.folder import DataFolder
from calltally.ingestion import import_records
from calltally.settings import Settings
from tests.postgresql import PostgreSQL

NOW = datetime(2026, 3, 9, 14, 5, tzinfo=UTC)
REPORT = "/api/v1/analytics/calls"
CATALOG = "/api/v1/catalog"
Record = dict[str, object]


@dataclass(frozen=True)
class Asker:
    """Somebody with a key of one business."""

    client: httpx2.Client
    business: Business
    headers: Mapping[str, str]

    def get(self, query: str = "group_by=source", path: str = REPORT, **headers: str) -> httpx2.Response:
        """The response to a report, or to another path."""
        return self.client.get(f"{path}?{query}" if query else path, headers={**self.headers, **headers})

    def report(self, query: str) -> Any:
        """The inner `data` of a report that goes well."""
        response = self.get(query)
        assert response.status_code == 200, response.text
        return response.json()["data"]

    def problems(self, query: str) -> list[tuple[str, str]]:
        """What is wrong with a request, as (parameter, message); the body is well formed."""
        response = self.get(query)
        assert response.status_code == 400, response.text
        error = response.json()["error"]
        assert list(error) == ["code", "type", "message", "param", "details"]
        assert (error["code"], error["type"]) == ("400", "invalid_parameter")
        assert error["details"][0] == {"param": error["param"], "message": error["message"]}
        for problem in error["details"]:
            assert list(problem) == ["param", "message"]
            assert problem["message"].startswith(f"{problem['param']}: ")
        return [(problem["param"], problem["message"]) for problem in error["details"]]


@dataclass(frozen=True)
class Door:
    """An application, and what it takes to give it businesses, keys and calls."""

    control: Control
    engine: Engine
    client: TestClient
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def business(self, records: Iterable[Mapping[str, object]] = (), timezone: str = "UTC") -> Business:
        """A new business that has these calls."""
        name = f"Business {next(self.numbers)}"
        business = create_business(self.control, name, timezone=timezone, region="US", currency="USD", now=NOW)
        self.add(business, records)
        return business

    def add(self, business: Business, records: Iterable[Mapping[str, object]]) -> None:
        """Import calls."""
        if records := list(records):
            import_records(records, business, self.engine)

    def asker(self, business: Business, *scopes: str) -> Asker:
        """Somebody with a new key, which has the default scope unless told."""
        key = create_key(self.control, business, None, scopes or ("read",), NOW)
        return Asker(self.client, business, {"Authorization": f"Bearer {key.secret}"})


def calls(*rows: Mapping[str, object], day: str = "2026-03-09") -> list[Record]:
    """Records that have what every call needs."""
    return [{"id": f"call-{n}", "started_at": f"{day}T12:00:00Z", **row} for n, row in enumerate(rows)]


def add_many(engine: Engine, business: Business, number: int) -> None:
    """Give a business many calls, each with a source, a campaign and a caller of its own, quickly."""
    with engine.load(business.calls) as load:
        load.add(many_rows(number))
        load.finish()


def many_rows(number: int) -> pa.RecordBatch:
    """Rows of so many calls, as an engine takes them."""
    columns = {
        "n": range(1, number + 1),
        "place": range(1, number + 1),
        "accepted": [True] * number,
        "id": [f"call-{n}" for n in range(number)],
        "started_at": [1_770_000_000_000_000 + n * 1_000_000 for n in range(number)],
        "source": [f"source-{n}" for n in range(number)],
        "utm_campaign": [f"campaign-{n}" for n in range(number)],
        "caller_number": [f"caller-{n}" for n in range(number)],
    }
    arrays = [pa.array(columns.get(column.name, [None] * number), column.type) for column in ROW_SCHEMA]
    return pa.RecordBatch.from_arrays(arrays, schema=ROW_SCHEMA)


SLOW = "group_by=source,utm_campaign,date&metrics=unique_callers,count&sort_by=unique_callers"  # over many calls


def limits(running: int, waiting: int, *, business: int = 0, waiting_of_business: int = 0, key: int = 0) -> Limits:
    """Limits of all; those of a business and of a key are the same unless given."""
    return Limits(running, waiting, business or running, waiting_of_business or waiting, key or running)


def intake_limits(writing: int = 4, records: int = 50_000, of_business: int = 0, megabytes: int = 64) -> IntakeLimits:
    """Limits of all; those of a business are the same unless given."""
    return IntakeLimits(writing, records, of_business or records, megabytes * 2**20, megabytes * 2**20)


@contextmanager
def open_client(
    control: Control,
    engine: Engine,
    workers: Workers | None = None,
    kept_bytes: int = 2**20,
    intake: IntakeLimits | None = None,
) -> Iterator[TestClient]:
    """A client of a new application."""
    services = Services(
        control,
        engine,
        workers or Workers(limits(4, 64), 30),
        Answers(kept_bytes),
        lambda: datetime.now(UTC),
        Intake(engine, intake or intake_limits()),
        Path(tempfile.gettempdir()),
    )
    with TestClient(create_app(services), raise_server_exceptions=False, follow_redirects=False) as client:
        yield client


def eventually(holds: Callable[[], bool]) -> bool:
    """Whether it holds within ten seconds."""
    deadline = time.monotonic() + 10
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.05)
    return holds()


# Tests of who may do what, and of what is remembered of that: they run with either control database.
OF_ACCOUNTS = {
    f"tests.api.test_{name}" for name in ("caching", "saved_reports", "shared", "sign_in", "tenants", "webhooks")
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.module.__name__ in OF_ACCOUNTS and "control" in metafunc.fixturenames:
        homes = ["sqlite", pytest.param("postgresql", marks=pytest.mark.cluster)]
        metafunc.parametrize("control", homes, indirect=True, scope="session")


@pytest.fixture(scope="session")
def control(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Control]:
    url = ""
    if getattr(request, "param", "sqlite") == "postgresql":
        server: PostgreSQL = request.getfixturevalue("postgresql")
        url = server.new_database()
    with open_control(DataFolder(tmp_path_factory.mktemp("door")), url) as opened:
        yield opened


@pytest.fixture(scope="session")
def door(control: Control, engine: Engine) -> Iterator[Door]:
    with open_client(control, engine) as client:
        yield Door(control, engine, client)


@pytest.fixture(scope="session")
def few(door: Door) -> Asker:
    """Somebody whose business has five calls."""
    records = calls(
        {"source": "google", "status": "completed", "qualified": True, "ai_score": 80, "duration_seconds": 60},
        {"source": "google", "status": "missed", "qualified": False, "ai_score": 51},
        {"source": "bing", "status": "voicemail", "duration_seconds": 0, "direction": "outbound"},
        {"source": "münchen 🚀", "value_cents": 10**12},
        {"caller_number": "(305) 555-1234", "call_flow_id": "f-1", "number_id": "n-1", "number_group_id": "g-1"},
    )
    return door.asker(door.business(records))


# --- A server of its own --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Server:
    """A running `calltally serve`."""

    process: subprocess.Popen[str]
    address: str
    log: Path

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.address.rpartition(":")[2])

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """The exit code after a signal."""
        self.process.send_signal(number)
        return self.process.wait(timeout=30)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Meanwhile it does nothing, so that whatever is asked of it takes as long as a test likes."""
        self.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED)  # till then some of its threads may go on
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)


@contextmanager
def serving(data: Path, **variables: str) -> Iterator[Server]:
    """A server on a data folder, which is stopped at the end if it still runs."""
    log = data.with_name(f"{data.name}.log")
    with (
        log.open("w") as errors,
        subprocess.Popen(
            [sys.executable, "-m", "calltally", "serve", "--port", "0", "--data", str(data)],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={"PATH": os.environ["PATH"], **variables},
        ) as process,
    ):
        try:
            assert process.stdout
            line = process.stdout.readline()
            address = re.search(r"http://\S+", line)
            assert address, (line, log.read_text())
            yield Server(process, address[0], log)
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                raise


# --- Requests past the client ---------------------------------------------------------------------------------------


async def raw_get(app: Callable[..., Any], query: bytes, headers: Mapping[str, str]) -> tuple[int, Any]:
    """Status and parsed body of a report whose query string is any bytes at all."""
    sent: list[dict[str, Any]] = []
    scope = {
        "type": "http",
        "method": "GET",
        "path": REPORT,
        "raw_path": REPORT.encode(),
        "query_string": query,
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
    }
    forever = anyio.Event()
    messages = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> dict[str, Any]:
        for message in messages:
            return message
        await forever.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent[0]["status"], json.loads(b"".join(message.get("body", b"") for message in sent))


def filled(folder: DataFolder, number: int, scope: str = "read") -> Mapping[str, str]:
    """A key of a new business that has so many calls."""
    with open_control(folder) as control:
        business = create_business(control, "Acme", timezone="UTC", region="US", currency="USD", now=NOW)
        with closing(open_engine(folder, Settings(hot_memory="0", threads=2))) as engine:
            add_many(engine, business, number)
        return {"Authorization": f"Bearer {create_key(control, business, None, [scope], NOW).secret}"}
