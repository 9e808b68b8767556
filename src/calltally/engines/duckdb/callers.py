"""The codes of callers: small numbers from 0 on, one for each, by which reports tell how many there are."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from calltally.engines.duckdb.hashes import Hashes
from calltally.engines.duckdb.store import Store
from calltally.engines.duckdb.writer import ROWS, Writer
from calltally.engines.hashing import OTHER, keys_of

__all__ = ["caller_codes", "forget_codes"]


def caller_codes(writer: Writer, store: Store, callers: pa.Array, known: pa.Array) -> pa.Array:
    """The code of each caller, null where there is none; new callers are given theirs.

    `known` are those that are known, null for the others. The caller holds the right to write to the store, has begun a
    transaction, and calls `forget_codes` if that ends with an error.
    """
    wanted = pc.and_(callers.is_valid(), known.is_null())
    encoded = callers.filter(wanted).dictionary_encode()
    if not len(encoded):
        return known
    codes = _codes_of(writer, store, encoded.dictionary).take(encoded.indices)
    return codes if len(codes) == len(known) else pc.replace_with_mask(known, wanted, codes)


def forget_codes(store: Store) -> None:
    """Read the codes again when they are next needed: some that are kept may not be there, and others be."""
    store.hashes.pop(store.codes, None)


def _codes_of(writer: Writer, store: Store, callers: pa.Array) -> pa.Array:
    """The codes of different callers, of whom some may be new."""
    keys = keys_of(callers)
    there = _kept(writer, store).among(keys)
    codes = [there.get(key) for key in keys.to_pylist()]
    if pc.max(keys).as_py() >= OTHER:
        codes = _checked(writer, store, callers.to_pylist(), keys.to_pylist(), codes)
    new = pa.array([place for place, code in enumerate(codes) if code is None], pa.int64())
    given = iter(_new_codes(writer, store, callers.take(new), keys.take(new)))
    return pa.array([next(given) if code is None else code for code in codes], pa.int64())


def _checked(
    writer: Writer, store: Store, callers: Sequence[str], keys: Sequence[int], codes: Sequence[int | None]
) -> list[int | None]:
    """The codes that were found by keys, where these are the callers' own: others may have the same key."""
    places = [place for place, key in enumerate(keys) if key >= OTHER and codes[place] is not None]
    if not places:
        return list(codes)
    found = _read(writer, store, "code", pa.array({codes[place] for place in places}, pa.int64()))
    lost = {keys[place] for place in places if callers[place] not in found}
    if lost:
        found |= _read(writer, store, "value_key", pa.array(lost, pa.uint64()))
    checked = list(codes)
    for place in places:
        checked[place] = found.get(callers[place])
    return checked


def _new_codes(writer: Writer, store: Store, callers: pa.Array, keys: pa.Array) -> range:
    """The codes that callers are given who have none yet."""
    first = store.extent.codes
    codes = range(first, first + len(callers))
    if codes:
        store.extent = store.extent.with_codes(codes.stop)
        _kept(writer, store).add(keys, first)
        columns = {"value": callers, "code": pa.arange(codes.start, codes.stop), "value_key": keys}
        writer.insert(store.codes, pa.table(columns))
    return codes


def _read(writer: Writer, store: Store, column: str, wanted: pa.Array) -> dict[str, int]:
    """The codes of callers for whom a column has one of these values."""
    query = f"SELECT value, code FROM {store.codes} WHERE {column} IN (SELECT wanted FROM {ROWS})"
    return dict(writer.run(query, pa.table({"wanted": wanted})))


def _kept(writer: Writer, store: Store) -> Hashes:
    kept = store.hashes.get(store.codes)
    if kept is None:
        kept = store.hashes[store.codes] = Hashes(writer.cursor, store.codes, "value_key", "code")
    return kept
