"""The engine of the process that owns the data folder, as other commands use it."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pyarrow as pa

from calltally import __version__
from calltally.engines.base import (
    Condition,
    Load,
    LoadSummary,
    Outcome,
    Page,
    Plan,
    Rows,
    Snapshot,
    Stop,
    StoreFacts,
    Unplaced,
)
from calltally.engines.erasure import Erasure
from calltally.engines.remote.frames import Connection, Frame, Lost
from calltally.engines.remote.plans import plain_plan, unpacked_rows
from calltally.engines.remote.sockets import connected
from calltally.engines.remote.wire import (
    UNPLACED_SCHEMA,
    packed,
    pieces,
    plain_conditions,
    plain_periods,
    read_error,
    unpacked,
)
from calltally.engines.rows import EXPORT_SCHEMA
from calltally.errors import FolderInUse, Unavailable
from calltally.folder import DataFolder
from calltally.localtime import Period

__all__ = ["RemoteEngine", "join"]

GREETING_SECONDS = 5.0
OVER_HTTP = "Reports and lists are answered by the process that holds the data folder, over HTTP"


def join(folder: DataFolder) -> "RemoteEngine | None":
    """The engine of the folder's owner; None: nobody answers there, or not yet.

    Raises:
        Unavailable: the owner is about to end, or serves too many already.
        FolderInUse: the owner is of another release.
        FolderUnusable: somebody who is not trusted answers.
    """
    session = str(uuid.uuid4())
    talk = _greeted(folder, session)
    if talk is None:
        return None
    talk.send({"do": "stay"})
    return RemoteEngine(folder, session, talk)


class RemoteEngine:
    """See `calltally.engines.base.Engine`. Each request has a connection of its own, and ends with it.

    `presence` is one more, on which nothing is asked: as long as it is there, the owner is, if it can help it.
    """

    def __init__(self, folder: DataFolder, session: str, presence: "_Talk") -> None:
        self._folder = folder
        self._session = session
        self._presence = presence

    def answer(self, plan: Plan, stop: Stop) -> Rows:
        with self._talk("answer", calls=plan.calls, plan=plain_plan(plan)) as talk:
            try:
                with stop.during(talk.break_off):
                    return unpacked_rows(talk.receive().body)
            except Unavailable:
                stop.check()  # the owner has not ended, it was left
                raise

    def page(self, page: Page, stop: Stop) -> pa.RecordBatch:  # noqa: ARG002
        raise Unavailable(OVER_HTTP)

    def version(self, calls: str) -> str:
        return str(self._asked("version", calls=calls))

    def known_version(self, calls: str) -> str | None:  # noqa: ARG002
        return None  # the owner has to be asked

    def answer_at_once(self, plan: Plan) -> Rows | None:  # noqa: ARG002
        return None  # it is across a wire

    @contextmanager
    def load(self, calls: str) -> Iterator[Load]:
        with self._talk("load", calls=calls) as talk:
            talk.answer()
            talk.loss = "before the calls were in; nothing was changed, run it again"
            load = RemoteLoad(talk)
            yield load
            load.leave()

    def apply(self, calls: str, deliveries: pa.RecordBatch) -> Sequence[Outcome]:
        with self._talk("apply", calls=calls) as talk:
            talk.loss = "while it put the calls in: all of them are in or none; send them again to be sure"
            talk.send({}, packed(deliveries))
            return [Outcome(value) for value in talk.answer()]

    def call(self, calls: str, call_id: str) -> pa.RecordBatch | None:
        with self._talk("call", calls=calls, call_id=call_id) as talk:
            frame = talk.receive()
            return talk.rows(frame, EXPORT_SCHEMA)[0] if frame.head["answer"] else None

    def delete(self, calls: str, call_id: str) -> bool:
        return bool(self._asked("delete", calls=calls, call_id=call_id))

    def erase(self, calls: str, *caller_numbers: str) -> int:
        return int(self._asked("erase", calls=calls, caller_numbers=caller_numbers))

    def erasure(self, calls: str) -> Erasure:
        with self._talk("erasure", calls=calls) as talk:
            frame = talk.receive()
            return Erasure(frame.head["answer"], frozenset(frame.body.decode().split()))

    @contextmanager
    def export(
        self,
        calls: str,
        conditions: tuple[Condition, ...],
        periods: tuple[Period, ...] | None,
        stop: Stop | None = None,
    ) -> Iterator[Iterator[pa.RecordBatch]]:
        asked = {"conditions": plain_conditions(conditions), "periods": plain_periods(periods)}
        with self._talk("export", calls=calls, **asked) as talk, (stop or Stop()).during(talk.break_off):
            yield talk.batches(EXPORT_SCHEMA)

    @contextmanager
    def snapshot(self, calls: str) -> Iterator[Snapshot | None]:
        with self._talk("snapshot", calls=calls) as talk:
            found = talk.answer()
            if found is None:
                yield None
            else:
                yield Snapshot(self._folder.staging / found["name"], StoreFacts(**found["facts"]))

    def check(self, calls: str) -> StoreFacts:
        return StoreFacts(**self._asked("check", calls=calls))

    def remove(self, calls: str) -> None:
        self._asked("remove", calls=calls)

    def ready(self) -> None:
        self._asked("ready")

    def close(self) -> None:
        self._presence.close()

    def _asked(self, action: str, **given: object) -> Any:
        with self._talk(action, **given) as talk:
            return talk.answer()

    @contextmanager
    def _talk(self, action: str, **given: object) -> Iterator["_Talk"]:
        talk = _greeted(self._folder, self._session)
        if talk is None:
            raise self._presence.ended()
        with closing(talk):
            talk.send({"do": action, **given})
            yield talk


class RemoteLoad:
    """See `calltally.engines.base.Load`."""

    def __init__(self, talk: "_Talk") -> None:
        self._talk = talk
        self._rest: Iterator[pa.RecordBatch] = iter(())

    def add(self, rows: pa.RecordBatch) -> None:
        for piece in pieces(rows):
            self._talk.send({}, packed(piece))

    def finish(self, *, dry_run: bool = False) -> LoadSummary:
        self._talk.loss = "while it put the calls in: all of them are in or none; run it again to be sure"
        self._talk.send({"finish": {"dry_run": dry_run}})
        found = LoadSummary(**self._talk.answer())
        self._rest = self._talk.batches(UNPLACED_SCHEMA)
        return found

    def unplaced(self) -> Iterator[Unplaced]:
        for batch in self._rest:
            yield from (Unplaced(**row) for row in batch.to_pylist())

    def leave(self) -> None:
        """Wait until the owner has tidied up, so that what follows is not slowed down by it."""
        with suppress(Unavailable):  # it ended: the calls are in, and whoever takes the folder next tidies up
            for _ in self._rest:
                pass

    def stop(self) -> None:
        self._talk.break_off()


class _Talk:
    """A connection on which the owner has greeted; its errors are raised here."""

    def __init__(self, connection: Connection, owner: int) -> None:
        self._connection = connection
        self._owner = owner
        self.loss = "before this was done; run it again"

    def send(self, head: Mapping[str, Any], body: Any = b"") -> None:
        """Send a frame; if it is not wanted any more, what is raised says why."""
        try:
            self._connection.send(head, body)
        except Lost:
            while True:  # the owner has said why before it went
                self.receive()

    def receive(self) -> Frame:
        """The next frame."""
        try:
            frame = self._connection.receive()
            if "error" in frame.head:
                raise read_error(frame.head)
        except Lost as lost:
            raise self.ended() from lost
        return frame

    def answer(self) -> Any:
        """What was asked for."""
        return self.receive().head.get("answer")

    def batches(self, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        """The rows that follow."""
        while "end" not in (frame := self.receive()).head:
            yield from self.rows(frame, schema)

    def rows(self, frame: Frame, schema: pa.Schema) -> list[pa.RecordBatch]:
        """The rows that a frame brings."""
        try:
            return unpacked(frame.body, schema)
        except Lost as lost:
            raise self.ended() from lost

    def ended(self) -> Unavailable:
        """What to raise as the owner is not there any more."""
        return Unavailable(f"The process that held the data folder (process {self._owner}) ended {self.loss}")

    def break_off(self) -> None:
        """Let whatever waits for the owner in another thread fail."""
        self._connection.break_off()

    def close(self) -> None:
        """Leave; what was begun and not ended is undone."""
        self._connection.close()


def _greeted(folder: DataFolder, session: str) -> _Talk | None:
    """A talk with the owner, who is of this release and ready for a request."""
    found = connected(folder.socket)
    if found is None:
        return None
    connection = Connection(found)
    with ExitStack() as unless_ready:
        unless_ready.callback(connection.close)
        try:
            connection.send({"calltally": __version__, "session": session})
            owner = _owner(folder.path, connection.receive(GREETING_SECONDS).head)
        except Lost:
            return None
        unless_ready.pop_all()
    return _Talk(connection, owner)


def _owner(path: Path, greeting: dict[str, Any]) -> int:
    """The process that greets."""
    match greeting:
        case {"calltally": release, "pid": int(pid)} if release != __version__:
            raise FolderInUse(
                f"The data folder {path} is in use by Calltally {release} (process {pid}), and this is Calltally "
                f"{__version__}; restart that one with this release first"
            )
        case {"error": _}:
            raise read_error(greeting)
        case {"pid": int(pid)}:
            return pid
    raise Lost("a greeting is none")
