"""Connections to the servers: taken and given back, and what becomes of an error on one."""

import itertools
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from clickhouse_driver.errors import Error, NetworkError, ServerException, SocketTimeoutError

from calltally.engines.clickhouse.address import Address
from calltally.engines.clickhouse.clients import PROBE_SECONDS, made_client
from calltally.engines.clickhouse.failures import broken, distrust, is_missing, refusal, said
from calltally.engines.clickhouse.servers import Server
from calltally.engines.clickhouse.sessions import SILENT_SECONDS, DriverSession, Host, Session
from calltally.engines.clickhouse.silence import Silence
from calltally.engines.sql import Statement
from calltally.errors import FolderUnusable, Unavailable

__all__ = ["DriverServers"]

logger = logging.getLogger(__name__)

MOST_IDLE = 16  # connections

Found = TypeVar("Found")


class Lost(Exception):
    """A server did not answer on the way, though all parts of the calls are there; never leaves this module."""


class DriverServers:
    """See `calltally.engines.clickhouse.servers.Servers`: those that an address names, by the native protocol.

    Safe for threads. `seconds` is the time limit of a query.
    """

    def __init__(self, address: Address, seconds: float) -> None:
        self._address = address
        self._seconds = seconds
        self._idle: list[DriverSession] = []
        self._silence = Silence(self._answers)
        self._each: tuple[Server, ...] = ()
        self._turn = itertools.count()
        self._lock = threading.Lock()
        self._closed = False

    def asked(self, work: Callable[[Session], Found]) -> Found:
        try:
            with self._session() as session:
                return work(session)
        except Lost as lost:
            logger.warning("asked again: %s", lost.__cause__)
        with self.session(again=True) as session:
            return work(session)

    @contextmanager
    def session(self, *, again: bool = False) -> Iterator[Session]:
        try:
            with self._session(again=again) as session:
                yield session
        except Lost as lost:
            raise Unavailable("Part of the database does not answer", 5) from lost.__cause__

    def each(self) -> Sequence[Server]:
        with self.session():
            return self._each

    @contextmanager
    def session_with(self, server: Server) -> Iterator[Session]:
        session = None
        try:
            session = self._opened([(server.host, server.port)])
            session.begin(max((each.replica for each in self._each), default=1), whole=False)
            yield session
        except BaseException as error:
            try:
                self._tell(error, (server.host, server.port))
            except Lost as lost:
                raise Unavailable(f"{server.name} does not answer", 5) from lost.__cause__
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

    @contextmanager
    def _session(self, *, again: bool = False) -> Iterator[Session]:
        """A session with any of the servers, for what is asked for the first time or again.

        Raises:
            Lost: it broke off, and all parts of the calls are there.
        """
        if self._silence.is_partial:
            self._silence.require_whole(self._each)
        session = self._taken()
        try:
            if session is None:
                session = self._opened(self._hosts())
            if not self._each:
                self._each = self._found(session)
            session.begin(max(server.replica for server in self._each), careful=again or self._silence.is_recent)
            yield session
        except BaseException as error:
            if session:
                session.close()
            if session and session.was_interrupted:
                raise Unavailable("This was stopped before it was done") from error
            self._tell(error, session.at if session else None)
            raise
        if session.was_interrupted:  # after its last word
            session.close()
        else:
            self._give_back(session)

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
                self._silence.note(session.at)
                self._let_go_of(session.at)

    def _let_go_of(self, host: Host) -> None:
        """Close what sessions of earlier there are with a host, rather than wait for each."""
        with self._lock:
            lost = [session for session in self._idle if session.at == host]
            self._idle = [session for session in self._idle if session.at != host]
        for session in lost:
            session.close()

    def _hosts(self) -> list[Host]:
        """The hosts in the order in which to try them: another one first each time, last those that were silent."""
        hosts = self._address.hosts
        first = next(self._turn) % len(hosts)
        return self._silence.last([*hosts[first:], *hosts[:first]])

    def _opened(self, hosts: Sequence[Host]) -> DriverSession:
        session = DriverSession(made_client(self._address, hosts, SILENT_SECONDS), self._seconds)
        try:
            session.prepare()
        except BaseException:
            session.close()
            raise
        return session

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
        """Raise an error of the driver or of a server as one of ours; any other is left as it is, a defect too."""
        if distrusted := distrust(error):
            logger.warning("not trusted: %s", distrusted.message)
            raise distrusted from error
        if isinstance(error, (SocketTimeoutError, NetworkError, EOFError, OSError)):
            logger.warning("no answer from %s: %s", at or "any server of the database", error)
            if at is not None:
                self._silence.note(at)
            raise self._missing() from error
        if isinstance(error, ServerException):
            if is_missing(error):
                logger.warning("part of the database is missing: %s", said(error))
                raise self._missing() from error
            if refused := refusal(error):
                raise refused from error
        elif isinstance(error, Error):
            raise broken(error) from error

    def _missing(self) -> Exception:
        """What is raised when a server did not answer, or one that it asked: which part of the calls is missing."""
        self._silence.probe(self._each)
        return Lost() if self._each and not self._silence.is_partial else self._silence.told()

    def _answers(self, server: Server) -> bool:
        client = made_client(self._address, [(server.host, server.port)], PROBE_SECONDS)
        try:
            client.execute("SELECT 1")
        except ServerException:  # it refuses, so it is there
            return True
        except (Error, EOFError, OSError):
            return False
        finally:
            client.disconnect()
        return True
