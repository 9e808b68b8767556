"""A business's calls copied part by part, so that a copy which was broken off is gone on with."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import pyarrow as pa

from calltally.accounts import Business
from calltally.engines import Holdings, Movable
from calltally.errors import Conflict
from calltally.folder import DataFolder
from calltally.moving.marks import Mark, keep_mark, read_mark

__all__ = ["Copied", "Prospect", "Side", "copy_calls", "look_ahead"]

OnRows = Callable[[int], None]

SAME = "{} and {} are two names of one place: the calls of '{}' there are those to be copied; nothing was changed"


@dataclass(frozen=True)
class Side:
    """An engine, and what people call it: without a password."""

    name: str
    engine: Movable


@dataclass(frozen=True)
class Prospect:
    """What there is to copy of a business."""

    business: Business
    holdings: Holdings
    mark: Mark | None  # of what is there of it already
    is_done: bool  # all of it is there
    replaces: int | None  # rows in its place that are no copy of it; None: there is nothing, or only such a copy


@dataclass(frozen=True)
class Copied:
    """What a copy came to, in rows: those that were there already, and those that were copied now."""

    before: int
    now: int


def look_ahead(business: Business, source: Side, target: Side, folder: DataFolder) -> Prospect:
    """What there is to copy; changes nothing but that a write to the source which was broken off has its end.

    Raises:
        Unavailable: the calls of the source are not whole, as a move to it has not come to its end.
        Conflict: source and target are the same calls.
    """
    source.engine.settle(business.calls)
    holdings = source.engine.holdings(business.calls)
    there = target.engine.holdings(business.calls)
    if not there.is_empty and there.version == holdings.version:  # which no copy shares
        raise Conflict(SAME.format(source.name, target.name, business.name))
    mark = read_mark(folder, business.calls)
    if mark and (mark.source, mark.target) != (source.name, target.name):
        mark = None
    is_copy = mark is not None and mark.version == there.version
    replaces = None if is_copy or there.is_empty else there.rows
    if mark and (mark.source_version, mark.parts) != (holdings.version, len(holdings.parts)):
        mark = None
    return Prospect(business, holdings, mark, is_done=is_copy and mark is not None, replaces=replaces)


def copy_calls(prospect: Prospect, source: Side, target: Side, folder: DataFolder, on_rows: OnRows) -> Copied:
    """Copy what is missing, and let the target have the calls once all is there.

    Raises:
        Conflict: the source was written to meanwhile.
    """
    calls, parts, mark = prospect.business.calls, prospect.holdings.parts, prospect.mark
    if prospect.is_done:
        return Copied(before=prospect.holdings.rows, now=0)
    with target.engine.taking(calls, mark.token if mark else None) as taking:
        if mark is None or not taking.resumed:
            version = prospect.holdings.version
            mark = Mark(source.name, target.name, version, taking.token, taking.version, len(parts))
            keep_mark(folder, calls, mark)
        before = mark.rows
        on_rows(before)
        for part in parts[mark.done :]:
            with source.engine.whole_part(calls, part) as rows:
                counted = _Counted(rows, mark.rows, on_rows)
                taking.put(part, counted)
            if counted.rows != part.rows:
                raise Conflict(_changed(prospect.business))
            mark = replace(mark, done=mark.done + 1, rows=mark.rows + part.rows)
            keep_mark(folder, calls, mark)
        if source.engine.version(calls) != prospect.holdings.version:
            raise Conflict(_changed(prospect.business))
        taking.finish(prospect.holdings)
    return Copied(before, mark.rows - before)


class _Counted:
    """Rows on their way, each batch told of."""

    def __init__(self, batches: Iterable[pa.RecordBatch], before: int, on_rows: OnRows) -> None:
        self.rows = 0
        self._batches = batches
        self._before = before
        self._on_rows = on_rows

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        for batch in self._batches:
            yield batch
            self.rows += len(batch)
            self._on_rows(self._before + self.rows)


def _changed(business: Business) -> str:
    return f"The calls of '{business.name}' were written to meanwhile; let nobody write to them, and run this again"
