"""Deliveries into a store: each compared with its call, all of them put in by one transaction.

New calls go in as the columns that they came in. Many corrections of calls that are there are merged column by column
too, see `calltally.engines.duckdb.correcting`; all else is merged one by one.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import itemgetter

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from calltally.engines.base import Outcome
from calltally.engines.duckdb.callers import caller_codes, forget_codes
from calltally.engines.duckdb.changing import changing
from calltally.engines.duckdb.correcting import can_be_corrected, corrected
from calltally.engines.duckdb.lookup import GIVEN, Found, Known, find, plain
from calltally.engines.duckdb.migrations import VERSIONED
from calltally.engines.duckdb.reading import as_read
from calltally.engines.duckdb.schema import bit_of
from calltally.engines.duckdb.store import Store
from calltally.engines.duckdb.writer import Writer
from calltally.engines.hashing import hashes_of
from calltally.engines.rows import DELIVERY_SCHEMA, VALUE_FIELDS
from calltally.engines.versions import Change, Said, State, changed_by, stored_versions
from calltally.localtime import HOUR, microseconds
from calltally.records.arrays import number, only

__all__ = ["apply_deliveries", "delete_call"]

NAMES = tuple(row.name for row in VALUE_FIELDS)
START, CALLER = NAMES.index("started_at"), NAMES.index("caller_number")
STORED_VERSIONS = itemgetter(*(NAMES.index(name) for name in VERSIONED))  # of those of a state
# Bits of `DELIVERY_SCHEMA` that have another place where they are stored, with that.
MOVED = tuple((1 << place, bit_of(name)) for place, name in enumerate(NAMES) if 1 << place != bit_of(name))
QUARTER_HOUR = HOUR // 4
STATE_SCHEMA = DELIVERY_SCHEMA.append(pa.field("versions", pa.list_(pa.int64())))
# The code of its caller is null until it is known.
FRESH_SCHEMA = STATE_SCHEMA.append(pa.field("caller_code", pa.int64())).append(pa.field("changed_at", pa.int64()))
CORRECTED_SCHEMA = FRESH_SCHEMA.append(pa.field("rowid", pa.int64())).append(pa.field("shown", pa.bool_()))
MANY = 16  # corrections that take longer one by one than column by column


@dataclass
class _Merged:
    """What deliveries come to: new calls as they came, and what becomes of everything else that they change.

    `corrected` are calls that change, as they are stored from then on, beside the rows in which they were.
    """

    outcomes: list[Outcome]
    fresh: pa.RecordBatch
    corrected: pa.Table = field(default_factory=CORRECTED_SCHEMA.empty_table)
    known: dict[str, Known] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)  # ids whose rows have to be written anew
    shown: set[str] = field(default_factory=set)  # those of them that have other values now

    @property
    def added(self) -> int:
        """How many calls there are more."""
        there = [self.known[call_id] for call_id in self.changed]
        return len(self.fresh) + sum(not known.is_call and known.state.values[START] is not None for known in there)


def apply_deliveries(writer: Writer, store: Store, rows: pa.RecordBatch) -> list[Outcome]:
    """See `calltally.engines.base.Engine.apply`; the caller holds the right to write to the store."""
    cursor = writer.cursor
    rows = _without_erased(rows, store)
    merged = _merged(rows, find(cursor, store, rows["id"], rows["id_hash"]))
    if len(merged.fresh) or len(merged.corrected) or merged.changed:
        with _codes_known(store), changing(cursor, store) as change:
            change.since = microseconds(datetime.now(UTC))
            written = _put(writer, store, merged, change.since)
            change.added = merged.added
            if len(written):
                change.rows = (as_read(written),) if store.journal else None
        store.size += merged.added
        store.grown(len(rows))
    return merged.outcomes


def delete_call(cursor: duckdb.DuckDBPyConnection, store: Store, call_id: str) -> bool:
    """See `calltally.engines.base.Engine.delete`; the caller holds the right to write to the store."""
    ids = pa.array([call_id])
    hashes = hashes_of(ids)
    there = find(cursor, store, ids, hashes).known([call_id]).get(call_id)
    if there is None:
        return False
    store.any_deleted = True  # before it is so: to look in vain does no harm
    with changing(cursor, store) as change:
        change.gone.update(hashes.to_pylist())
        change.added = -int(there.is_call)
        _delete_rows(cursor, store.calls if there.is_call else store.held, [there.row])
        now = microseconds(datetime.now(UTC))
        cursor.execute(f"INSERT INTO {store.deleted} VALUES (?, md5_number_lower(?), ?)", [call_id, call_id, now])
    store.size -= there.is_call
    return True


@contextmanager
def _codes_known(store: Store) -> Iterator[None]:
    """Take nothing that is kept of codes for true after an error."""
    try:
        yield
    except BaseException:
        forget_codes(store)
        raise


def _without_erased(rows: pa.RecordBatch, store: Store) -> pa.RecordBatch:
    """The deliveries; one that names a caller whose number was erased says nothing of the caller."""
    if not store.erasure.hashes:
        return rows
    callers = rows["caller_number"]
    erased = [number for number in callers.unique().drop_null().to_pylist() if store.erasure.has(number)]
    if not erased:
        return rows
    without = pc.if_else(pc.is_in(callers, pa.array(erased, pa.string())), None, callers)
    return rows.set_column(rows.schema.get_field_index("caller_number"), "caller_number", without)


def _merged(rows: pa.RecordBatch, found: Found) -> _Merged:
    """What becomes of each delivery, in their order."""
    if _all_fresh(rows, found):
        return _Merged([Outcome.ADDED] * len(rows), rows)
    ids = rows["id"].to_pylist()
    once = {call_id for call_id, times in Counter(ids).items() if times == 1}
    new = once - found.places.keys() - found.held.keys() - found.deleted
    starts = rows["started_at"].is_valid().to_pylist()
    is_fresh = [start and call_id in new for call_id, start in zip(ids, starts, strict=True)]
    merged = _Merged([Outcome.ADDED] * len(ids), rows.filter(pa.array(is_fresh, pa.bool_())))
    there = once & found.places.keys()
    done = _correct(merged, rows, found, [place for place, call_id in enumerate(ids) if call_id in there])
    others = [place for place, fresh in enumerate(is_fresh) if not fresh and place not in done]
    merged.known = found.known({ids[place] for place in others})
    for place, said in zip(others, _said(rows.take(pa.array(others, pa.int64()))), strict=True):
        call_id = ids[place]
        merged.outcomes[place] = Outcome.UNCHANGED if call_id in found.deleted else _merge(merged, call_id, said)
    return merged


def _all_fresh(rows: pa.RecordBatch, found: Found) -> bool:
    """Whether each is a call that was not there; hardly ever wrong, and then only in that it is looked at more closely.

    Ids that are alike have hashes that are.
    """
    if found.places or found.held or found.deleted or rows["started_at"].null_count:
        return False
    return bool(pc.count_distinct(rows["id_hash"]).as_py() == len(rows))


def _correct(merged: _Merged, rows: pa.RecordBatch, found: Found, places: Sequence[int]) -> Set[int]:
    """Take the deliveries at these places into account, each of a call of its own; where that was done, all or none."""
    if len(places) < MANY:
        return set()
    said = rows.take(pa.array(places, pa.int64()))
    there = found.of(said["id"].to_pylist())
    if not can_be_corrected(there, said):
        return set()
    now = corrected(there, said)
    for place, shown in zip(places, now.shown.to_pylist(), strict=True):
        merged.outcomes[place] = Outcome.UPDATED if shown else Outcome.UNCHANGED
    columns = {name: there[name] for name in ("rowid", "changed_at")} | {"shown": now.shown, **now.states}
    same_callers = pc.equal(there["caller_number"].combine_chunks(), now.states["caller_number"])
    columns["caller_code"] = only(there["caller_code"].combine_chunks(), same_callers)
    columns |= {name: said[name] for name in ("id", "id_hash")}
    table = pa.Table.from_arrays([columns[name] for name in CORRECTED_SCHEMA.names], schema=CORRECTED_SCHEMA)
    merged.corrected = table.filter(now.changed)
    return set(places)


def _merge(merged: _Merged, call_id: str, said: Iterable[Said]) -> Outcome:
    """Take one more delivery into account."""
    there = merged.known.get(call_id)
    if there is None:
        there = merged.known[call_id] = Known(_nothing())
    was_call = there.state.values[START] is not None
    change = changed_by(there.state, said)
    there.state = change.state
    if change.anything:
        merged.changed.add(call_id)
    if change.values:
        merged.shown.add(call_id)
    return _outcome(change, was_call=was_call)


def _outcome(change: Change, *, was_call: bool) -> Outcome:
    if change.state.values[START] is None:
        return Outcome.HELD
    if not was_call:
        return Outcome.ADDED
    return Outcome.UPDATED if change.values else Outcome.UNCHANGED


def _said(rows: pa.RecordBatch) -> Iterator[list[Said]]:
    """What each delivery says; corrections speak of few fields."""
    versions = rows["version"].to_pylist()
    places = [place for place, name in enumerate(NAMES) if rows[name].null_count < len(rows)]
    by_field = [plain(rows[NAMES[place]]) for place in places]
    for bits, version, *values in zip(rows["cleared"].to_pylist(), versions, *by_field, strict=True):
        said = [Said(place, value, version) for place, value in zip(places, values, strict=True) if value is not None]
        if bits and version is not None:
            said += [Said(place, None, version) for place in range(len(NAMES)) if bits >> place & 1]
        yield said


def _nothing() -> State:
    return State((None,) * len(NAMES), (None,) * len(NAMES))


def _put(writer: Writer, store: Store, merged: _Merged, now: int) -> pa.Table:
    """Write what has changed; the calls that were written."""
    cursor = writer.cursor
    changed = [(call_id, merged.known[call_id]) for call_id in sorted(merged.changed)]
    rows_of = {is_call: [known.row for _, known in changed if known.is_call is is_call] for is_call in (True, False)}
    _delete_rows(cursor, store.calls, merged.corrected["rowid"].to_pylist() + rows_of[True])
    _delete_rows(cursor, store.held, rows_of[False])
    held = [(call_id, known) for call_id, known in changed if known.state.values[START] is None]
    calls = [(call_id, known) for call_id, known in changed if known.state.values[START] is not None]
    if held:
        store.any_held = True
        writer.insert(store.held, _states(held))
    changes = [_corrected_calls(merged.corrected, now)] if len(merged.corrected) else []
    if calls:
        changes.append(_calls(calls, merged.shown, now))
    return _insert_calls(writer, store, pa.concat_tables([_fresh(merged.fresh, now), *changes]))


def _delete_rows(cursor: duckdb.DuckDBPyConnection, table: str, rows: Iterable[int | None]) -> None:
    there = [row for row in rows if row is not None]
    if there:
        cursor.execute(f"DELETE FROM {table} WHERE rowid IN ({GIVEN})", [there])


def _insert_calls(writer: Writer, store: Store, calls: pa.Table) -> pa.Table:
    """Write calls, in the order of their starts, with the columns that follow from others; the calls with these."""
    if not len(calls):
        return calls
    starts = calls["started_at"].cast(pa.int64())
    calls = calls.append_column("quarter_hour", pc.divide(starts, number(QUARTER_HOUR)))
    callers, known = (calls[name].combine_chunks() for name in ("caller_number", "caller_code"))
    codes = caller_codes(writer, store, callers, known)
    calls = calls.set_column(calls.schema.get_field_index("caller_code"), "caller_code", codes)
    first, last = pc.min_max(starts).as_py().values()
    # Before the commit, so that no report is spelled for less than it meets.
    store.extent = store.extent.widened(first, last)
    if not _is_sorted(starts):
        calls = calls.sort_by([("started_at", "ascending"), ("id", "ascending")])
    store.hashes[store.calls].add(calls["id_hash"])
    writer.insert(store.calls, calls)
    return calls


def _is_sorted(numbers: pa.ChunkedArray) -> bool:
    return pc.all(pc.less_equal(numbers.slice(0, len(numbers) - 1), numbers.slice(1))).as_py() is not False


def _fresh(rows: pa.RecordBatch, now: int) -> pa.Table:
    """New calls as they are stored: one version for all of a call."""
    clears = pc.and_(pc.not_equal(rows["cleared"], number(0)), pc.is_valid(rows["version"]))
    made = {
        "cleared": only(_stored_bits(rows["cleared"]), clears),
        "versions": pa.nulls(len(rows), pa.list_(pa.int64())),
        "caller_code": pa.nulls(len(rows), pa.int64()),
        "changed_at": pa.repeat(pa.scalar(now, pa.int64()), len(rows)),
    }
    columns = [made[row.name] if row.name in made else rows[row.name] for row in FRESH_SCHEMA]
    return pa.Table.from_arrays(columns, schema=FRESH_SCHEMA)


def _stored_bits(cleared: pa.Array, moved: Sequence[tuple[int, int]] = MOVED) -> pa.Array:
    """The bits of fields that are cleared, each at the place where it is stored."""
    stay = ~sum(bit for bit, _ in moved)
    stored = pc.bit_wise_and(cleared, number(stay))
    for bit, there in moved:
        is_set = pc.not_equal(pc.bit_wise_and(cleared, number(bit)), number(0))
        stored = pc.bit_wise_or(stored, pc.if_else(is_set, number(there), number(0)))
    return stored


def _corrected_calls(corrected: pa.Table, now: int) -> pa.Table:
    """Calls that have changed, as they are stored."""
    times = pc.if_else(corrected["shown"], number(now), corrected["changed_at"])
    return corrected.set_column(corrected.schema.get_field_index("changed_at"), "changed_at", times).select(
        FRESH_SCHEMA.names
    )


def _calls(calls: Sequence[tuple[str, Known]], shown: set[str], now: int) -> pa.Table:
    """Calls that have changed, as they are stored."""
    codes = [known.code if known.state.values[CALLER] == known.caller else None for _, known in calls]
    times = [now if call_id in shown else known.changed_at for call_id, known in calls]
    with_codes = _states(calls).append_column("caller_code", pa.array(codes, pa.int64()))
    return with_codes.append_column("changed_at", pa.array(times, pa.int64()))


def _states(rows: Sequence[tuple[str, Known]]) -> pa.Table:
    """States as they are stored."""
    versions = [stored_versions(known.state) for _, known in rows]
    ids = pa.array([call_id for call_id, _ in rows], pa.string())
    stored = {
        "id": ids,
        "id_hash": hashes_of(ids),
        "version": [each.newest for each in versions],
        "cleared": [sum(bit_of(NAMES[place]) for place in each.cleared) or None for each in versions],
        "versions": [each.each and STORED_VERSIONS(each.each) for each in versions],
        **dict(zip(NAMES, zip(*(known.state.values for _, known in rows), strict=True), strict=True)),
    }
    arrays = [pa.array(stored[row.name], row.type) for row in STATE_SCHEMA]
    return pa.Table.from_arrays(arrays, schema=STATE_SCHEMA)
