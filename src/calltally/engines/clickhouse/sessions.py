"""What one thread asks one server: settings, time limits, rows and inserts."""

import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from typing import Any, Protocol

from clickhouse_driver import Client

from calltally.engines.clickhouse.spelling import bound
from calltally.engines.sql import Statement

__all__ = ["CONNECT_SECONDS", "SILENT_SECONDS", "DriverSession", "Host", "Session"]

CONNECT_SECONDS = 2.0
SILENT_SECONDS = 5  # of a server that another one asks for its part
ANSWER_SECONDS = 10  # of the one that we ask, which says ten times a second that it is at work
UNHURRIED_SECONDS = 600  # of one that writes months anew, or reads all that a business has
TAKING_SECONDS = 90  # while rows are taken out: more than whoever takes them may pause, see `api.streams`
INSERT_SECONDS = 30  # until rows are on the disks of all shards, of which nothing is said meanwhile
ROWS_AT_ONCE = 10_000

Host = tuple[str, int]

# Whatever the servers' own profile says, an answer has all of its rows, and no others: a part of the calls is never
# taken for all of them. Every version knows these, so that they can be asked for before it is known which it is.
COMPLETE_SETTINGS: Mapping[str, Any] = {
    "extremes": 0,
    "max_rows_to_read": 0,
    "max_bytes_to_read": 0,
    "max_result_rows": 0,
    "max_result_bytes": 0,
    "read_overflow_mode": "throw",
    "result_overflow_mode": "throw",
    "timeout_overflow_mode": "throw",
}
SETTINGS: Mapping[str, Any] = {
    **COMPLETE_SETTINGS,
    "read_overflow_mode_leaf": "throw",
    "timeout_overflow_mode_leaf": "throw",
    "group_by_overflow_mode": "throw",
    "sort_overflow_mode": "throw",
    "distinct_overflow_mode": "throw",
    "set_overflow_mode": "throw",
    "join_overflow_mode": "throw",
    "transfer_overflow_mode": "throw",
    "distributed_group_by_no_merge": 0,
    "insert_distributed_sync": 1,  # an insert is done once each shard has its rows
    "insert_distributed_timeout": INSERT_SECONDS,
    "insert_deduplicate": 0,  # else what was removed and comes once more, as in a second move, is taken to be there
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
# A write is with most replicas of a shard, of two with both.
SETTINGS_OF_REPLICAS = {"insert_quorum_parallel": 0, "insert_quorum_timeout": 1000 * INSERT_SECONDS}
# A replica that has not all writes answers nothing.
WHOLE_SETTINGS = {"select_sequential_consistency": 1}
# While a replica may be silent: a server that has calls itself asks no other one for them, as long as it has them all.
CAREFUL_SETTINGS = {"prefer_localhost_replica": 1}
KNOWS_FINAL = "optimize_move_to_prewhere_if_final"


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


class DriverSession:
    """See `Session`."""

    def __init__(self, client: Client, seconds: float) -> None:
        self._client = client
        self._seconds = seconds
        self._patience = float(SILENT_SECONDS)
        self.at: Host | None = None  # where it is, or was when the connection broke
        self.was_interrupted = False
        self._known: set[str] = set()
        self._given: dict[str, Any] = {}
        self._settings: dict[str, Any] = {}

    def prepare(self) -> None:
        """Find out which settings the server knows: others it refuses."""
        found = self._client.execute("SELECT name FROM system.settings", settings=COMPLETE_SETTINGS)
        self.at = (self._client.connection.host, self._client.connection.port)
        self._wait(self._patience)
        self._known = {name for (name,) in found}
        wanted = {**SETTINGS, **({} if KNOWS_FINAL in self._known else SETTINGS_OF_OLD)}
        self._given = {name: value for name, value in wanted.items() if name in self._known}
        self.begin(1)

    def begin(self, replicas: int, *, careful: bool = False, whole: bool = True) -> None:
        """Know how many replicas each shard has, and whether one may be silent, so that others take longer.

        What is read is whole, or else what the server itself has so far.
        """
        wanted: dict[str, Any] = {}
        if replicas > 1:
            wanted = {**SETTINGS_OF_REPLICAS, "insert_quorum": replicas // 2 + 1, **(WHOLE_SETTINGS if whole else {})}
        wanted |= CAREFUL_SETTINGS if careful else {}
        self._settings = self._given | {name: value for name, value in wanted.items() if name in self._known}
        self._patience = min(ANSWER_SECONDS, self._seconds / 3)  # so that a report can still be refused in time
        if careful:
            self._patience *= 1.5

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
            try:
                yield from found
            except GeneratorExit:
                self._client.disconnect()  # rather than wait for the rest, as whatever is asked next would have to
                raise

    def insert(self, table: str, columns: Mapping[str, Sequence[Any]]) -> None:
        sql = f"INSERT INTO {table} ({', '.join(columns)}) VALUES"
        settings = {**self._settings, "receive_timeout": INSERT_SECONDS, "send_timeout": INSERT_SECONDS}
        self._wait(INSERT_SECONDS)
        self._client.execute(sql, list(columns.values()), columnar=True, settings=settings)

    def interrupt(self) -> None:
        self.was_interrupted = True
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
