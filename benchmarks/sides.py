"""The engines that can have the same calls: each is opened in a process of its own, so that its memory is its own."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import ParamSpec, TypeVar

from servers.clickhouse import DATABASE
from servers.library import ChdbServers

from benchmarks.commands import THREADS
from benchmarks.figures import CopiedFigure, ProcessFigure, TableFigure
from benchmarks.imports import BUSINESS
from benchmarks.measure import median_ms
from benchmarks.memory import peak_memory
from calltally import moving
from calltally.accounts import Business, find_business
from calltally.cli.options import Opened, opened
from calltally.engines import Engine, Rows, Stop, open_engine, open_to_move, store_files
from calltally.engines.clickhouse import (
    ClickHouseEngine,
    DriverServers,
    Servers,
    Tables,
    create_or_extend,
    read_address,
)
from calltally.engines.hot import HotEngine
from calltally.engines.sql import Statement
from calltally.query import Timing, ask
from calltally.settings import Settings

__all__ = ["CHDB", "CLUSTER", "COLUMNS", "FILE", "Copy", "Side", "Timed", "answers", "apart", "copy", "stored", "timed"]

COLUMNS, FILE, CLUSTER, CHDB = "columns", "file", "cluster", "chdb"
SETTINGS = Settings(threads=THREADS)
PATIENCE = 600.0  # seconds that a report may take
MERGED_SECONDS, PAUSE = 1800.0, 0.2
TABLES = ("calls", "places")
CALLTALLY = "Calltally"

Given = ParamSpec("Given")
Found = TypeVar("Found")


@dataclass(frozen=True)
class Side:
    """An engine that has the calls of a data folder; `place` is the address of a cluster, or chDB's folder."""

    name: str
    data: Path
    place: str = ""


@dataclass(frozen=True)
class Copy:
    """How calls were copied to a side, and what they are there."""

    copied: CopiedFigure
    version: str
    tables: tuple[TableFigure, ...]
    processes: tuple[ProcessFigure, ...]
    all_cores: float


@dataclass(frozen=True)
class Timed:
    """How long reports took, in milliseconds, and what the side's own processes held at most."""

    ms: tuple[float, ...]
    processes: tuple[ProcessFigure, ...]


def apart(work: Callable[Given, Found], *given: Given.args, **named: Given.kwargs) -> Found:
    """What work finds in a new process, which ends with it."""
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        return process.submit(work, *given, **named).result()


def answers(side: Side, requests: Sequence[str]) -> tuple[Rows, ...]:
    """The rows and totals of reports."""
    with _engine_of(side) as (engine, business, _):
        return tuple(_asking(engine, business, side, request)() for request in requests)


def timed(side: Side, requests: Sequence[str], times: int) -> Timed:
    """The median time of each report."""
    with _engine_of(side) as (engine, business, pids):
        found = tuple(median_ms(_asking(engine, business, side, request), times) for request in requests)
        return Timed(found, _processes(pids))


def copy(side: Side, quiet_seconds: float, times: int) -> Copy:
    """Copy the calls from the file as `calltally migrate` does, and wait until no merge was at work for so long."""
    with (
        opened(str(side.data)) as on,
        on.folder.own("migrate"),
        closing(open_to_move(on.folder, SETTINGS)) as file,
        _servers_of(side) as (servers, tables, pids),
        closing(_engine(on, servers, tables)) as engine,
    ):
        create_or_extend(servers, tables)
        source, target = moving.Side(FILE, file), moving.Side(side.name, engine)
        prospect = moving.look_ahead(find_business(on.control, BUSINESS), source, target, on.folder)
        start = time.perf_counter()
        rows = moving.copy_calls(prospect, source, target, on.folder, lambda _: None).now
        copied = time.perf_counter() - start
        _await_merges(servers, tables, quiet_seconds)
        merged = time.perf_counter() - start - copied - quiet_seconds
        with servers.session() as session:
            [(version,)] = session.rows(Statement("SELECT version()"))
        figure = CopiedFigure(rows, copied, rows / copied, max(merged, 0.0))
        return Copy(
            figure, version, _tables(servers, tables, rows), _processes(pids), _all_cores(servers, tables, times)
        )


def stored(side: Side, calls: int) -> TableFigure:
    """What the file takes on the disk, which nobody has open, so that its log is written into it."""
    with opened(str(side.data)) as on:
        business = find_business(on.control, BUSINESS)
        size = sum(path.stat().st_size for path in store_files(on.folder.calls, business.calls) if path.exists())
    return TableFigure(FILE, size / calls, 1)


@contextmanager
def _engine_of(side: Side) -> Iterator[tuple[Engine, Business, dict[str, int]]]:
    """The engine, ready to answer, and its processes beside those that somebody else has started."""
    with opened(str(side.data)) as on:
        business = find_business(on.control, BUSINESS)
        if side.name in {CLUSTER, CHDB}:
            with _servers_of(side) as (servers, tables, pids), closing(_engine(on, servers, tables)) as engine:
                yield engine, business, pids
        else:
            memory = "80%" if side.name == COLUMNS else "0"
            settings = Settings(threads=THREADS, hot_memory=memory, cache_megabytes=0)
            with closing(open_engine(on.folder, settings)) as embedded:
                if isinstance(embedded, HotEngine) and not embedded.prepare(business.calls):
                    raise RuntimeError("there is no room for the columns")
                yield embedded, business, {CALLTALLY: os.getpid()}


@contextmanager
def _servers_of(side: Side) -> Iterator[tuple[Servers, Tables, dict[str, int]]]:
    servers: Servers
    if side.name == CHDB:
        library = servers = ChdbServers(Path(side.place))
        tables, pids = Tables(DATABASE), {CALLTALLY: os.getpid(), "chDB": library.pid}
    else:
        address = read_address(side.place)
        servers = DriverServers(address, PATIENCE)
        tables, pids = Tables(address.database, address.cluster), {CALLTALLY: os.getpid()}
    with closing(servers):
        yield servers, tables, pids


def _engine(on: Opened, servers: Servers, tables: Tables) -> ClickHouseEngine:
    return ClickHouseEngine(
        servers,
        tables,
        on.folder.staging,
        on.folder.spill,
        memory=SETTINGS.memory,
        most_spill=SETTINGS.spill,
        threads=THREADS,
    )


def _asking(engine: Engine, business: Business, side: Side, request: str) -> Callable[[], Rows]:
    """What asks for a report, from its plan to its rows."""
    plan = ask(request.encode(), business, Timing()).plan

    def asked() -> Rows:
        rows = engine.answer(plan, Stop())
        if side.name == COLUMNS and rows.path != COLUMNS:
            raise RuntimeError(f"{request}: not from columns")
        return rows

    return asked


def _await_merges(servers: Servers, tables: Tables, quiet_seconds: float) -> None:
    deadline = time.monotonic() + MERGED_SECONDS
    quiet_since = time.monotonic()
    while time.monotonic() < quiet_since + quiet_seconds:
        if any(_each(servers, "SELECT count() FROM system.merges WHERE database = ?", tables)):
            quiet_since = time.monotonic()
        if quiet_since > deadline:
            raise RuntimeError("the servers merge without an end")
        time.sleep(PAUSE)


def _tables(servers: Servers, tables: Tables, calls: int) -> tuple[TableFigure, ...]:
    """What the calls take on the disks of all servers, and what it takes to find them by their ids."""
    parts = "SELECT {} FROM system.parts WHERE active AND database = ? AND table = '{}'"
    return tuple(
        TableFigure(
            name,
            sum(_each(servers, parts.format("sum(bytes_on_disk)", tables.local_name(name)), tables)) / calls,
            sum(_each(servers, parts.format("count()", tables.local_name(name)), tables)),
        )
        for name in TABLES
    )


def _all_cores(servers: Servers, tables: Tables, times: int) -> float:
    """How many times as fast one server reads its own part with all cores as with one; the others rest meanwhile."""
    whole = f"SELECT source, count(), sum(duration_seconds) FROM {tables.local('calls')} FINAL GROUP BY source"
    with servers.session_with(servers.each()[0]) as session:

        def asked(threads: int) -> None:
            session.rows(Statement(f"{whole} SETTINGS max_threads = {threads}"), unhurried=True)

        return median_ms(lambda: asked(1), times) / median_ms(lambda: asked(THREADS), times)


def _each(servers: Servers, sql: str, tables: Tables) -> list[int]:
    """What each server says to a statement about the database."""
    said = []
    for server in servers.each():
        with servers.session_with(server) as session:
            said.append(int(session.rows(Statement(sql, (tables.database,)))[0][0]))
    return said


def _processes(pids: dict[str, int]) -> tuple[ProcessFigure, ...]:
    return tuple(ProcessFigure(name, peak_memory(pid)) for name, pid in pids.items())
