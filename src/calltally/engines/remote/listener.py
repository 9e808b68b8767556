"""The owner's side: an engine served on the folder's socket to other processes, a thread for each connection."""

import logging
import os
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress

from calltally import __version__
from calltally.engines.base import Engine
from calltally.engines.remote.actions import act
from calltally.engines.remote.frames import Connection, Frame, Lost
from calltally.engines.remote.sockets import bound, trusted
from calltally.engines.remote.wire import plain_error
from calltally.errors import CalltallyError, Unavailable
from calltally.folder import DataFolder

__all__ = ["Listener"]

logger = logging.getLogger(__name__)

MOST_SESSIONS = 30  # commands that are served at once
MOST_CONNECTIONS = 120  # of all of them together
GREETING_SECONDS = 5.0
HURRY_SECONDS = 2.0
LEAVING = "The process that holds the data folder is about to end"
FULL = "Too many commands use the data folder at once"
FAILED = "This failed in the process that holds the data folder, whose log says how"
STOPPED = "The process that held the data folder was stopped before this was done; run it again"


class Listener:
    """Other processes of this user have the engine as theirs (`RemoteEngine`) while this is open.

    What a connection has begun ends with it. A session is all the connections of one command.
    """

    def __init__(self, engine: Engine, folder: DataFolder) -> None:
        """Listen.

        Raises:
            OSError: there can be no socket in this folder.
        """
        self._engine = engine
        self._path = folder.socket
        self._sessions: dict[Connection, str] = {}
        self._changed = threading.Condition()
        self._leaving = self._stopping = False
        self._socket = bound(self._path)
        self._threads = ThreadPoolExecutor(MOST_CONNECTIONS, "remote")
        self._accepting = threading.Thread(target=self._accept, name="listener", daemon=True)
        self._accepting.start()

    def leave(self) -> None:
        """Let in no sessions but those that are there."""
        with self._changed:
            self._leaving = True

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until all sessions have ended, for as long as it takes unless told; whether they have."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._sessions, seconds)

    def close(self, seconds: float) -> None:
        """End all sessions: what is at work gets some seconds to be done, what waits for its client none."""
        self.leave()
        self._stopping = True
        for end, patience in (
            (Connection.read_no_more, seconds),
            (Connection.give_up, HURRY_SECONDS),
            (Connection.break_off, 0.0),
        ):
            with self._changed:
                for connection in self._sessions:
                    end(connection)
            self.wait(patience)
        with suppress(OSError):  # some systems do not shut what only listens
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._accepting.join(HURRY_SECONDS)
        self._path.unlink(missing_ok=True)
        self._threads.shutdown(wait=False)

    def _accept(self) -> None:
        while True:
            try:
                accepted, _ = self._socket.accept()
                self._threads.submit(self._serve, accepted).add_done_callback(_log_defect)
            except (OSError, RuntimeError) as error:
                if self._stopping:
                    return
                logger.warning("cannot accept another command: %s", error)
                time.sleep(1)

    def _serve(self, accepted: socket.socket) -> None:
        with closing(Connection(accepted)) as connection:
            try:
                if trusted(accepted, self._path.parent) and (session := self._greeted(connection)):
                    self._admit(connection, session)
            except Lost as lost:
                logger.debug("a connection ended: %s", lost)

    def _greeted(self, connection: Connection) -> str | None:
        """The session that a connection belongs to; None: it is of another release, and told so."""
        match connection.receive(GREETING_SECONDS):
            case Frame({"calltally": str(release), "session": str(session)}):
                if release == __version__:
                    return session
                connection.send({"calltally": __version__, "pid": os.getpid()})
                return None
        raise Lost("a greeting is none")

    def _admit(self, connection: Connection, session: str) -> None:
        try:
            with self._present(connection, session):
                connection.send({"calltally": __version__, "pid": os.getpid()})
                self._act(connection, connection.receive(GREETING_SECONDS))
        except Unavailable as refused:
            connection.send({"calltally": __version__, "pid": os.getpid(), **plain_error(refused)})

    @contextmanager
    def _present(self, connection: Connection, session: str) -> Iterator[None]:
        """Count the connection as one of its session.

        Raises:
            Unavailable: there is no place for it.
        """
        with self._changed:
            self._check_place(session)
            self._sessions[connection] = session
        try:
            yield
        finally:
            with self._changed:
                del self._sessions[connection]
                self._changed.notify_all()

    def _check_place(self, session: str) -> None:
        sessions = set(self._sessions.values())
        newcomer = session not in sessions
        if self._stopping or (self._leaving and newcomer):
            raise Unavailable(LEAVING)
        if len(self._sessions) >= MOST_CONNECTIONS or (newcomer and len(sessions) >= MOST_SESSIONS):
            raise Unavailable(FULL)

    def _act(self, connection: Connection, frame: Frame) -> None:
        """Do what a frame asks; what goes wrong is told to the one who asked."""
        try:
            act(self._engine, connection, frame.head)
        except CalltallyError as error:
            connection.send(plain_error(error))
        except OSError as error:
            connection.send(plain_error(CalltallyError(f"{error.strerror or error}: {error.filename}")))
        except Lost:
            if self._stopping:
                connection.send(plain_error(Unavailable(STOPPED)))
            raise
        # A defect, whatever it is: without a word the other process would be told that this one has ended. It is raised
        # again, for the log, also where nobody is left to be told.
        except Exception:
            with suppress(Lost):
                connection.send(plain_error(CalltallyError(FAILED)))
            raise


def _log_defect(served: "Future[None]") -> None:
    if error := served.exception():
        logger.error("a request of another process failed", exc_info=error)
