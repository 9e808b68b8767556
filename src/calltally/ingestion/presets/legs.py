"""Rows that are one call: each gets what the call as a whole says, so that it does not matter which of them counts.

Rows are held until so many others have come behind a call's first that no more of it are waited for. That is decided by
the numbers of the rows alone, and so never depends on how a file was cut into batches.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa

from calltally.engines import ROW_SCHEMA, VALUE_FIELDS
from calltally.ingestion.presets.types import Legs, Part

__all__ = ["MOST_APART", "LegsTogether"]

MOST_APART = 10_000  # rows from a call's first to its last

AFTER_ALL = datetime(9999, 1, 1)  # noqa: DTZ001 - starts are in UTC, without saying so
NAMES = tuple(field.name for field in VALUE_FIELDS)

Row = dict[str, Any]


@dataclass
class _Call:
    """A call whose rows may not all have come: its id, and the number of its first row."""

    id: str
    first: int
    names_other: bool = False
    legs: int = 0


class LegsTogether:
    """Takes the rows of one file in their order, and gives them back once those of the same call are together."""

    def __init__(self, legs: Legs) -> None:
        self._legs = legs
        self._held = ROW_SCHEMA.empty_table()
        self._calls: list[_Call | None] = []  # of the rows that are held; None: a row without an id
        self._open: dict[str, _Call] = {}
        self._parts: dict[int, Part] = {}

    def add(
        self, rows: pa.RecordBatch, others: Mapping[str, str], parts: Mapping[int, Part]
    ) -> Iterator[pa.RecordBatch]:
        """Take the next rows. What comes back are rows of calls that are whole.

        `others` are ids that some ids name, `parts` are by their numbers rows that are but legs of a call.
        """
        if not len(rows):
            return
        self._parts |= parts
        numbers = rows["n"].to_pylist()
        for id_, number in zip(rows["id"].to_pylist(), numbers, strict=True):
            self._calls.append(self._call(id_, number, others.get(id_)) if id_ else None)
        self._held = pa.concat_tables([self._held, pa.Table.from_batches([rows])])
        yield from self._given_back(numbers[-1] - MOST_APART)

    def rest(self) -> Iterator[pa.RecordBatch]:
        """The rows that are still held, as no more will come."""
        return self._given_back(None)

    def _call(self, id_: str, number: int, other: str | None) -> _Call:
        call = self._known(id_, number) or self._known(other, number) or _Call(id_, number)
        call.legs += 1
        self._open[id_] = call
        if other:
            self._open.setdefault(other, call)
            if not call.names_other:
                call.id, call.names_other = id_, True
        return call

    def _known(self, id_: str | None, number: int) -> _Call | None:
        call = self._open.get(id_) if id_ else None
        return call if call and number - call.first <= MOST_APART else None

    def _given_back(self, before: int | None) -> Iterator[pa.RecordBatch]:
        """The rows of calls whose first row is one before this number, or of all calls."""
        whole = [call is None or before is None or call.first < before for call in self._calls]
        done = self._held.filter(pa.array(whole, pa.bool_()))
        calls = [call for call, is_whole in zip(self._calls, whole, strict=True) if is_whole]
        self._held = self._held.filter(pa.array([not is_whole for is_whole in whole], pa.bool_()))
        self._calls = [call for call, is_whole in zip(self._calls, whole, strict=True) if not is_whole]
        self._open = {id_: call for id_, call in self._open.items() if before is not None and call.first >= before}
        yield from self._together(done, calls)

    def _together(self, rows: pa.Table, calls: Sequence[_Call | None]) -> Iterator[pa.RecordBatch]:
        numbers = rows["n"].to_pylist()
        parts = {n: self._parts.pop(n) for n in numbers if n in self._parts}
        legs = [call is not None and (call.legs > 1 or n in parts) for call, n in zip(calls, numbers, strict=True)]
        alone = rows.filter(pa.array([not each for each in legs], pa.bool_()))
        by_call: dict[int, tuple[_Call, list[Row]]] = {}
        of_calls = [call for call, is_leg in zip(calls, legs, strict=True) if call is not None and is_leg]
        for call, leg in zip(of_calls, _filled(rows.filter(pa.array(legs, pa.bool_()))).to_pylist(), strict=True):
            by_call.setdefault(id(call), (call, []))[1].append(leg)
        merged = [row for call, its_legs in by_call.values() for row in _as_one(its_legs, call.id, self._legs, parts)]
        both = pa.concat_tables([alone, pa.Table.from_pylist(merged, ROW_SCHEMA)])
        yield from both.sort_by("n").combine_chunks().to_batches()


def _as_one(legs: list[Row], id_: str, rules: Legs, parts: Mapping[int, Part]) -> Iterator[Row]:
    """The legs of a call, each with what all of them together say. Two that say the same are one leg."""
    names = [name for name in NAMES if name in legs[0]]
    in_order = sorted(legs, key=lambda leg: (_facts(leg, parts).get("started_at") or AFTER_ALL, leg["n"]))
    different = _different(in_order, names, parts)
    call = {name: next((leg[name] for leg in different if leg[name] is not None), None) for name in names}
    candidates = [leg for leg in different if leg["n"] in parts] or different
    best = max(candidates, key=lambda leg: _rank(_facts(leg, parts), rules))
    call |= {name: best[name] for name in rules.by_best if best.get(name) is not None}
    whole = any(leg["n"] not in parts for leg in legs)
    for name in rules.summed:
        said = [leg[name] for leg in different if leg.get(name) is not None]
        call[name] = sum(said) if said and whole else None
    return ({**leg, **call, "id": id_} for leg in legs)


def _facts(leg: Row, parts: Mapping[int, Part]) -> Row:
    """What a leg says of itself."""
    return vars(parts[leg["n"]]) if leg["n"] in parts else leg


def _filled(rows: pa.Table) -> pa.Table:
    """The rows without columns in which none of them says anything: most fields are no vendor's."""
    return rows.select([name for name in rows.column_names if rows[name].null_count < len(rows)])


def _different(legs: list[Row], names: Sequence[str], parts: Mapping[int, Part]) -> list[Row]:
    found: dict[tuple[object, ...], Row] = {}
    for leg in legs:
        own = parts[leg["n"]].id if leg["n"] in parts else None
        found.setdefault((own, *(leg[name] for name in names)), leg)
    return list(found.values())


def _rank(facts: Row, rules: Legs) -> tuple[int, int]:
    status = facts.get("status")
    place = rules.best.index(status) if status in rules.best else len(rules.best)
    return -place, facts.get("duration_seconds") or 0
