"""The contract's rules of versions for single calls, field by field: what one more delivery makes of a call.

A field is empty (no value, no version), unversioned (a value only) or versioned (a version, and a value or, where it
was cleared, none). A state has the values and the versions of the fields of `VALUE_FIELDS`, in their order. Engines
say the same for whole files in a language of their own.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from calltally.engines.rows import VALUE_FIELDS

__all__ = [
    "NEVER_AGAIN",
    "SUPPOSED",
    "Change",
    "Said",
    "State",
    "StoredVersions",
    "changed_by",
    "stored_versions",
    "told_versions",
]

# The version of what was erased: no delivery has a greater one.
NEVER_AGAIN = 2**63 - 1
# The version of what is only supposed, such as the start of a call of which nobody has said it: it fills a field that
# is empty, and gives way to whatever is said, be it without a version. It is told to nobody.
SUPPOSED = -(2**63) + 1
DEFAULTS = tuple(field.default for field in VALUE_FIELDS)


class State(NamedTuple):
    """What is known of a call; of a field without value and version nothing was ever said."""

    values: tuple[Any, ...]
    versions: tuple[int | None, ...]


class Said(NamedTuple):
    """What a delivery says of a field, which is at this place: its value, or with a version that it has none."""

    place: int
    value: Any
    version: int | None


class Change(NamedTuple):
    """The state after a delivery, whether anything of it is new, and whether a value that a report reads is."""

    state: State
    anything: bool
    values: bool


def changed_by(there: State, said: Iterable[Said]) -> Change:
    """What a delivery makes of a call: a greater version wins, in each field by itself.

    Of equal versions a value beats null, then the greater value; what has no version fills or replaces what has none.
    """
    values, versions = list(there.values), list(there.versions)
    anything = values_changed = False
    for place, value, version in said:
        if not _wins(value, version, values[place], versions[place]):
            continue
        if value == values[place] and version == versions[place]:
            continue
        anything = True
        values_changed |= _read(place, value) != _read(place, values[place])
        values[place], versions[place] = value, version
    return Change(State(tuple(values), tuple(versions)), anything, values_changed)


def told_versions(values: Sequence[Any], version: int | None, cleared: Iterable[int] = ()) -> tuple[int | None, ...]:
    """The versions of fields that share one: it holds for each with a value, and for those that were cleared."""
    if version is None:
        return (None,) * len(values)
    versions = [None if value is None else version for value in values]
    for place in cleared:
        versions[place] = version
    return tuple(versions)


class StoredVersions(NamedTuple):
    """The shortest form of a state's versions.

    `newest` holds for every field with a value, and for those at the places `cleared`; where that will not do, `each`
    has the versions of all.
    """

    newest: int | None
    cleared: tuple[int, ...]
    each: tuple[int | None, ...] | None


def stored_versions(state: State) -> StoredVersions:
    """The versions of a state in their shortest form."""
    said = {version for version in {*state.versions} if version is not None}
    newest = max(said, default=None)
    if len(said) > 1:
        return StoredVersions(newest, (), state.versions)
    cleared = []
    for place, (value, version) in enumerate(zip(state.values, state.versions, strict=True)):
        if version is None and value is not None and newest is not None:  # the newest would hold for it too
            return StoredVersions(newest, (), state.versions)
        if version is not None and value is None:
            cleared.append(place)
    return StoredVersions(newest, tuple(cleared), None)


def _wins(value: Any, version: int | None, there: Any, version_there: int | None) -> bool:
    if version is None:
        return version_there in {None, SUPPOSED}
    if version == SUPPOSED and version_there is None:
        return there is None
    if version_there is None or version > version_there:
        return True
    return version == version_there and value is not None and (there is None or value > there)


def _read(place: int, value: Any) -> Any:
    """What a report reads: `inbound` where nothing was said, so that saying it changes no value."""
    return DEFAULTS[place] if value is None else value
