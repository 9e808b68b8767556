"""Corrections of many calls at once, column by column, by the rules of `calltally.engines.versions`.

Versions are handled as one long column: those of the first of `VALUE_FIELDS` for all calls, then those of the next.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from calltally.engines.duckdb.migrations import VERSIONED
from calltally.engines.duckdb.schema import bit_of
from calltally.engines.rows import VALUE_FIELDS
from calltally.engines.versions import SUPPOSED
from calltally.records.arrays import number, only

__all__ = ["Corrected", "can_be_corrected", "corrected"]

NAMES = tuple(field.name for field in VALUE_FIELDS)
DEFAULTS = {field.name: field.default for field in VALUE_FIELDS if field.default}
COUNT = len(NAMES)
BITS = pa.array([bit_of(name) for name in NAMES], pa.int64())
STORED_PLACES = tuple(VERSIONED.index(name) for name in NAMES)  # of each field in a stored list of versions
PLACES = tuple(NAMES.index(name) for name in VERSIONED)  # of each version of a stored list among the fields
FALSE = pa.scalar(False, pa.bool_())
NO_VERSIONS = pa.scalar([None] * COUNT, pa.list_(pa.int64()))


@dataclass(frozen=True)
class Corrected:
    """What becomes of calls: which change at all, of which a value does, and the states after, in the same order."""

    changed: pa.Array
    shown: pa.Array
    states: Mapping[str, pa.Array]  # a column for each field, `version`, `cleared` and `versions`


def can_be_corrected(there: pa.Table, said: pa.RecordBatch) -> bool:
    """Whether `corrected` can do it: every delivery has a version, and no call is of a release with fewer fields."""
    if said["version"].null_count or pc.any(pc.equal(said["version"], number(SUPPOSED))).as_py():
        return False
    lengths = pc.unique(pc.list_value_length(there["versions"])).to_pylist()
    return all(length in {None, COUNT} for length in lengths)


def corrected(there: pa.Table, said: pa.RecordBatch) -> Corrected:
    """What deliveries (`DELIVERY_SCHEMA`) make of stored calls, each of the call in the same place."""
    values = [there[name].combine_chunks() for name in NAMES]
    versions = _versions(there, values)
    changed = shown = pa.repeat(FALSE, len(said))
    for place, name in enumerate(NAMES):
        new, told = said[name], _told(said, place)
        if told is None:
            continue
        wins = pc.and_(told, _wins(new, said["version"], values[place], versions[place]))
        changed = pc.or_(changed, wins)
        shown = pc.or_(shown, pc.and_(wins, _differ(_read(name, new), _read(name, values[place]))))
        values[place] = pc.if_else(wins, new, values[place])
        versions[place] = pc.if_else(wins, said["version"], versions[place])
    return Corrected(changed, shown, dict(zip(NAMES, values, strict=True)) | _stored(values, versions))


def _told(said: pa.RecordBatch, place: int) -> pa.Array | None:
    """Which deliveries say something of a field; None: none does."""
    told = said[NAMES[place]].is_valid() if said[NAMES[place]].null_count < len(said) else None
    clears = pc.not_equal(pc.bit_wise_and(said["cleared"], number(1 << place)), number(0))
    if not pc.any(clears).as_py():
        return told
    return clears if told is None else pc.or_(told, clears)


def _wins(new: pa.Array, version: pa.Array, there: pa.Array, version_there: pa.Array) -> pa.Array:
    """By version; of equal versions a value beats null, then the greater value."""
    greater = pc.or_kleene(there.is_null(), pc.greater(new, there))
    tie = pc.and_kleene(pc.equal(version, version_there), pc.and_kleene(new.is_valid(), greater))
    newer = pc.or_kleene(version_there.is_null(), pc.greater(version, version_there))
    return pc.fill_null(pc.or_kleene(newer, tie), FALSE)


def _read(name: str, values: pa.Array) -> pa.Array:
    """What a report reads: `inbound` where nothing was said, so that saying it changes no value."""
    return pc.fill_null(values, DEFAULTS[name]) if name in DEFAULTS else values


def _differ(one: pa.Array, other: pa.Array) -> pa.Array:
    """Whether the values differ, of which null is one."""
    return pc.invert(pc.coalesce(pc.equal(one, other), pc.and_(one.is_null(), other.is_null())))


def _versions(there: pa.Table, values: Sequence[pa.Array]) -> list[pa.Array]:
    """The versions of the fields of stored calls, see `calltally.engines.duckdb.merge`."""
    version, cleared, lists = (there[name].combine_chunks() for name in ("version", "cleared", "versions"))
    told = pa.concat_arrays([column.is_valid() for column in values])
    if cleared.null_count < len(cleared):
        bits = pc.bit_wise_and(_of_all(pc.fill_null(cleared, number(0))), _each(BITS, len(there)))
        told = pc.or_(told, pc.not_equal(bits, number(0)))
    found = only(_of_all(version), told)
    if lists.null_count < len(lists):
        each = pc.list_flatten(pc.coalesce(lists, NO_VERSIONS)).take(_turned(COUNT, len(there)))
        stored = _cut(each, len(there))
        in_order = pa.concat_arrays([stored[place] for place in STORED_PLACES])
        found = pc.if_else(_of_all(lists.is_valid()), in_order, found)
    return _cut(found, len(there))


def _stored(values: Sequence[pa.Array], versions: Sequence[pa.Array]) -> dict[str, pa.Array]:
    """Versions as they are stored: one for all fields with a value and those that were cleared, where that will do."""
    size = len(values[0])
    newest = pc.max_element_wise(*versions)
    each, valid = pa.concat_arrays(versions), pa.concat_arrays([column.is_valid() for column in values])
    without = each.is_null()
    fits = pc.coalesce(pc.equal(each, _of_all(newest)), pc.invert(valid))
    one = pc.or_(newest.is_null(), pc.equal(pc.min_element_wise(*_cut(fits.cast(pa.int8()), size)), number(1)))
    clears = pc.and_(pc.invert(without), pc.invert(valid))
    listed = pa.concat_arrays([versions[place] for place in PLACES]).take(_turned(size, COUNT))
    return {
        "version": newest,
        "cleared": only(_bits(clears, size), one),
        "versions": pa.ListArray.from_arrays(
            pc.multiply(pa.arange(0, size + 1), number(COUNT)).cast(pa.int32()), listed, mask=one
        ),
    }


def _bits(clears: pa.Array, size: int) -> pa.Array:
    """The fields that are cleared, as stored bits; null: none."""
    if not pc.any(clears).as_py():
        return pa.nulls(size, pa.int64())
    bits, *others = _cut(pc.if_else(clears, _each(BITS, size), number(0)), size)
    for other in others:
        bits = pc.bit_wise_or(bits, other)
    return only(bits, pc.not_equal(bits, number(0)))


def _of_all(column: pa.Array) -> pa.Array:
    """The same for every field."""
    return pa.concat_arrays([column] * COUNT)


def _each(numbers: pa.Array, times: int) -> pa.Array:
    """Each number so many times."""
    return numbers.take(pc.divide(pa.arange(0, len(numbers) * times), number(times)))


def _cut(column: pa.Array, size: int) -> list[pa.Array]:
    """The parts of a long column, one for each field."""
    return [column.slice(place * size, size) for place in range(COUNT)]


def _turned(columns: int, rows: int) -> pa.Array:
    """Which to take of rows of so many numbers, one row after the other, to have one column after the other."""
    places = pa.arange(0, columns * rows)
    column = pc.divide(places, number(rows))
    row = pc.subtract(places, pc.multiply(column, number(rows)))
    return pc.add(pc.multiply(row, number(columns)), column)
