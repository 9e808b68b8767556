"""Which preset a file needs: by the names of its columns, or by the shape of its first rows where it has no header."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from calltally.catalog import CATALOG
from calltally.ingestion.presets.generic import GENERIC
from calltally.ingestion.presets.types import Elapsed, From, Layout, Preset, folded
from calltally.ingestion.presets.vendors import PRESETS

__all__ = ["OWN_NAMES", "columns_read", "detected", "named_by_position"]

OWN_NAMES = frozenset(name for row in CATALOG.fields.values() for name in (row.name, *row.aliases))

Row = Sequence[str]


def detected(columns: Iterable[str]) -> Preset:
    """The vendor whose columns these are: the one that knows most of them, and more of them than are fields of ours."""
    header = set(columns)
    found = {folded(column) for column in header}
    most, best = len(header & OWN_NAMES), GENERIC
    for preset in PRESETS.values():
        count = len(found & _known(preset))
        if count > most and any(found.issuperset(map(folded, sign)) for sign in preset.signs):
            most, best = count, preset
    return best


def columns_read(preset: Preset) -> frozenset[str]:
    """The folded names of the columns from which a preset takes something."""
    sources = [source for row in preset.fields for source in row.sources]
    extra = (preset.legs.other,) if preset.legs and preset.legs.other else ()
    return frozenset(folded(name) for source in sources for name in _columns_of(source)) | set(map(folded, extra))


def named_by_position(rows: Sequence[Row], presets: Collection[Preset]) -> tuple[str, ...] | None:
    """The names of the columns of a file that begins with these rows, None if its first row is a header.

    The first row has to have the shape, and most of the others with as many values.
    """
    for layout, shapes in _layouts(presets):
        alike = [row for row in rows if len(row) == len(layout.columns)]
        fitting = sum(_fits(row, shapes) for row in alike)
        if alike and alike[0] is rows[0] and _fits(rows[0], shapes) and 2 * fitting > len(alike):
            return layout.columns
    return None


def _columns_of(source: From) -> tuple[str, ...]:
    since = (source.meaning.since,) if isinstance(source.meaning, Elapsed) else ()
    return (source.column, *since, *(name for name in (source.where, source.unless) if name))


def _known(preset: Preset) -> frozenset[str]:
    """The folded names of the columns that a vendor's files have."""
    known = columns_read(preset) | set(map(folded, preset.others))
    return known if preset.fields else known | set(map(folded, OWN_NAMES))


def _layouts(presets: Collection[Preset]) -> Iterable[tuple[Layout, Mapping[int, "re.Pattern[str]"]]]:
    """Each layout, and the patterns of its columns by position."""
    for preset in presets:
        for layout in preset.layouts:
            yield (
                layout,
                {
                    at: re.compile(preset.shapes[name])
                    for at, name in enumerate(layout.columns)
                    if name in preset.shapes
                },
            )


def _fits(row: Row, shapes: Mapping[int, "re.Pattern[str]"]) -> bool:
    return all(pattern.fullmatch(row[at]) for at, pattern in shapes.items())
