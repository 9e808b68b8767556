"""An engine through the socket of its owner: the same answers and errors, and ends that leave nothing half done."""

import logging
import os
import socket
import stat
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import orjson
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally import __version__, errors
from calltally.catalog import Grain
from calltally.engines import (
    EXPORT_SCHEMA,
    ROW_SCHEMA,
    AtLeast,
    AtMost,
    Condition,
    Contains,
    Engine,
    Listener,
    LocalTimeIs,
    OneOf,
    RemoteEngine,
    join,
    open_engine,
)
from calltally.engines.remote import listener as listening
from calltally.engines.remote.frames import MOST_BODY, Connection, Lost
from calltally.engines.remote.sockets import bound, connected
from calltally.engines.remote.wire import packed, pieces, plain_error, read_conditions, read_error, unpacked
from calltally.errors import (
    CalltallyError,
    FolderInUse,
    FolderUnusable,
    Forbidden,
    Forged,
    InvalidBody,
    InvalidRequest,
    NotFound,
    Problem,
    Unauthorized,
    Unavailable,
)
from calltally.folder import DataFolder
from calltally.ingestion import Delivery, deliver
from calltally.localtime import Period, offset_table
from calltally.settings import Settings
from tests.api.conftest import add_many
from tests.asking import import_records
from tests.conftest import NewBusiness
from tests.endless import after, endless_merges
from tests.wrapping import WrappedEngine

DAY = 86_400_000_000
MARCH_9 = 1_773_014_400_000_000
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="to act as another user takes setuid, which root alone may call")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> DataFolder:
    return DataFolder(tmp_path_factory.mktemp("owned"))


@pytest.fixture(scope="module")
def owner(folder: DataFolder) -> Iterator[Engine]:
    """The engine of the process that owns the folder."""
    with closing(open_engine(folder, Settings(hot_memory="0", memory="500MB", threads=2))) as engine:
        yield engine


@pytest.fixture(scope="module")
def listener(owner: Engine, folder: DataFolder) -> Iterator[Listener]:
    opened = Listener(owner, folder)
    yield opened
    opened.close(1)


@pytest.fixture
def remote(listener: Listener, folder: DataFolder) -> Iterator[RemoteEngine]:
    """The engine as another process has it."""
    with closing(joined(folder)) as engine:
        yield engine


def joined(folder: DataFolder) -> RemoteEngine:
    engine = join(folder)
    assert engine is not None
    return engine


def call(number: int, **said: object) -> dict[str, object]:
    return {"id": f"call-{number}", "started_at": f"2026-03-{9 + number:02}T00:00:00Z"} | said


def raw(folder: DataFolder) -> socket.socket:
    found = connected(folder.socket)
    assert found is not None
    return found


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


# --- The same as there ----------------------------------------------------------------------------------------------


def test_what_goes_in_comes_out(
    remote: RemoteEngine, owner: Engine, folder: DataFolder, new_business: NewBusiness, tmp_path: Path
) -> None:
    business = new_business()
    assert remote.check(business.calls).calls == 0
    with remote.snapshot(business.calls) as nothing:
        assert nothing is None
    before = remote.version(business.calls)
    records = [call(n, duration_seconds=n, source=f"s{n}", qualified=n > 2) for n in range(5)]
    summary = import_records(remote, business, records, tmp_path).summary
    assert (summary.read, summary.added) == (5, 5)
    assert import_records(remote, business, records, tmp_path).summary.unchanged == 5
    assert remote.version(business.calls) == owner.version(business.calls) != before
    assert remote.check(business.calls) == owner.check(business.calls)
    with remote.snapshot(business.calls) as copy:
        assert copy is not None
        assert copy.path.parent == folder.staging
        assert copy.path.stat().st_size > 0
        assert copy.facts == owner.check(business.calls)
    eventually(lambda: not copy.path.exists())
    more = [Delivery(call(n, caller_number="+13055551234"), 1) for n in (4, 5)] + [Delivery({"id": "x"}, 1)]
    assert [each.outcome.value for each in deliver(more, business, remote)] == ["updated", "added", "held"]
    found = remote.call(business.calls, "call-5")
    assert found is not None
    assert found.equals(owner.call(business.calls, "call-5"))
    assert remote.erase(business.calls, "+13055551234") == 2
    assert remote.delete(business.calls, "call-5")
    assert not remote.delete(business.calls, "call-5")
    assert remote.call(business.calls, "call-5") is None
    remote.ready()
    remote.remove(business.calls)
    assert owner.check(business.calls).calls == 0
    with pytest.raises(NotFound, match="cleared or deleted meanwhile"), remote.load(business.calls):
        pass


@pytest.mark.parametrize(
    ("conditions", "periods", "found"),
    [
        ((), None, [0, 1, 2, 3, 4]),
        ((AtLeast("duration_seconds", 3),), None, [3, 4]),
        ((AtMost("duration_seconds", 1),), None, [0, 1]),
        ((OneOf("source", ("s0", "s4")), AtLeast("duration_seconds", 1)), None, [4]),
        ((OneOf("qualified", (True,)),), None, [3, 4]),
        ((OneOf("source", ("s0",), or_none=True),), None, [0]),
        ((OneOf("ai_category", (), or_none=True), OneOf("source", ("s1", "s2"))), None, [1, 2]),
        ((LocalTimeIs(Grain.DAY_OF_WEEK, (1, 3), offset_table("UTC")),), None, [0, 2]),
        ((LocalTimeIs(Grain.HOUR_OF_DAY, (20,), offset_table("America/New_York")),), None, [0, 1, 2, 3, 4]),
        ((LocalTimeIs(Grain.HOUR_OF_DAY, (), offset_table("UTC")),), None, []),
        ((Contains(("source", "tracking_number"), ("S3", "x")),), None, [3]),
        ((), (Period(MARCH_9, MARCH_9 + DAY), Period(MARCH_9 + 2 * DAY, MARCH_9 + 3 * DAY)), [0, 2]),
    ],
)
def test_exports(
    remote: RemoteEngine,
    new_business: NewBusiness,
    tmp_path: Path,
    conditions: tuple[Condition, ...],
    periods: tuple[Period, ...] | None,
    found: list[int],
) -> None:
    business = new_business()
    records = [call(n, duration_seconds=n, source=f"s{n}", qualified=n > 2) for n in range(5)]
    import_records(remote, business, records, tmp_path)
    with remote.export(business.calls, conditions, periods) as batches:
        rows = pa.Table.from_batches(batches, EXPORT_SCHEMA)
    assert rows["id"].to_pylist() == [f"call-{n}" for n in found]


@pytest.mark.parametrize(
    "plain",
    [
        "x",
        [{"is": "OneOf", "field": "id; DROP", "values": [], "or_none": True}],
        [{"is": "OneOf", "field": "source", "values": [1.5], "or_none": True}],
        [{"is": "LocalTimeIs", "grain": "year", "values": [1], "local_time": [[0], [0]]}],
        [{"is": "LocalTimeIs", "grain": "date", "values": ["1"], "local_time": [[0], [0]]}],
        [{"is": "LocalTimeIs", "grain": "date", "values": [1], "local_time": [[0], []]}],
        [{"is": "LocalTimeIs", "grain": "date", "values": [True], "local_time": [[0], [0]]}],
        [{"is": "LocalTimeIs", "grain": "date", "values": [1], "local_time": [[0], [False]]}],
        [{"is": "LocalTimeIs", "grain": "date", "values": [1]}],
        [{"is": "Contains", "fields": ["nothing"], "texts": ["x"]}],
        [{"is": "Contains", "fields": [{}], "texts": ["x"]}],
        [{"is": "ChangedSince", "instant": "now"}],
    ],
)
def test_what_is_no_condition(plain: object) -> None:
    with pytest.raises(Lost):
        read_conditions(plain)


def test_a_big_export_arrives_whole_and_can_be_left(
    remote: RemoteEngine, owner: Engine, new_business: NewBusiness
) -> None:
    business = new_business()
    add_many(remote, business, 50_000)
    with remote.export(business.calls, (), None) as batches:
        assert next(batches).num_rows > 0
    with remote.export(business.calls, (), None) as batches:
        there = pa.Table.from_batches(batches)
    with owner.export(business.calls, (), None) as batches:
        assert there.equals(pa.Table.from_batches(batches))


def test_rows_without_a_call_come_back(remote: RemoteEngine, new_business: NewBusiness, tmp_path: Path) -> None:
    records: list[dict[str, object]] = [{"id": f"lost-{n}", "source": "ä" * 300} for n in range(3_000)]
    found = import_records(remote, new_business(), [*records, call(1)], tmp_path)
    assert (found.summary.added, found.summary.rejected) == (1, 3_000)
    lines = (tmp_path / "records.ndjson.rejected.ndjson").read_text().splitlines()
    assert [orjson.loads(line)["record"]["id"] for line in lines] == [f"lost-{n}" for n in range(3_000)]


def test_a_dry_run(remote: RemoteEngine, owner: Engine, new_business: NewBusiness) -> None:
    business = new_business()
    with remote.load(business.calls) as load:
        load.add(rows_of("a", "b"))
        assert load.finish(dry_run=True).added == 2
    assert owner.check(business.calls).calls == 0


def rows_of(*ids: str) -> pa.RecordBatch:
    columns = {
        "n": list(range(1, len(ids) + 1)),
        "accepted": [True] * len(ids),
        "id": list(ids),
        "started_at": [MARCH_9] * len(ids),
    }
    arrays = [pa.array(columns.get(field.name, [None] * len(ids)), field.type) for field in ROW_SCHEMA]
    return pa.RecordBatch.from_arrays(arrays, schema=ROW_SCHEMA)


def test_many_rows_travel_in_pieces() -> None:
    texts = ["x" * 1_000_000] * 50
    rows = pa.RecordBatch.from_arrays([pa.array(range(50)), pa.array(texts)], names=["place", "record"])
    small = list(pieces(rows))
    assert all(len(packed(piece)) < MOST_BODY for piece in small)
    assert pa.Table.from_batches(small).equals(pa.Table.from_batches([rows]))
    back = [batch for piece in small for batch in unpacked(bytearray(packed(piece)), rows.schema)]
    assert pa.Table.from_batches(back).equals(pa.Table.from_batches([rows]))


# --- Errors ---------------------------------------------------------------------------------------------------------

MADE_OTHERWISE: dict[type[CalltallyError], CalltallyError] = {
    InvalidRequest: InvalidRequest((Problem("a", "a: is wrong"), Problem("b", "b: is wrong"))),
    InvalidBody: InvalidBody((Problem("a", "a: is wrong"),)),
    Unauthorized: Unauthorized(),
    Forbidden: Forbidden("write"),
    Forged: Forged(),
    Unavailable: Unavailable("not now", 60),
}
KINDS = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, CalltallyError)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_error_crosses_as_what_it_is(kind: type[CalltallyError]) -> None:
    error = MADE_OTHERWISE.get(kind) or kind("what is wrong")
    back = read_error(orjson.loads(orjson.dumps(plain_error(error))))
    assert (type(back), back.message, vars(back)) == (kind, error.message, vars(error))


class Broken(WrappedEngine):
    """Has a defect, and a disk that fails."""

    def version(self, calls: str) -> str:
        return str(1 // 0)

    def ready(self) -> None:
        Path("/nowhere/at/all").unlink()


def test_a_defect_is_logged_there_and_said_here(
    owner: Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = DataFolder(tmp_path)
    listener = Listener(Broken(owner), folder)
    with closing(joined(folder)) as remote:
        with pytest.raises(CalltallyError, match=r"^This failed in the process that holds the data folder, whose log"):
            remote.version("b.1")
        with pytest.raises(CalltallyError, match="No such file or directory: /nowhere/at/all"):
            remote.ready()
        assert remote.check("b.1").calls == 0
    eventually(lambda: any(record.exc_info for record in caplog.records))
    (record,) = [record for record in caplog.records if record.exc_info]
    assert (record.levelno, record.exc_info and record.exc_info[0]) == (logging.ERROR, ZeroDivisionError)
    listener.close(1)


def test_a_defect_is_logged_also_where_nobody_is_left_to_be_told(
    owner: Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_: CalltallyError) -> None:
        raise Lost("nobody is there any more")

    folder = DataFolder(tmp_path)
    listener = Listener(Broken(owner), folder)
    monkeypatch.setattr("calltally.engines.remote.listener.plain_error", gone)
    with closing(joined(folder)) as remote, pytest.raises(Unavailable, match="ended before this was done"):
        remote.version("b.1")
    eventually(lambda: any(record.exc_info for record in caplog.records))
    assert "ZeroDivisionError" in caplog.text
    listener.close(1)


def test_nobody_listens(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    assert join(folder) is None
    bound(folder.socket).close()  # as a killed owner leaves it
    assert folder.socket.exists()
    assert join(folder) is None


# --- Ends -----------------------------------------------------------------------------------------------------------


def test_a_load_that_is_left_leaves_no_trace(
    remote: RemoteEngine, owner: Engine, folder: DataFolder, new_business: NewBusiness
) -> None:
    business = new_business()
    with remote.load(business.calls) as load:
        load.add(rows_of("a"))
        eventually(lambda: any(folder.staging.iterdir()))
    eventually(lambda: not any(folder.staging.iterdir()))
    assert owner.check(business.calls).calls == 0


def test_a_load_that_nobody_waits_for_any_more_is_stopped(
    remote: RemoteEngine,
    owner: Engine,
    folder: DataFolder,
    new_business: NewBusiness,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    business = new_business()
    with owner.load(business.calls) as first, remote.load(business.calls) as load:
        load.add(rows_of(*(f"c{n}" for n in range(20_000))))
        with endless_merges(monkeypatch) as merging:
            stopping = after(merging, load.stop)
            with pytest.raises(Unavailable, match="all of them are in or none"):
                load.finish()
            stopping.join()
        first.add(rows_of("a"))
        assert first.finish().added == 1
    eventually(lambda: not any(folder.staging.iterdir()))
    assert owner.check(business.calls).calls == 1


def test_a_slow_load_keeps_nobody_out(remote: RemoteEngine, new_business: NewBusiness) -> None:
    business = new_business()
    with remote.load(business.calls) as slow:
        slow.add(rows_of("a"))
        with remote.load(business.calls) as quick:
            quick.add(rows_of("a", "b"))
            assert quick.finish().added == 2
        found = slow.finish()
    assert (found.added, found.unchanged) == (0, 1)


def test_a_load_into_a_store_that_is_removed_meanwhile(
    remote: RemoteEngine, folder: DataFolder, new_business: NewBusiness
) -> None:
    business = new_business()
    with remote.load(business.calls) as load:
        load.add(rows_of("a"))
        remote.remove(business.calls)
        with pytest.raises(NotFound, match="cleared or deleted meanwhile"):
            load.finish()
    eventually(lambda: not any(folder.staging.iterdir()))
    assert not list(folder.calls.glob(f"{business.calls}*"))


@pytest.fixture
def leaving(owner: Engine, tmp_path: Path) -> Iterator[tuple[DataFolder, Listener]]:
    folder = DataFolder(tmp_path)
    listener = Listener(owner, folder)
    yield folder, listener
    listener.close(0)


def test_an_owner_that_leaves_serves_who_is_there(
    leaving: tuple[DataFolder, Listener], new_business: NewBusiness
) -> None:
    folder, listener = leaving
    business = new_business()
    with closing(joined(folder)) as remote:
        listener.leave()
        with pytest.raises(Unavailable, match="is about to end"):
            join(folder)
        assert not listener.wait(0.1)
        with remote.load(business.calls) as load:
            load.add(rows_of("a"))
            assert load.finish().added == 1
    assert listener.wait(10)


def test_an_owner_that_is_stopped_says_so(leaving: tuple[DataFolder, Listener], new_business: NewBusiness) -> None:
    folder, listener = leaving
    business = new_business()
    with closing(joined(folder)) as remote:
        with remote.load(business.calls) as load:
            load.add(rows_of("a"))
            listener.close(1)
            with pytest.raises(Unavailable, match="was stopped before this was done"):
                load.add(rows_of("b"))
        with pytest.raises(Unavailable, match="ended before this was done"):
            remote.ready()
    assert not folder.socket.exists()
    assert join(folder) is None


def test_an_owner_that_is_stopped_ends_what_is_at_work(
    leaving: tuple[DataFolder, Listener], owner: Engine, new_business: NewBusiness, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, listener = leaving
    given_time, hurried = new_business(), new_business()
    with closing(joined(folder)) as remote:
        with remote.load(given_time.calls) as load:
            load.add(rows_of("a"))
            with owner.load(given_time.calls):
                pass
            assert load.finish().added == 1
        add_many(remote, given_time, 50_000)
        with remote.load(hurried.calls) as load, endless_merges(monkeypatch) as merging:
            load.add(rows_of(*(f"c{n}" for n in range(20_000))))
            closing_it = after(merging, lambda: listener.close(0.0))
            with pytest.raises(Unavailable, match="stopped before the calls were in; nothing was changed"):
                load.finish()
            closing_it.join()
    assert owner.check(hurried.calls).calls == 0


def test_too_many_commands_are_refused(leaving: tuple[DataFolder, Listener], monkeypatch: pytest.MonkeyPatch) -> None:
    folder, _ = leaving
    monkeypatch.setattr(listening, "MOST_SESSIONS", 3)
    with ExitStack() as stack:
        first = stack.enter_context(closing(joined(folder)))
        for _ in range(2):
            stack.enter_context(closing(joined(folder)))
        with pytest.raises(Unavailable, match="Too many commands"):
            join(folder)
        first.ready()
    eventually(lambda: still_joins(folder))


def still_joins(folder: DataFolder) -> bool:
    try:
        joined(folder).close()
    except Unavailable:
        return False
    return True


# --- Strangers ------------------------------------------------------------------------------------------------------

GREETING = {"calltally": __version__, "session": "s"}
REQUESTS: list[dict[str, object]] = [
    {"do": "load", "calls": "../control.1"},
    {"do": "load", "calls": "b"},
    {"do": "export", "calls": "b.1", "conditions": [{"is": "OneOf", "field": "1; DROP", "values": []}]},
    {"do": "export", "calls": "b.1", "conditions": [{"is": "AtLeast", "field": "source", "lowest": "x"}]},
    {"do": "export", "calls": "b.1", "conditions": [], "periods": [[1]]},
    {"do": "close"},
    {"do": []},
    {},
]


def frame(head: object, body: bytes = b"") -> bytes:
    text = orjson.dumps(head)
    return struct.pack(">II", len(text), len(body)) + text + body


def answered(folder: DataFolder, sent: bytes) -> bytes:
    """All that comes back before the connection ends."""
    with raw(folder) as strange:
        strange.settimeout(10)
        strange.sendall(sent)
        strange.shutdown(socket.SHUT_WR)
        back = b""
        try:
            while part := strange.recv(65536):
                back += part
        except ConnectionResetError:  # it went without reading all of it
            pass
        return back


@given(st.one_of(st.binary(max_size=200), st.binary(max_size=200).map(lambda junk: frame(GREETING) + junk)))
def test_garbage_ends_its_own_connection_only(remote: RemoteEngine, folder: DataFolder, sent: bytes) -> None:
    assert answered(folder, sent) in {b"", frame({"calltally": __version__, "pid": os.getpid()})}
    remote.ready()


@pytest.mark.parametrize("asked", REQUESTS)
def test_requests_that_are_none(
    remote: RemoteEngine, folder: DataFolder, asked: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    assert answered(folder, frame(GREETING) + frame(asked)) == frame({"calltally": __version__, "pid": os.getpid()})
    remote.ready()
    assert not caplog.records


@given(st.binary(max_size=300))
def test_rows_that_are_none(remote: RemoteEngine, owner: Engine, folder: DataFolder, junk: bytes) -> None:
    good = bytes(packed(rows_of("a")))
    for body in (junk, good[: len(junk)] + junk, good[: -len(junk) or None], bytes(packed(rows_of("a").select([0])))):
        back = answered(
            folder, frame(GREETING) + frame({"do": "load", "calls": "junk.1"}) + frame({}, body) + frame({})
        )
        assert back.endswith(frame({"answer": None}))
    remote.ready()
    assert owner.check("junk.1").calls == 0


@pytest.mark.parametrize("lengths", [(2**32 - 1, 0), (2, 2**32 - 1)])
def test_frames_that_are_too_long(remote: RemoteEngine, folder: DataFolder, lengths: tuple[int, int]) -> None:
    assert answered(folder, struct.pack(">II", *lengths) + b"{}") == b""
    remote.ready()


def test_another_release_is_refused_there(remote: RemoteEngine, folder: DataFolder) -> None:
    back = answered(folder, frame({"calltally": "99.0", "session": "s"}))
    assert back == frame({"calltally": __version__, "pid": os.getpid()})


def test_another_release_is_refused_here(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    with bound(folder.socket) as other:

        def greet() -> None:
            accepted, _ = other.accept()
            with closing(Connection(accepted)) as connection:
                connection.receive()
                connection.send({"calltally": "99.0", "pid": 7})

        greeter = threading.Thread(target=greet)
        greeter.start()
        said = rf"in use by Calltally 99.0 \(process 7\), and this is Calltally {__version__}; restart that one"
        with pytest.raises(FolderInUse, match=said):
            join(folder)
        greeter.join()


def test_only_its_user_can_open_the_socket(remote: RemoteEngine, folder: DataFolder) -> None:
    assert stat.S_IMODE(folder.run.stat().st_mode) == 0o700
    assert stat.S_IMODE(folder.socket.stat().st_mode) == 0o600


CONNECT = """
import socket, sys
connection = socket.socket(socket.AF_UNIX)
try:
    connection.connect(sys.argv[1])
except PermissionError:
    print("refused")
else:
    try:
        connection.sendall(bytes.fromhex(sys.argv[2]))
        print(connection.recv(1000).hex() or "ended")
    except ConnectionError:
        print("ended")
"""


@AS_ROOT
def test_another_user_is_refused(listener: Listener, folder: DataFolder) -> None:
    greeting = frame(GREETING).hex()
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", sys.executable, "-c", CONNECT]

    def said() -> str:
        command = [*nobody, str(folder.socket), greeting]
        return subprocess.run(command, capture_output=True, text=True, check=True, cwd="/").stdout.strip()

    above = [path for path in folder.socket.parents if path.is_relative_to("/tmp")]
    modes = {path: path.stat().st_mode for path in [folder.socket, *above]}
    assert said() == "refused"
    try:
        for path in above[:-1]:
            path.chmod(0o755)
        folder.socket.chmod(0o666)
        assert said() == "ended"  # though every mode lets them in
    finally:
        for path, mode in modes.items():
            path.chmod(mode)


@AS_ROOT
def test_a_stranger_who_listens_is_not_trusted(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    folder.run.chmod(0o777)
    listen = "import socket, sys; s = socket.socket(socket.AF_UNIX); s.bind('socket'); s.listen(); "
    listen += "print(1, flush=True); sys.stdin.read()"
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", sys.executable, "-c", listen]
    with subprocess.Popen(nobody, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder.run) as process:
        assert process.stdout
        assert process.stdout.readline() == b"1\n"
        with pytest.raises(FolderUnusable, match="another user listens there"):
            join(folder)


@pytest.mark.parametrize("length", [60, 99, 100, 101, 104, 108, 150, 400])
def test_paths_of_any_length(owner: Engine, tmp_path_factory: pytest.TempPathFactory, length: int) -> None:
    base = tmp_path_factory.mktemp("p")
    missing = length - len(str(base)) - len("//run/socket")
    folder = DataFolder(base.joinpath(*(["x" * 100] * (missing // 101)), "y" * (missing % 101 or 1)))
    for _ in range(2):
        listener = Listener(owner, folder)
        with closing(joined(folder)) as remote:
            remote.ready()
        listener.close(1)
