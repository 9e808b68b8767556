"""The cluster that the settings name: opened, made ready, looked at."""

import logging
import ssl
from dataclasses import replace

from calltally.accounts import FleetTurns, is_shared
from calltally.engines.base import EngineStatus, ServerStatus
from calltally.engines.clickhouse.address import Address, read_address
from calltally.engines.clickhouse.connections import DriverServers
from calltally.engines.clickhouse.engine import ClickHouseEngine
from calltally.engines.clickhouse.schema import Tables, create_or_extend
from calltally.engines.clickhouse.servers import Server, Servers
from calltally.engines.clickhouse.sessions import Session
from calltally.engines.sql import Statement
from calltally.errors import InvalidRequest, Problem, Unavailable
from calltally.folder import DataFolder
from calltally.settings import Settings

__all__ = ["open_cluster", "prepare_cluster", "status_of_cluster"]

NAME = "ClickHouse"
DRIVER = "clickhouse_driver"  # its logger
UNHEARD = logging.NullHandler()  # added again it changes nothing


def open_cluster(folder: DataFolder, settings: Settings) -> ClickHouseEngine:
    """The engine of the cluster; nothing is asked of it yet."""
    servers, tables = _named(settings)
    return ClickHouseEngine(
        servers,
        tables,
        folder.staging,
        folder.spill,
        memory=settings.memory,
        most_spill=settings.spill,
        threads=settings.threads,
        turns=FleetTurns(settings.control_url) if is_shared(settings.control_url) else None,
    )


def prepare_cluster(settings: Settings) -> tuple[str, ...]:
    """What was done to make the cluster ready; nothing where it was."""
    servers, tables = _named(settings)
    try:
        return create_or_extend(servers, tables)
    finally:
        servers.close()


def status_of_cluster(settings: Settings) -> EngineStatus:
    """What each server of the cluster is and has."""
    servers, tables = _named(settings)
    try:
        return EngineStatus(NAME, tuple(_status(servers, server, tables) for server in servers.each()))
    finally:
        servers.close()


def _named(settings: Settings) -> tuple[DriverServers, Tables]:
    # Where no log is set up, as for commands, Python prints the driver's warnings, with tracebacks; a log has them.
    logging.getLogger(DRIVER).addHandler(UNHEARD)
    try:
        address = read_address(settings.engine)
        _require_certificates(address)
    except ValueError as error:
        raise InvalidRequest((Problem("environment", f"CALLTALLY_ENGINE: {error}"),)) from error
    return DriverServers(address, settings.report_seconds), Tables(address.database, address.cluster)


def _require_certificates(address: Address) -> None:
    """Raise ValueError if the file of those who sign certificates is none."""
    if address.ca is None:
        return
    try:
        ssl.create_default_context(cafile=address.ca)
    except OSError as error:
        raise ValueError(f"ca={address.ca} cannot be read as certificates: {error}") from error


def _status(servers: Servers, server: Server, tables: Tables) -> ServerStatus:
    silent = ServerStatus(server.name, server.shard, server.replica)
    try:
        with servers.session_with(server) as session:
            return _asked(session, tables, silent)
    except Unavailable as error:
        return replace(silent, problem=error.message)


def _asked(session: Session, tables: Tables, server: ServerStatus) -> ServerStatus:
    calls = tables.local_name("calls")
    [(version,)] = session.rows(Statement("SELECT version()"))
    [(rows, parts, size)] = session.rows(
        Statement(
            f"SELECT sumIf(rows, table = '{calls}'), countIf(table = '{calls}'), sum(bytes_on_disk) "
            "FROM system.parts WHERE active AND database = ?",
            (tables.database,),
        )
    )
    [(merges,)] = session.rows(Statement("SELECT count() FROM system.merges WHERE database = ?", (tables.database,)))
    [(waiting,)] = session.rows(
        Statement("SELECT sum(queue_size) FROM system.replicas WHERE database = ?", (tables.database,))
    )
    return replace(
        server, version=version, rows=rows, parts=parts, bytes=size, merges=merges, waiting=int(waiting or 0)
    )
