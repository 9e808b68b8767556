"""The contract's rules of versions in SQL, field by field.

A field of a call is empty (no value, no version), unversioned (a value only) or versioned (a version, and a value or,
where it was cleared, none). Stored are `version`, which holds for every field with a value and for those that have a
bit in `cleared`, which were cleared, and `versions`, which holds instead where fields differ. `s` is what comes in, `c`
the call that is there.
"""

from collections.abc import Collection, Iterable

from calltally.catalog import CATALOG
from calltally.engines.duckdb.migrations import VERSIONED
from calltally.engines.duckdb.schema import bit_of, column_type, version_of
from calltally.engines.duckdb.spelling import text
from calltally.engines.rows import VALUE_FIELDS
from calltally.engines.versions import SUPPOSED

__all__ = [
    "CHANGES_COLUMNS",
    "NAMES",
    "ONE_VERSION",
    "STATE_COLUMNS",
    "folded",
    "merged",
    "same_as_before",
    "stored_version",
]

NAMES = tuple(field.name for field in VALUE_FIELDS)
STATE_COLUMNS = (*NAMES, "version", "cleared", "versions")

# Definitions of columns: the stored values, and what `merged` gives.
VALUE_COLUMNS = ", ".join(f"{field.name} {column_type(field)}" for field in VALUE_FIELDS)
CHANGES_COLUMNS = (
    f"id VARCHAR, values_changed BOOLEAN, {VALUE_COLUMNS}, version BIGINT, cleared BIGINT, versions BIGINT[]"
)
ONE_VERSION = "NULL::BIGINT AS cleared, NULL::BIGINT[] AS versions"  # which holds for every field with a value


def folded(rows: str, said: Collection[str]) -> str:
    """One state for each id of `rows`: its greatest versions, and of unversioned values the last in the file.

    `said` are the fields of which any row has a value.
    """
    columns = ["id"]
    for name in NAMES:
        if name not in said:
            columns += [f"NULL AS {name}", f"NULL::BIGINT AS version_of_{name}"]
            continue
        there = f"{name} IS NOT NULL"
        newest = f"arg_max({name}, {{'version': version, 'value': {name}}}) FILTER ({there} AND version IS NOT NULL)"
        last = f"arg_max({name}, n) FILTER ({there} AND version IS NULL)"
        columns.append(f"coalesce({newest}, {last}) AS {name}")
        columns.append(f"max(version) FILTER ({there}) AS version_of_{name}")
    return _shortest(f"SELECT {', '.join(columns)} FROM {rows} GROUP BY id", "id")


def merged(incoming: str, calls: str, said: Collection[str]) -> str:
    """The state after `incoming` of each call that is there and changes, and whether a value of it does.

    `said` are the fields of which anything comes in; few of them are planned in a fraction of the time. In layers, so
    that each expression is written, planned and worked out once: both states side by side, which of them wins in each
    field, the state after, its shortest form.
    """
    told = [name for name in NAMES if name in said]
    both = ", ".join(
        f"{table}.{name} AS {side}_{name}, {stored_version(table, name)} AS {side}_version_of_{name}"
        for side, table, names in (("new", "s", told), ("old", "c", NAMES))
        for name in names
    )
    pairs = f"SELECT s.id AS id, {both} FROM {incoming} AS s JOIN {calls} AS c ON s.id = c.id"
    wins = "".join(f", {_wins(name)} AS wins_{name}" for name in told)
    judged = f"SELECT *{wins} FROM ({pairs})"
    after = ", ".join(
        f"{_after(column, wins=name if name in said else None)} AS {column}"
        for name in NAMES
        for column in (name, f"version_of_{name}")
    )
    values_differ = {name: f"{_read('new', name)} IS DISTINCT FROM {_read('old', name)}" for name in told}
    values_changed = _any(f"wins_{name} AND {differ}" for name, differ in values_differ.items())
    changed = _any(
        f"wins_{name} AND (new_{name} IS DISTINCT FROM old_{name} "
        f"OR new_version_of_{name} IS DISTINCT FROM old_version_of_{name})"
        for name in told
    )
    changes = f"SELECT id, {values_changed} AS values_changed, {after} FROM ({judged}) WHERE {changed}"
    return _shortest(changes, "id, values_changed")


def same_as_before(window: str) -> str:
    """Whether a row says exactly what the row before it in `window` says."""
    row = f"row(version, {', '.join(NAMES)})"
    return f"{row} IS NOT DISTINCT FROM lag({row}) OVER {window}"


def _shortest(states: str, others: str) -> str:
    """`STATE_COLUMNS` from states that have a version for each field: one for all where one will do."""
    newest = f"greatest({', '.join(f'version_of_{name}' for name in NAMES)})"
    shared = " AND ".join(
        f"version_of_{name} IS NOT DISTINCT FROM "
        f"CASE WHEN {name} IS NOT NULL OR version_of_{name} IS NOT NULL THEN version END"
        for name in NAMES
    )
    cleared = " + ".join(
        f"CASE WHEN {name} IS NULL AND version_of_{name} IS NOT NULL THEN {bit_of(name)} ELSE 0 END" for name in NAMES
    )
    each = ", ".join(f"version_of_{name}" for name in VERSIONED)
    return (
        f"SELECT {others}, {', '.join(NAMES)}, version, "
        "CASE WHEN shared THEN nullif(cleared, 0) END AS cleared, "
        f"CASE WHEN NOT shared THEN [{each}] END AS versions "
        f"FROM (SELECT *, {shared} AS shared, {cleared} AS cleared "
        f"FROM (SELECT *, {newest} AS version FROM ({states})))"
    )


def stored_version(table: str, name: str) -> str:
    """The version of a field of a stored state."""
    said = f"{table}.{name} IS NOT NULL OR {table}.cleared & {bit_of(name)} != 0"
    shared = f"CASE WHEN {said} THEN {table}.version END"
    own = version_of(name, f"{table}.versions")
    return f"CASE WHEN {table}.versions IS NULL THEN {shared} ELSE {own} END"


def _after(column: str, wins: str | None) -> str:
    """A column of the state after, of a field of which nothing comes in or for which it says whether that wins."""
    return f"CASE WHEN wins_{wins} THEN new_{column} ELSE old_{column} END" if wins else f"old_{column}"


def _any(conditions: Iterable[str]) -> str:
    return " OR ".join(conditions) or "false"


def _wins(name: str) -> str:
    """Whether what comes in wins: by version; of equal versions a value beats null, then the greater value."""
    value, version = f"new_{name}", f"new_version_of_{name}"
    value_there, version_there = f"old_{name}", f"old_version_of_{name}"
    unversioned = f"{value} IS NOT NULL AND ({version_there} IS NULL OR {version_there} = {SUPPOSED})"
    tie = f"{version} = {version_there} AND {value} IS NOT NULL AND ({value_there} IS NULL OR {value} > {value_there})"
    versioned = f"{version_there} IS NULL OR {version} > {version_there} OR ({tie})"
    return f"coalesce(CASE WHEN {version} IS NULL THEN {unversioned} ELSE {versioned} END, false)"


def _read(side: str, name: str) -> str:
    """What a report reads in a field: `inbound` where nothing was said, so that saying it changes no value."""
    default = CATALOG.fields[name].default
    return f"coalesce({side}_{name}, {text(default)})" if default else f"{side}_{name}"
