"""A client that asks one server over one connection that is kept open."""

import json
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection

from benchmarks.commands import Server

__all__ = ["CALLS", "JSON", "NDJSON", "REPORTS", "Client", "connected"]

CALLS = "/api/v1/calls"
REPORTS = "/api/v1/analytics/calls"
JSON, NDJSON = "application/json", "application/x-ndjson"
COUNT = "group_by=direction&metrics=count"
MOST_IDLE = 3.0  # seconds, after which a server may have closed a connection
FROM_COLUMNS = ';desc="columns"'
COLUMNS_SECONDS = 300.0  # until columns are there: kernels are compiled, and all calls read


class Client:
    """Asks and posts; whatever is not answered 200 is an error."""

    def __init__(self, connection: HTTPConnection, key: str) -> None:
        self._connection = connection
        self._headers = {"Authorization": f"Bearer {key}"}
        self._timing = ""  # of the last answer
        self._used_at = 0.0

    def get(self, path: str) -> bytes:
        """The body of an answer.

        Raises:
            RuntimeError: it is an error.
        """
        self._reconnect_if_idle()
        self._connection.request("GET", path, headers=self._headers)
        return self._body(path)

    def report(self, request: str) -> bytes:
        """The body of a report."""
        return self.get(f"{REPORTS}?{request}")

    def report_from_columns(self, request: str) -> bytes:
        """The body of a report.

        Raises:
            RuntimeError: it is an error, or did not come from columns in memory.
        """
        body = self.report(request)
        if not self.came_from_columns():
            raise RuntimeError(f"{request}: not from columns: {self._timing}")
        return body

    def came_from_columns(self) -> bool:
        """Whether the last answer did, by what the server says."""
        return FROM_COLUMNS in self._timing

    def wait_for_columns(self) -> None:
        """Ask until reports come from columns, another question each time, so that none is given again.

        Raises:
            RuntimeError: they do not for minutes.
        """
        deadline = time.monotonic() + COLUMNS_SECONDS
        limit = 0
        while not self.came_from_columns():
            if time.monotonic() > deadline:
                raise RuntimeError(f"no columns: {self._timing}")
            time.sleep(0.1)
            limit = limit % 1000 + 1
            self.report(f"{COUNT}&limit={limit}")

    def post(self, body: bytes) -> bytes:
        """The body of the answer to calls that are sent as JSON.

        Raises:
            RuntimeError: it is an error.
        """
        self._reconnect_if_idle()
        self._connection.request("POST", CALLS, body, {**self._headers, "Content-Type": JSON})
        return self._body(CALLS)

    def count(self) -> int:
        """How many calls the business has."""
        totals: dict[str, int] = json.loads(self.report(COUNT))["data"]["totals"]
        return totals["count"]

    def _reconnect_if_idle(self) -> None:
        if time.monotonic() > self._used_at + MOST_IDLE:
            self._connection.close()  # and the next request opens it

    def _body(self, path: str) -> bytes:
        response = self._connection.getresponse()
        body = response.read()
        self._used_at = time.monotonic()
        self._timing = response.headers.get("Server-Timing", "")
        if response.status != 200:
            raise RuntimeError(f"{path}: {response.status} {body.decode()}")
        return body


@contextmanager
def connected(server: Server, key: str) -> Iterator[Client]:
    """A client of a server for as long as the block runs."""
    with closing(HTTPConnection(server.host, server.port)) as connection:
        yield Client(connection, key)
