"""A client that asks one server over one connection that is kept open."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection

from benchmarks.commands import Server

__all__ = ["CALLS", "JSON", "NDJSON", "Client", "connected"]

CALLS = "/api/v1/calls"
JSON, NDJSON = "application/json", "application/x-ndjson"
COUNT = "group_by=direction&metrics=count"


class Client:
    """Asks and posts; whatever is not answered 200 is an error."""

    def __init__(self, connection: HTTPConnection, key: str) -> None:
        self._connection = connection
        self._headers = {"Authorization": f"Bearer {key}"}

    def get(self, path: str) -> bytes:
        """The body of an answer.

        Raises:
            RuntimeError: it is an error.
        """
        self._connection.request("GET", path, headers=self._headers)
        return self._body(path)

    def report(self, request: str) -> bytes:
        """The body of a report."""
        return self.get(f"/api/v1/analytics/calls?{request}")

    def post(self, body: bytes) -> bytes:
        """The body of the answer to calls that are sent as JSON.

        Raises:
            RuntimeError: it is an error.
        """
        self._connection.request("POST", CALLS, body, {**self._headers, "Content-Type": JSON})
        return self._body(CALLS)

    def count(self) -> int:
        """How many calls the business has."""
        totals: dict[str, int] = json.loads(self.report(COUNT))["data"]["totals"]
        return totals["count"]

    def _body(self, path: str) -> bytes:
        response = self._connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise RuntimeError(f"{path}: {response.status} {body.decode()}")
        return body


@contextmanager
def connected(server: Server, key: str) -> Iterator[Client]:
    """A client of a server for as long as the block runs."""
    with closing(HTTPConnection(server.host, server.port)) as connection:
        yield Client(connection, key)
