"""ClickHouse of the newest version: a library (chDB), in a process of its own that is given statements, a line each."""

import json
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
from clickhouse_driver.util.escape import escape_params

from calltally.engines.clickhouse import Server
from calltally.engines.clickhouse.sessions import SETTINGS
from calltally.engines.clickhouse.spelling import bound
from calltally.engines.sql import Statement
from calltally.errors import Unavailable

__all__ = ["ChdbServers"]

CHILD = Path(__file__).with_name("library_child.py")


class ChdbServers:
    """See `calltally.engines.clickhouse.Servers`: one server; its tables stay in the folder, or end with it."""

    def __init__(self, folder: Path | None = None) -> None:
        self._child = subprocess.Popen(
            [sys.executable, "-P", str(CHILD), *([str(folder)] if folder else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._lock = threading.Lock()
        known = {name for (name,) in self.rows(Statement("SELECT name FROM system.settings"))}
        for name, value in SETTINGS.items():
            if name in known:
                self._asked(f"SET {name} = '{value}'")

    @property
    def pid(self) -> int:
        """The process that has the database."""
        return self._child.pid

    @contextmanager
    def session(self) -> Iterator["ChdbServers"]:
        yield self

    def asked(self, work: Callable[["ChdbServers"], Any]) -> Any:
        return work(self)

    def each(self) -> Sequence[Server]:
        return (Server("this process", 0),)

    @contextmanager
    def session_with(self, server: Server) -> Iterator["ChdbServers"]:
        yield self

    def rows(self, statement: Statement, *, unhurried: bool = False) -> list[tuple[Any, ...]]:
        sql, values = bound(statement)
        answer = self._asked(sql % escape_params(values, None))
        if not answer:
            return []
        if not answer.startswith("{"):  # which is how it writes totals of nothing: before the rest
            found = re.search(r'"totals": (\[.*?\])\{', answer)
            assert found, answer
            return [tuple(json.loads(found[1]))]
        read = json.loads(answer)
        return [tuple(row) for row in [*read["data"], *([read["totals"]] if "totals" in read else [])]]

    def batches(self, statement: Statement) -> Iterator[list[tuple[Any, ...]]]:
        rows = self.rows(statement)
        return (rows[first : first + 1000] for first in range(0, len(rows), 1000))

    def insert(self, table: str, columns: Mapping[str, Sequence[Any]]) -> None:
        rows = b"\n".join(orjson.dumps(row) for row in zip(*columns.values(), strict=True)).decode()
        self._asked(f"INSERT INTO {table} ({', '.join(columns)}) FORMAT JSONCompactEachRow\n{rows}")

    def interrupt(self) -> None:
        """It cannot be interrupted."""

    def close(self) -> None:
        assert self._child.stdin
        assert self._child.stdout
        self._child.stdin.close()
        self._child.wait()
        self._child.stdout.close()

    def _asked(self, sql: str) -> str:
        assert self._child.stdin
        assert self._child.stdout
        with self._lock:
            self._child.stdin.write(orjson.dumps(sql) + b"\n")
            self._child.stdin.flush()
            kind, text = orjson.loads(self._child.stdout.readline())
        if kind == "error":
            raise Unavailable(text)
        return str(text)
