"""Connections to the servers: taken and given back, and who is missing when one does not answer."""

import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol, TypeVar

from clickhouse_driver.errors import Error, NetworkError, ServerException, SocketTimeoutError

from calltally.engines.clickhouse.address import Address
from calltally.engines.clickhouse.failures import distrust, is_missing, refusal, said
from calltally.engines.clickhouse.sessions import (
    CONNECT_SECONDS,
    SILENT_SECONDS,
    DriverSession,
    Host,
    Session,
    SpeakingClient,
)
from calltally.engines.sql import Statement
from calltally.errors import FolderUnusable, Unavailable

__all__ = ["DriverServers", "Server", "Servers"]

logger = logging.getLogger(__name__)

PROBE_SECONDS = 2.0  # of one that is asked whether it is there
MOST_IDLE = 16  # connections
AVOIDED_SECONDS = 30.0  # a server that did not answer is not asked first

Found = TypeVar("Found")


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


class Servers(Protocol):
    """The servers of a database, any of which can be asked about all of it."""

    def asked(self, work: Callable[[Session], Found]) -> Found:
        """What work that changes nothing finds; if its server is lost on the way, what it finds with another one."""

    def session(self) -> AbstractContextManager[Session]:
        """A session with one of them; errors of the driver leave it as ours."""

    def each(self) -> Sequence[Server]:
        """All of them."""

    def session_with(self, server: Server) -> AbstractContextManager[Session]:
        """A session with a certain one, for what concerns its own tables."""

    def close(self) -> None:
        """Let go of all connections."""


class Lost(Exception):
    """A server did not answer on the way, though all parts of the calls are there; never leaves this module."""


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
        if self._absent:
            self._look_for_absent()
        session = self._taken()
        try:
            if session is None:
                session = self._opened(self._hosts())
            if not self._each:
                self._each = self._found(session)
            session.begin(max(server.replica for server in self._each), careful=again or self._any_silent())
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
                self._silent[session.at] = time.monotonic()
                self._let_go_of(session.at)

    def _let_go_of(self, host: Host) -> None:
        """Close what sessions of earlier there are with a host, rather than wait for each."""
        with self._lock:
            lost = [session for session in self._idle if session.at == host]
            self._idle = [session for session in self._idle if session.at != host]
        for session in lost:
            session.close()

    def _any_silent(self) -> bool:
        """Whether some server did not answer a while ago, which others may still be waiting for."""
        since = time.monotonic() - AVOIDED_SECONDS
        return any(at > since for at in list(self._silent.values()))

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

    def _client(self, hosts: Sequence[Host], seconds: float) -> SpeakingClient:
        """A client that asks the first of the hosts that answers."""
        (host, port), *others = hosts
        return SpeakingClient(
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
        if distrusted := distrust(error):
            logger.warning("not trusted: %s", distrusted.message)
            raise distrusted from error
        if isinstance(error, (SocketTimeoutError, NetworkError, EOFError, OSError)):
            logger.warning("no answer from %s: %s", at or "any server of the database", error)
            if at is not None:
                self._silent[at] = time.monotonic()
            raise self._missing() from error
        if isinstance(error, ServerException):
            if is_missing(error):
                logger.warning("part of the database is missing: %s", said(error))
                raise self._missing() from error
            if refused := refusal(error):
                raise refused from error
        if isinstance(error, Error):
            logger.warning("the database cannot be understood: %s", error)
            raise Unavailable("The connection to the database has broken", 5) from error

    def _missing(self) -> Exception:
        """What is raised when a server did not answer, or one that it asked: which part of the calls is missing."""
        self._probe()
        return Lost() if self._each and not self._absent else self._told()

    def _told(self) -> Unavailable:
        shards = " and ".join(map(str, self._absent))
        total = len({server.shard for server in self._each})
        match len(self._absent):
            case 0:
                message = "The database does not answer"
            case 1:
                message = f"Shard {shards} of {total} of the database does not answer"
            case _:
                message = f"Shards {shards} of {total} of the database do not answer"
        return Unavailable(message, 5)

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
        self._silent |= {(each.host, each.port): time.monotonic() for each, answer in answers.items() if not answer}
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
