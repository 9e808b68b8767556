"""Connections to the servers: taken and given back, with time limits, and the driver's errors as ours."""

import itertools
import logging
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Protocol

from clickhouse_driver import Client
from clickhouse_driver.errors import Error, ErrorCodes, NetworkError, ServerException, SocketTimeoutError

from calltally.engines.clickhouse.address import Address
from calltally.engines.clickhouse.spelling import bound
from calltally.engines.sql import Statement
from calltally.errors import FolderUnusable, StorageFull, Unavailable

__all__ = ["DriverServers", "Server", "Servers", "Session"]

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 2.0
SILENT_SECONDS = 5  # of a server that another one asks for its part
ANSWER_SECONDS = 10  # of the one that we ask, which says ten times a second that it is at work
UNHURRIED_SECONDS = 600  # of one that writes months anew, or reads all that a business has
TAKING_SECONDS = 90  # while rows are taken out: more than whoever takes them may pause, see `api.streams`
PROBE_SECONDS = 2.0  # of one that is asked whether it is there
INSERT_SECONDS = 30  # until rows are on the disks of all shards, of which nothing is said meanwhile
MOST_IDLE = 16  # connections
AVOIDED_SECONDS = 30.0  # a server that did not answer is not asked first
ROWS_AT_ONCE = 10_000

Host = tuple[str, int]

SETTINGS: Mapping[str, Any] = {
    "insert_distributed_sync": 1,  # an insert is done once each shard has its rows
    "insert_distributed_timeout": INSERT_SECONDS,
    "skip_unavailable_shards": 0,  # all of the calls or none
    "receive_timeout": SILENT_SECONDS,
    "send_timeout": SILENT_SECONDS,
    "connect_timeout_with_failover_ms": int(1000 * CONNECT_SECONDS),
    "connections_with_failover_max_tries": 1,
    "load_balancing": "in_order",  # everybody reads of the replica that took the writes, while it lives
    "prefer_localhost_replica": 0,
    "fallback_to_stale_replicas_for_distributed_queries": 0,
    "max_query_size": 8_000_000,
    "max_ast_elements": 1_000_000,
    "max_expanded_ast_elements": 1_000_000,
    "mutations_sync": 0,  # what is removed goes in the background
    "max_partitions_per_insert_block": 0,  # a file may have calls of many years
    "do_not_merge_across_partitions_select_final": 1,  # a call's row and what replaces it are of one month
}
# A condition that is looked at before rows are replaced would bring back those that were. New servers know that.
# For each column of each part there is a buffer, and an old server reads all months at once.
SETTINGS_OF_OLD = {"optimize_move_to_prewhere": 0, "max_read_buffer_size": 16_384}
# A write is with most replicas of a shard, of two with both, and a replica that has not all of them answers nothing.
SETTINGS_OF_REPLICAS = {
    "insert_quorum_parallel": 0,
    "insert_quorum_timeout": 1000 * INSERT_SECONDS,
    "select_sequential_consistency": 1,
}
KNOWS_FINAL = "optimize_move_to_prewhere_if_final"

MISSING = {
    ErrorCodes.SOCKET_TIMEOUT,
    ErrorCodes.NETWORK_ERROR,
    ErrorCodes.ALL_CONNECTION_TRIES_FAILED,
    ErrorCodes.ATTEMPT_TO_READ_AFTER_EOF,
    ErrorCodes.ALL_REPLICAS_ARE_STALE,
    ErrorCodes.DNS_ERROR,
}
BUSY = {
    ErrorCodes.TIMEOUT_EXCEEDED,
    ErrorCodes.MEMORY_LIMIT_EXCEEDED,
    ErrorCodes.TOO_MANY_SIMULTANEOUS_QUERIES,
    ErrorCodes.TABLE_IS_READ_ONLY,
    ErrorCodes.NO_ZOOKEEPER,
    ErrorCodes.TOO_LESS_LIVE_REPLICAS,
    ErrorCodes.UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE,
    ErrorCodes.REPLICA_IS_NOT_IN_QUORUM,
    ErrorCodes.UNKNOWN_STATUS_OF_INSERT,
    ErrorCodes.KEEPER_EXCEPTION,
    252,  # too many parts: merging does not keep up
    394,  # the query was cancelled
}
NO_TABLES = {
    ErrorCodes.UNKNOWN_TABLE,
    ErrorCodes.UNKNOWN_DATABASE,
    ErrorCodes.UNKNOWN_IDENTIFIER,
    ErrorCodes.NO_SUCH_COLUMN_IN_TABLE,
    ErrorCodes.THERE_IS_NO_COLUMN,
}
REFUSED = {ErrorCodes.UNKNOWN_USER, ErrorCodes.WRONG_PASSWORD, ErrorCodes.REQUIRED_PASSWORD, 497, 516}
NO_SPACE = {ErrorCodes.NOT_ENOUGH_SPACE}


@dataclass(frozen=True)
class Server:
    """A server, and which part of the calls it holds."""

    host: str
    port: int
    shard: int = 1
    replica: int = 1

    @property
    def name(self) -> str:
        """Host and port, as messages of servers name it."""
        return f"{self.host}:{self.port}"


class Session(Protocol):
    """What one thread at a time asks one server."""

    def rows(self, statement: Statement, *, unhurried: bool = False) -> list[tuple[Any, ...]]:
        """All rows of an answer; totals are the last one. Unhurried: it may take longer than a report."""

    def batches(self, statement: Statement) -> Iterator[list[tuple[Any, ...]]]:
        """The rows of an answer as they come, some at a time."""

    def insert(self, table: str, columns: Mapping[str, Sequence[Any]]) -> None:
        """Put rows into a table, given as columns; they are there when this returns."""

    def interrupt(self) -> None:
        """From another thread: end what runs, with an error."""


class Servers(Protocol):
    """The servers of a database, any of which can be asked about all of it."""

    def session(self) -> AbstractContextManager[Session]:
        """A session with one of them; errors of the driver leave it as ours."""

    def each(self) -> Sequence[Server]:
        """All of them."""

    def session_with(self, server: Server) -> AbstractContextManager[Session]:
        """A session with a certain one, for what concerns its own tables."""

    def close(self) -> None:
        """Let go of all connections."""


class DriverSession:
    """See `Session`."""

    def __init__(self, client: Client, seconds: float) -> None:
        self._client = client
        self._seconds = seconds
        self._patience = min(ANSWER_SECONDS, seconds / 3)  # so that a report can still be refused in time
        self.at: Host | None = None  # where it is, or was when the connection broke
        self._known: set[str] = set()
        self._settings: dict[str, Any] = {}

    def prepare(self) -> None:
        """Find out which settings the server knows: others it refuses."""
        found = self._client.execute("SELECT name FROM system.settings")
        self.at = (self._client.connection.host, self._client.connection.port)
        self._wait(self._patience)
        self._known = {name for (name,) in found}
        wanted = {**SETTINGS, **({} if KNOWS_FINAL in self._known else SETTINGS_OF_OLD)}
        self._settings = {name: value for name, value in wanted.items() if name in self._known}

    def replicated(self, replicas: int) -> None:
        """Know that each shard has so many replicas."""
        if replicas > 1:
            wanted = {**SETTINGS_OF_REPLICAS, "insert_quorum": replicas // 2 + 1}
            self._settings |= {name: value for name, value in wanted.items() if name in self._known}

    def rows(self, statement: Statement, *, unhurried: bool = False) -> list[tuple[Any, ...]]:
        sql, values = bound(statement)
        limit = UNHURRIED_SECONDS if unhurried else max(1, round(self._seconds))
        self._wait(UNHURRIED_SECONDS if unhurried else self._patience)
        settings = {**self._settings, "max_execution_time": limit}
        found: list[tuple[Any, ...]] = self._client.execute(sql, values, settings=settings)
        return found

    def batches(self, statement: Statement) -> Iterator[list[tuple[Any, ...]]]:
        sql, values = bound(statement)
        self._wait(self._patience)
        # Whoever takes the rows may be slow, and then the servers wait to send more: an old one no longer than twice
        # the time that it would wait for other servers.
        patient = {"receive_timeout": TAKING_SECONDS, "send_timeout": TAKING_SECONDS}
        settings = {**self._settings, **patient, "max_block_size": ROWS_AT_ONCE}
        found = self._client.execute_iter(sql, values, settings=settings, chunk_size=ROWS_AT_ONCE)
        with closing(found):
            yield from found

    def insert(self, table: str, columns: Mapping[str, Sequence[Any]]) -> None:
        sql = f"INSERT INTO {table} ({', '.join(columns)}) VALUES"
        settings = {**self._settings, "receive_timeout": INSERT_SECONDS, "send_timeout": INSERT_SECONDS}
        self._wait(INSERT_SECONDS)
        self._client.execute(sql, list(columns.values()), columnar=True, settings=settings)

    def interrupt(self) -> None:
        connected: socket.socket | None = self._client.connection.socket
        if connected is not None:
            with suppress(OSError):  # it is closed already
                connected.shutdown(socket.SHUT_RDWR)

    def is_alive(self) -> bool:
        """Whether the server still answers."""
        return bool(self._client.connection.ping())

    def close(self) -> None:
        """Let go of the connection."""
        with suppress(OSError):
            self._client.disconnect()

    def _wait(self, seconds: float) -> None:
        """From now on wait so long for the server to say something."""
        if self._client.connection.socket is not None:
            self._client.connection.socket.settimeout(seconds)


class DriverServers:
    """See `Servers`: those that an address names, by the native protocol. Safe for threads.

    `seconds` is the time limit of a query.
    """

    def __init__(self, address: Address, seconds: float) -> None:
        self._address = address
        self._seconds = seconds
        self._idle: list[DriverSession] = []
        self._silent: dict[Host, float] = {}  # when a host did not answer
        self._absent: tuple[int, ...] = ()  # shards of which no server answered when that was last looked at
        self._probed_at = 0.0
        self._probing = threading.Lock()
        self._each: tuple[Server, ...] = ()
        self._turn = itertools.count()
        self._lock = threading.Lock()
        self._closed = False

    @contextmanager
    def session(self) -> Iterator[Session]:
        if self._absent:
            self._look_for_absent()
        session = self._taken()
        try:
            if session is None:
                session = self._opened(self._hosts())
            if not self._each:
                self._each = self._found(session)
            session.replicated(max(server.replica for server in self._each))
            yield session
        except BaseException as error:
            if session:
                session.close()
            self._tell(error, session.at if session else None)
            raise
        self._give_back(session)

    def each(self) -> Sequence[Server]:
        with self.session():
            return self._each

    @contextmanager
    def session_with(self, server: Server) -> Iterator[Session]:
        session = None
        try:
            session = self._opened([(server.host, server.port)])
            yield session
        except BaseException as error:
            self._tell(error, (server.host, server.port))
            raise
        finally:
            if session:
                session.close()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for session in idle:
            session.close()

    def _taken(self) -> DriverSession | None:
        """A session of earlier that is still of use, if there is one."""
        while True:
            with self._lock:
                if not self._idle:
                    return None
                session = self._idle.pop()
            if session.is_alive():
                return session
            session.close()
            if session.at:
                self._silent[session.at] = time.monotonic()

    def _hosts(self) -> list[Host]:
        """The hosts in the order in which to try them: another one first each time, last those that were silent."""
        hosts = self._address.hosts
        first = next(self._turn) % len(hosts)
        since = time.monotonic() - AVOIDED_SECONDS
        return sorted([*hosts[first:], *hosts[:first]], key=lambda host: self._silent.get(host, since) > since)

    def _opened(self, hosts: Sequence[Host]) -> DriverSession:
        session = DriverSession(self._client(hosts, SILENT_SECONDS), self._seconds)
        try:
            session.prepare()
        except BaseException:
            session.close()
            raise
        return session

    def _client(self, hosts: Sequence[Host], seconds: float) -> Client:
        """A client that asks the first of the hosts that answers."""
        (host, port), *others = hosts
        return Client(
            host,
            port=port,
            alt_hosts=",".join(f"[{name}]:{number}" if ":" in name else f"{name}:{number}" for name, number in others),
            user=self._address.user,
            password=self._address.password,
            secure=self._address.secure,
            verify=self._address.verify,
            ca_certs=self._address.ca,
            client_name="calltally",
            connect_timeout=CONNECT_SECONDS,
            send_receive_timeout=seconds,
            sync_request_timeout=PROBE_SECONDS,
            settings_is_important=True,
            disable_reconnect=True,  # elsewhere rather than to a server that has just been silent
        )

    def _found(self, session: DriverSession) -> tuple[Server, ...]:
        """The servers of the cluster, as its own configuration has them."""
        if self._address.cluster is None:
            return tuple(Server(host, port) for host, port in self._address.hosts[:1])
        found = session.rows(
            Statement(
                "SELECT host_name, port, shard_num, replica_num FROM system.clusters WHERE cluster = ? "
                "ORDER BY shard_num, replica_num",
                (self._address.cluster,),
            )
        )
        if not found:
            raise FolderUnusable(f"The servers of the database know no cluster '{self._address.cluster}'")
        return tuple(Server(*row) for row in found)

    def _give_back(self, session: DriverSession) -> None:
        with self._lock:
            if not self._closed and len(self._idle) < MOST_IDLE:
                self._idle.append(session)
                return
        session.close()

    def _tell(self, error: BaseException, at: Host | None) -> None:
        """Raise an error of the driver as one of ours; any other is left as it is."""
        if isinstance(error, (SocketTimeoutError, NetworkError, EOFError, OSError)):
            logger.warning("no answer from %s: %s", at or "any server of the database", error)
            if at is not None:
                self._silent[at] = time.monotonic()
            raise self._missing() from error
        if isinstance(error, ServerException):
            raise self._translated(error) from error
        if isinstance(error, Error):
            logger.warning("the database cannot be understood: %s", error)
            raise Unavailable("The connection to the database has broken", 5) from error

    def _translated(self, error: ServerException) -> Exception:
        said = str(error.message).partition("Stack trace")[0].strip()
        code = int(error.code)
        if code in MISSING or "Timeout exceeded while reading" in said or "Connection refused" in said:
            logger.warning("part of the database is missing: %s", said)
            return self._missing()
        if code in BUSY:
            logger.warning("the database cannot do it now: %s", said)
            return Unavailable("The database cannot do this now: it is out of time, memory or turns", 5)
        if code in NO_SPACE:
            return StorageFull("There is no room left on the disks of the database; make some and send it again")
        if code in NO_TABLES:
            return FolderUnusable(f"The tables are not those of this release; run `calltally engine init` ({said})")
        if code in REFUSED:
            logger.warning("the database refuses us: %s", said)
            return Unavailable("The database does not let this server in; its log says why", 60)
        unexpected: Exception = error
        return unexpected

    def _missing(self) -> Unavailable:
        """What is said when a server did not answer, or one that it asked: which part of the calls is missing."""
        self._probe()
        return self._told()

    def _told(self) -> Unavailable:
        shards = " and ".join(map(str, self._absent))
        total = len({server.shard for server in self._each})
        match len(self._absent):
            case 0:
                said = f"{'Part of the' if self._each else 'The'} database does not answer"
            case 1:
                said = f"Shard {shards} of {total} of the database does not answer"
            case _:
                said = f"Shards {shards} of {total} of the database do not answer"
        return Unavailable(said, 5)

    def _look_for_absent(self) -> None:
        """Raise Unavailable if part of the calls is still missing: sooner than a server would notice that."""
        asked_at = time.monotonic()
        with self._probing:
            if self._probed_at < asked_at:
                self._probe()
        if self._absent:
            raise self._told()

    def _probe(self) -> None:
        """Find out of which shards no server answers."""
        if not self._each:
            return
        with ThreadPoolExecutor(len(self._each), "probe") as threads:
            answers = dict(zip(self._each, threads.map(self._answers, self._each), strict=True))
        there = {server.shard for server, answer in answers.items() if answer}
        self._absent = tuple(sorted({server.shard for server in self._each} - there))
        self._probed_at = time.monotonic()

    def _answers(self, server: Server) -> bool:
        client = self._client([(server.host, server.port)], PROBE_SECONDS)
        try:
            client.execute("SELECT 1")
        except ServerException:  # it refuses, so it is there
            return True
        except (Error, EOFError, OSError):
            return False
        finally:
            client.disconnect()
        return True
