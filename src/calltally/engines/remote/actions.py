"""What an owner's engine does for another process, one action a connection."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

import pyarrow as pa

from calltally.engines.base import Engine, Load, Stop
from calltally.engines.remote.frames import Connection, Lost
from calltally.engines.remote.plans import packed_rows, read_plan
from calltally.engines.remote.wire import (
    UNPLACED_SCHEMA,
    packed,
    pieces,
    read_conditions,
    read_periods,
    unpacked,
)
from calltally.engines.rows import DELIVERY_SCHEMA, ROW_SCHEMA

__all__ = ["act"]

STORE = re.compile(r"[0-9A-Za-z-]+\.[0-9]+")
WATCH_SECONDS = 0.1
UNPLACED_AT_ONCE = 1000

Asked = dict[str, Any]


def act(engine: Engine, connection: Connection, asked: Asked) -> None:
    """Do what is asked, and answer.

    Raises:
        Lost: the other side ended meanwhile, or asks for nothing that there is.
    """
    match asked:
        case {"do": str(name)} if name in ACTIONS:
            ACTIONS[name](engine, connection, asked)
        case _:
            raise Lost("a request is none")


def _stay(engine: Engine, connection: Connection, asked: Asked) -> None:  # noqa: ARG001
    connection.receive()


def _answer(engine: Engine, connection: Connection, asked: Asked) -> None:
    plan, stop = read_plan(_calls(asked), asked.get("plan")), Stop()
    with _while_wanted(connection, stop.ask):
        rows = engine.answer(plan, stop)
    connection.send({}, packed_rows(rows))


def _version(engine: Engine, connection: Connection, asked: Asked) -> None:
    connection.send({"answer": engine.version(_calls(asked))})


def _check(engine: Engine, connection: Connection, asked: Asked) -> None:
    connection.send({"answer": vars(engine.check(_calls(asked)))})


def _remove(engine: Engine, connection: Connection, asked: Asked) -> None:
    engine.remove(_calls(asked))
    connection.send({"answer": None})


def _ready(engine: Engine, connection: Connection, asked: Asked) -> None:  # noqa: ARG001
    engine.ready()
    connection.send({"answer": None})


def _load(engine: Engine, connection: Connection, asked: Asked) -> None:
    with engine.load(_calls(asked)) as load:
        connection.send({"answer": None})
        dry_run = _gathered(connection, load)
        with _while_wanted(connection, load.stop):
            found = load.finish(dry_run=dry_run)
        connection.send({"answer": vars(found)})
        for rows in _unplaced(load) if found.unplaced else ():
            connection.send({}, packed(rows))
    connection.send({"end": True})  # once all that the load took is given back


def _apply(engine: Engine, connection: Connection, asked: Asked) -> None:
    rows = unpacked(connection.receive().body, DELIVERY_SCHEMA)
    outcomes = engine.apply(_calls(asked), pa.Table.from_batches(rows).combine_chunks().to_batches()[0])
    connection.send({"answer": [outcome.value for outcome in outcomes]})


def _call(engine: Engine, connection: Connection, asked: Asked) -> None:
    found = engine.call(_calls(asked), _text(asked, "call_id"))
    connection.send({"answer": found is not None}, b"" if found is None else packed(found))


def _delete(engine: Engine, connection: Connection, asked: Asked) -> None:
    connection.send({"answer": engine.delete(_calls(asked), _text(asked, "call_id"))})


def _erase(engine: Engine, connection: Connection, asked: Asked) -> None:
    connection.send({"answer": engine.erase(_calls(asked), *_texts(asked, "caller_numbers"))})


def _erasure(engine: Engine, connection: Connection, asked: Asked) -> None:
    found = engine.erasure(_calls(asked))
    connection.send({"answer": found.key}, " ".join(sorted(found.hashes)).encode())


def _export(engine: Engine, connection: Connection, asked: Asked) -> None:
    conditions, periods = read_conditions(asked.get("conditions")), read_periods(asked.get("periods"))
    with engine.export(_calls(asked), conditions, periods) as batches:
        for batch in batches:
            for piece in pieces(batch):
                connection.send({}, packed(piece))
    connection.send({"end": True})


def _snapshot(engine: Engine, connection: Connection, asked: Asked) -> None:
    with engine.snapshot(_calls(asked)) as found:
        if found is None:
            connection.send({"answer": None})
        else:
            connection.send({"answer": {"name": found.path.name, "facts": vars(found.facts)}})
        connection.receive()  # nothing ever comes, until the other side leaves


ACTIONS: dict[str, Callable[[Engine, Connection, Asked], None]] = {
    "stay": _stay,
    "answer": _answer,
    "version": _version,
    "check": _check,
    "remove": _remove,
    "ready": _ready,
    "load": _load,
    "apply": _apply,
    "call": _call,
    "delete": _delete,
    "erase": _erase,
    "erasure": _erasure,
    "export": _export,
    "snapshot": _snapshot,
}


def _calls(asked: Asked) -> str:
    match asked:
        case {"calls": str(calls)} if STORE.fullmatch(calls):
            return calls
    raise Lost("a store has no such name")


def _text(asked: Asked, name: str) -> str:
    match asked.get(name):
        case str(value):
            return value
    raise Lost(f"{name} is no text")


def _texts(asked: Asked, name: str) -> list[str]:
    match asked.get(name):
        case [*values] if all(isinstance(value, str) for value in values):
            return values
    raise Lost(f"{name} are no texts")


def _gathered(connection: Connection, load: Load) -> bool:
    """Take rows until all are there; whether it is a dry run."""
    while True:
        frame = connection.receive()
        match frame.head:
            case {"finish": {"dry_run": bool(dry_run)}}:
                return dry_run
        for rows in unpacked(frame.body, ROW_SCHEMA):
            load.add(rows)


def _unplaced(load: Load) -> Iterator[pa.RecordBatch]:
    rest = load.unplaced()
    while some := [vars(row) for row in islice(rest, UNPLACED_AT_ONCE)]:
        yield from pieces(pa.RecordBatch.from_pylist(some, UNPLACED_SCHEMA))


@contextmanager
def _while_wanted(connection: Connection, stop: Callable[[], None]) -> Iterator[None]:
    """Stop the work within if nobody waits for it any more: the thread in the block cannot see that."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(WATCH_SECONDS):
            if not connection.wanted():
                stop()

    watcher = threading.Thread(target=watch, name="watch")
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
