"""A file into a business: rows read, put into the engine at once, and a summary in which no row is missing."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count, islice
from pathlib import Path
from typing import BinaryIO

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from calltally.accounts import Business
from calltally.catalog import CATALOG
from calltally.engines import Engine, Load, LoadSummary
from calltally.errors import CalltallyError, Problem, UnreadableFile
from calltally.ingestion.by_preset import FileReading
from calltally.ingestion.files import ABSENT, RowBatch, RowReader, open_rows
from calltally.ingestion.presets import GENERIC, OWN_NAMES, PRESETS, Preset, columns_read, folded, named_by_position
from calltally.ingestion.reading import RejectedRow, RowReading
from calltally.ingestion.rejects import RejectedField, Rejects
from calltally.localtime import LocalTimeKind
from calltally.records import Reading

__all__ = ["UNPLACED", "FileResult", "ImportOptions", "ImportSummary", "Progress", "import_file", "import_records"]

# What is wrong with a row that would change a call which is not there.
UNPLACED = Problem("started_at", "started_at: is missing, and no call has this id yet")
RECORDS_A_BATCH = 20_000
COLUMNS_LISTED = 20
COLUMNS_MAPPED = 3  # in an example


@dataclass(frozen=True)
class ImportOptions:
    """How to read a file: columns by field name, formats of time (`datetime.strptime`), and whether only to look.

    `as_of` is the version of records that do not say one, in microseconds UTC; None leaves them unversioned. `preset`
    says who wrote the file; None leaves that to be found out.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    time_formats: tuple[str, ...] = ()
    dry_run: bool = False
    as_of: int | None = None
    preset: Preset | None = None


@dataclass(frozen=True)
class Progress:
    """How far a file is: bytes of it read, of how many, and rows so far; `merging` once all rows are read.

    Of a stream nobody knows how many bytes there are: its `size` is None.
    """

    position: int
    size: int | None
    rows: int
    merging: bool = False


@dataclass
class ImportSummary:
    """What happened to the rows of one or several files: read = added + updated + unchanged + rejected.

    `presets` says how many files were read by which preset, but for the generic one, `windows_1252_files` how many as
    windows-1252, as they are not UTF-8.
    """

    read: int = 0
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    ambiguous_times: int = 0
    skipped_times: int = 0
    dropped_fields: Counter[str] = field(default_factory=Counter)
    rejects_files: list[str] = field(default_factory=list)
    presets: Counter[str] = field(default_factory=Counter)
    windows_1252_files: int = 0

    def include(self, other: "ImportSummary") -> None:
        """Add another file's summary."""
        for name, value in vars(other).items():
            mine = getattr(self, name)
            mine += value
            setattr(self, name, mine)
        self.rejects_files = list(dict.fromkeys(self.rejects_files))  # a file may be given twice


@dataclass(frozen=True)
class FileResult:
    """A file's summary, and what went wrong if the file broke off or rejected rows could not be written down.

    What the summary counts is in all the same. `rejected` are the fields that kept rows out.
    """

    summary: ImportSummary
    failure: CalltallyError | None = None
    rejected: tuple[RejectedField, ...] = ()


def import_file(
    path: Path,
    business: Business,
    engine: Engine,
    options: ImportOptions,
    on_progress: Callable[[Progress], None] = lambda _: None,
    *,
    stream: BinaryIO | None = None,
) -> FileResult:
    """Put a file's calls into a business; a stream that is given is read in place of the file, and goes by its name.

    Raises:
        UnreadableFile: nothing of it could be read.
        CalltallyError: there are rejected rows and nowhere to write them, so nothing is imported.
    """
    known = OWN_NAMES | set(options.columns.values())
    with open_rows(path, known=known, unnamed=lambda first: _unnamed(first, options), stream=stream) as rows:
        reading = FileReading(rows, options.preset, options.columns, _reading(business, options))
        _check_columns(path, rows, reading.preset or GENERIC, options)
        summary = ImportSummary()
        rejects = Rejects(path, rows.unit)
        with engine.load(business.calls) as load:
            with rejects:
                broken = _gather(
                    rows,
                    reading=reading,
                    options=options,
                    load=load,
                    rejects=rejects,
                    summary=summary,
                    on_progress=on_progress,
                )
            on_progress(Progress(rows.position, rows.size, summary.read, merging=True))
            summary.rejected = rejects.count
            found = load.finish(dry_run=options.dry_run)
            summary.added, summary.updated, summary.unchanged = found.added, found.updated, found.unchanged
            summary.rejected += found.unplaced
            unwritten = _reject_unplaced(load, rejects) if found.unplaced else None
        if summary.rejected:
            summary.rejects_files = [str(rejects.path)]
        if reading.preset and reading.preset is not GENERIC:
            summary.presets[reading.preset.name] = 1
        summary.windows_1252_files = int(rows.encoding == "cp1252")
        rejects.tidy(finished=not (broken or options.dry_run))
        return FileResult(summary, broken or unwritten, rejects.fields)


def import_records(records: Iterable[Mapping[str, object]], business: Business, engine: Engine) -> LoadSummary:
    """Put records made here into a business; every one has to be good."""
    reader = RowReading(_reading(business, ImportOptions()), {})
    with engine.load(business.calls) as load:
        for batch in _batches(records):
            found = reader.read(batch)
            if found.rejected:
                raise ValueError(f"a record made here is not good: {found.rejected[0]}")
            load.add(found.rows)
        return load.finish()


def _batches(records: Iterable[Mapping[str, object]]) -> Iterator[RowBatch]:
    numbers = count(1)
    remaining = iter(records)
    while rows := list(islice(remaining, RECORDS_A_BATCH)):
        names = dict.fromkeys(name for row in rows for name in row)
        turns = list(islice(numbers, len(rows)))
        yield RowBatch({name: [row.get(name, ABSENT) for row in rows] for name in names}, turns, turns, [])


def _reading(business: Business, options: ImportOptions) -> Reading:
    return Reading.of(business.region, business.timezone, options.time_formats)


def _gather(
    rows: RowReader,
    *,
    reading: FileReading,
    options: ImportOptions,
    load: Load,
    rejects: Rejects,
    summary: ImportSummary,
    on_progress: Callable[[Progress], None],
) -> UnreadableFile | None:
    """Hand every row to the load or the rejects; gives back where the file broke off, if it did."""
    broken = None
    try:
        for batch in rows:
            found, ready = reading.read(batch)
            for each in ready:
                load.add(_as_of(each, options.as_of))
            if found.rows["record"].null_count < len(found.rows):
                rejects.open()  # these may turn out to be rejected when the others are in, which would be too late
            for row in found.rejected:
                rejects.write(row)
            summary.read += found.read
            summary.ambiguous_times += found.kinds[LocalTimeKind.TWICE]
            summary.skipped_times += found.kinds[LocalTimeKind.NEVER]
            summary.dropped_fields += found.dropped
            on_progress(Progress(rows.position, rows.size, summary.read))
    except UnreadableFile as error:
        broken = error
    for each in reading.rest():
        load.add(_as_of(each, options.as_of))
    return broken


def _as_of(rows: pa.RecordBatch, version: int | None) -> pa.RecordBatch:
    """The rows, those that say no version with the one that is given."""
    if version is None:
        return rows
    at = rows.schema.get_field_index("version")
    return rows.set_column(at, rows.schema.field(at), pc.fill_null(rows.column(at), version))


def _reject_unplaced(load: Load, rejects: Rejects) -> CalltallyError | None:
    """Write down the rows that found no call; gives back what went wrong, as all other rows are in by now."""
    rejects.outcome = "all other rows were taken"
    try:
        with rejects:
            for row in load.unplaced():
                rejects.write(RejectedRow(row.place, (UNPLACED,), orjson.loads(row.record)))
    except CalltallyError as error:
        return error
    return None


def _unnamed(first: Sequence[Sequence[str]], options: ImportOptions) -> tuple[str, ...] | None:
    """The columns of a file that begins with these rows, if it has no header and a preset knows it."""
    return named_by_position(first, (options.preset,) if options.preset else tuple(PRESETS.values()))


def _check_columns(path: Path, rows: RowReader, preset: Preset, options: ImportOptions) -> None:
    """A table whose header has nothing that was named or is known is not read at all: every row would be rejected."""
    if not rows.columns:  # it has no header, or is empty
        return
    missing = [f"'{column}'" for column in options.columns.values() if column not in rows.columns]
    listed = ", ".join(f"'{column}'" for column in rows.columns[:COLUMNS_LISTED])
    if len(rows.columns) > COLUMNS_LISTED:
        listed += f" and {len(rows.columns) - COLUMNS_LISTED} more"
    if missing:
        raise UnreadableFile(f"{path} has no column {' nor '.join(missing)}; its columns are {listed}")
    if OWN_NAMES & set(rows.columns) or options.columns or columns_read(preset) & set(map(folded, rows.columns)):
        return
    if preset is not GENERIC:
        raise UnreadableFile(
            f"No column of {path} is one that the preset '{preset.name}' reads; its first line has {listed}; "
            "name another --preset, or leave it away to have it found out"
        )
    raise UnreadableFile(
        f"No column of {path} is a call field; its first line has {listed}; "
        f"say which is which with --map, such as {_mapped(rows.columns)}"
    )


def _mapped(columns: Iterable[str]) -> str:
    """How to say which field some of the columns are that differ from its names in blanks, signs and case alone."""
    names = {folded(name): row.name for row in CATALOG.fields.values() for name in (row.name, *row.aliases)}
    near = [f"--map {names[folded(column)]}='{column}'" for column in columns if folded(column) in names]
    return " ".join(near[:COLUMNS_MAPPED]) or "--map started_at='Call Time'"
