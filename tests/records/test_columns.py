"""A column is read as each of its values would be, however it comes."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.catalog import CATALOG, CallField, FieldKind
from calltally.localtime import LocalTimeKind, offset_table
from calltally.records import BadValue, ColumnReader, Moment, Reading, columns, read_value
from calltally.records.phones import NO_NUMBER
from tests import strategies

READINGS = (
    Reading("US", offset_table("America/New_York")),
    Reading("CA", offset_table("America/St_Johns"), ("%m/%d/%Y %I:%M %p", "%Y-%m-%d %H:%M:%S")),
    Reading("GB", offset_table("Europe/London")),
    Reading("JM", offset_table("Australia/Lord_Howe")),
    Reading("FR", offset_table("UTC"), ("%d.%m.%Y %H:%M",)),
)

# Times of a clock: a little more than a call can have, and one that does not occur in New York.
FIRST, LAST = datetime(1969, 12, 30), datetime(2101, 1, 3)  # noqa: DTZ001
SKIPPED = datetime(2024, 3, 10, 2, 30)  # noqa: DTZ001

Read = tuple[list[Any], dict[int, str], dict[int, LocalTimeKind]]


few = st.sampled_from((0, columns.FEW_DISTINCT))  # texts that are read one by one
lasts = st.booleans()


@contextmanager
def read_one_by_one(most: int) -> Iterator[None]:
    """Read no more texts one by one than so many."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(columns, "FEW_DISTINCT", most)
        yield


def value_by_value(row: CallField, raw: Sequence[object], reading: Reading) -> Read:
    """What a column comes to if each value is read by itself."""
    values: list[Any] = []
    problems: dict[int, str] = {}
    kinds: dict[int, LocalTimeKind] = {}
    for at, value in enumerate(raw):
        try:
            stored = read_value(row, value, reading)
        except BadValue as bad:
            problems[at], stored = str(bad), None
        if isinstance(stored, Moment):
            if stored.kind is not LocalTimeKind.ONCE:
                kinds[at] = stored.kind
            stored = stored.instant
        values.append(stored)
    return values, problems, kinds


def as_column(row: CallField, raw: Any, reader: ColumnReader) -> Read:
    column = reader.read(raw)
    expected = {FieldKind.TIME: pa.int64(), FieldKind.WHOLE: pa.int64(), FieldKind.BOOLEAN: pa.bool_()}
    assert column.values.type == expected.get(row.kind, pa.string())
    assert len(column.values) == len(raw)
    return column.values.to_pylist(), dict(column.problems), dict(column.kinds)


# Values

blanks = st.text(st.sampled_from(" \t\n\r\x0b\x1c\x1f\x85\xa0\u2003\u200b\u3000\ufeff\x00"), max_size=2)
lengths = st.sampled_from((1, 127, 128, 129, 256, 257, 511, 512, 513, 1100))
texts = st.one_of(
    st.sampled_from((*strategies.TEXTS, *strategies.STATUSES, *strategies.CALL_IDS, "", " ", "~", "!", "\x7f", "\x1f")),
    st.text(st.characters(codec="utf-8"), max_size=12),
    st.builds(lambda letter, length: letter * length, st.sampled_from("a \x00éİ"), lengths),
)
digits = st.text("0123456789", min_size=7, max_size=12)
shapes = st.sampled_from(
    (
        "+1{}",
        "+{}",
        "{}",
        "1{}",
        "({:.3}) {}",
        "+44{}",
        "+1 {}",
        "{}\n",
        "{} x5",
        "{};ext=7",
        "00{}",
        "011{}",
        "\uff11{}",
    )
)
phones = st.one_of(
    st.sampled_from(
        (*strategies.PHONES, *sorted(NO_NUMBER), "BLOCKED", "(305)555-1234", "305.555 1234", "+13055551234\n")
    ),
    st.from_regex(r"\(?[1-9]\d\d\)?[ .\-\t]?\d{3}[ .-]?\d{4}", fullmatch=True),
    st.builds(lambda shape, number: shape.format(number, number[3:]), shapes, digits),
)
ODD_TIMES = (
    "0000-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "1970-01-01T00:00:00Z", "1970-01-01T00:00:00+00:01",
    "2100-12-31T23:59:59.999999Z", "2101-01-01T00:00:00Z", "2101-01-01T00:00:00", "9999-12-31T23:59:59-23:59",
    "2024-02-29T00:00:00Z", "2023-02-29T00:00:00Z", "2024-02-30T00:00:00", "2024-04-31T00:00:00Z",
    "2024-01-01T24:00:00Z", "2024-01-01T23:59:60Z", "2024-01-01T23:60:00Z", "2024-01-01T10:00:00+24:00",
    "2024-01-01T10:00:00-0500", "2024-01-01", "2024-01-01T10Z", "2024-01-01T10:00:00.1Z", "2024-1-1T00:00:00Z",
)  # fmt: skip
CLOCK = r"[Tt ][0-2]\d:[0-6]\d(:[0-6]\d(\.\d{1,7})?)?([Zz]|[+-][0-2]\d:[0-6]\d)?"
times = st.one_of(
    strategies.raw_times(),
    st.sampled_from(
        (*ODD_TIMES, "2024-01-01T10:00:00\n", "3/9/2026 2:05 PM", "09.03.2026 14:05", "\uff12024-01-01 10:00")
    ),
    st.from_regex(rf"(19[67]\d|20\d\d|210[01])-[01]\d-[0-3]\d{CLOCK}", fullmatch=True),
    st.datetimes(FIRST, LAST).map(lambda moment: moment.isoformat(" ", "seconds")),
)
ODD_NUMBERS = (
    "-0",
    "+5",
    "007",
    "1" * 15,
    "1" * 16,
    "0" * 39 + "7",
    "0" * 41,
    "1e3",
    "69.5",
    "7.0",
    "7.",
    "- 5",
    "\uff17",
)
numbers = st.one_of(
    strategies.raw_numbers((0, 1, -1, 99, 100, 101, 10**7, 10**7 + 1, 10**12, 10**12 + 1, -(10**12), 10**15, 10**16)),
    st.sampled_from(ODD_NUMBERS),
    st.from_regex(r"[+-]?[0-9]{1,20}(\.0)?", fullmatch=True),
)
flags = st.one_of(st.sampled_from(strategies.FLAGS), st.sampled_from(("maybe", "2", "TRUE\n", "ja")))
choices = st.sampled_from(("inbound", "outbound", " outbound", "Inbound", "in", ""))
anything = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.sampled_from((0, 1, 2, 100, 0.0, -0.0, 1.0, 12.0, 1e300, b"bytes", ["a"], {"a": 1}, SKIPPED)),
    st.datetimes(timezones=st.just(UTC)),
)

USUAL: dict[FieldKind, st.SearchStrategy[Any]] = {
    FieldKind.ID: texts,
    FieldKind.TIME: times,
    FieldKind.PHONE: phones,
    FieldKind.TEXT: texts,
    FieldKind.STATUS: texts,
    FieldKind.CHOICE: choices,
    FieldKind.WHOLE: numbers,
    FieldKind.BOOLEAN: flags,
}


def padded(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """The values, some texts among them with blanks of every sort at their ends."""
    around = st.builds(lambda left, value, right: f"{left}{value}{right}", blanks, values.filter(_is_text), blanks)
    return st.one_of(values, values, values, around)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def texts_of(row: CallField) -> st.SearchStrategy[str | None]:
    return st.one_of(st.none(), padded(USUAL[row.kind]).filter(_is_text), texts)


@st.composite
def text_columns(draw: st.DrawFn) -> tuple[CallField, list[list[str | None]]]:
    row = draw(st.sampled_from(sorted(CATALOG.fields.values(), key=lambda row: row.name)))
    return row, draw(st.lists(st.lists(texts_of(row), max_size=6), min_size=1, max_size=3))


@st.composite
def mixed_columns(draw: st.DrawFn) -> tuple[CallField, list[list[Any]]]:
    row = draw(st.sampled_from(sorted(CATALOG.fields.values(), key=lambda row: row.name)))
    values = st.one_of(padded(USUAL[row.kind]), anything)
    return row, draw(st.lists(st.lists(values, max_size=6), min_size=1, max_size=3))


@given(column=text_columns(), reading=st.sampled_from(READINGS), encoded=st.booleans(), few=few, lasts=lasts)
def test_texts_in_an_array(
    column: tuple[CallField, list[list[str | None]]], reading: Reading, encoded: bool, few: int, lasts: bool
) -> None:
    row, batches = column
    reader = ColumnReader(row, reading, lasts=lasts)
    for raw in batches:
        array = pa.array(raw, pa.string())
        with read_one_by_one(few):
            found = as_column(row, array.dictionary_encode() if encoded else array, reader)
        assert found == value_by_value(row, raw, reading)


@given(column=mixed_columns(), reading=st.sampled_from(READINGS), lasts=lasts)
def test_values_in_a_list(column: tuple[CallField, list[list[Any]]], reading: Reading, lasts: bool) -> None:
    row, batches = column
    reader = ColumnReader(row, reading, lasts=lasts)
    for raw in batches:
        assert as_column(row, list(raw), reader) == value_by_value(row, raw, reading)


def in_array(values: st.SearchStrategy[Any], kind: pa.DataType) -> st.SearchStrategy[pa.Array]:
    return st.lists(st.none() | values).map(lambda drawn: pa.array(drawn, kind))


arrays = st.one_of(
    in_array(st.integers(-(2**63), 2**63 - 1) | st.integers(-3, 103), pa.int64()),
    in_array(st.booleans(), pa.bool_()),
    in_array(st.floats(allow_nan=False) | st.integers(-3, 103).map(float), pa.float64()),
    in_array(st.datetimes() | st.datetimes(FIRST, LAST), pa.timestamp("us")),
    in_array(st.datetimes(timezones=st.just(UTC)), pa.timestamp("us", "UTC")),
)


@given(array=arrays, row=st.sampled_from(list(CATALOG.fields.values())), reading=st.sampled_from(READINGS), few=few)
def test_numbers_truths_and_times_in_an_array(array: pa.Array, row: CallField, reading: Reading, few: int) -> None:
    with read_one_by_one(few):
        found = as_column(row, array, ColumnReader(row, reading))
    assert found == value_by_value(row, array.to_pylist(), reading)


@pytest.mark.parametrize("zone", ["America/New_York", "America/St_Johns", "Australia/Lord_Howe", "Africa/Monrovia"])
def test_every_hour_around_every_change_of_the_clock(zone: str) -> None:
    reading = Reading("US", offset_table(zone))
    row = CATALOG.fields["started_at"]
    starts = reading.local_time.starts[1:]
    hours = [start + hour * 1_800_000_000 for start in (*starts[:12], *starts[-12:]) for hour in range(-120, 120)]
    raw = pa.array([hour for hour in hours if hour >= 0], pa.timestamp("us"))
    expected = value_by_value(row, raw.to_pylist(), reading)
    assert LocalTimeKind.TWICE in expected[2].values() or zone == "Africa/Monrovia"
    written = raw.cast(pa.timestamp("s")).cast(pa.string())
    for most in (0, len(raw)):
        with read_one_by_one(most):
            assert as_column(row, raw, ColumnReader(row, reading)) == expected
            assert as_column(row, written, ColumnReader(row, reading)) == expected


def test_what_lasts_remembers_little_and_no_phone_number() -> None:
    texts = pa.array([f"s{number}" for number in range(columns.FEW_DISTINCT)])
    source = ColumnReader(CATALOG.fields["source"], READINGS[0], lasts=True)
    for batch in range(20):
        source.read(pa.array([f"{batch}{text}" for text in texts.to_pylist()] + ["x" * 65]))
        assert set(map(len, map(str, source._remembered))) <= set(range(65))
        assert len(source._remembered) <= columns.LASTING_REMEMBERED
    assert source.read(texts).values == texts
    caller = ColumnReader(CATALOG.fields["caller_number"], READINGS[0], lasts=True)
    assert caller.read(["(305) 555-1234"]).values.to_pylist() == ["+13055551234"]
    assert not caller._remembered, "a number that is erased must be nowhere"


def test_what_is_usual_is_read_as_a_column() -> None:
    """All of it, or the tests above would compare one way of reading with itself."""
    usual = {
        "id": ["call_1", "~", "x" * 128],
        "started_at": ["2026-03-09T14:05:00Z", "2026-07-09 14:05:00", "2026-07-09 14:05:00.123-05:00"],
        "caller_number": ["+13055551234", "(305) 555-1234", "305.555.1234"],
        "source": ["google", "a b"],
        "duration_seconds": ["0", "10000000"],
    }
    for name, raw in usual.items():
        reader = ColumnReader(CATALOG.fields[name], READINGS[0])
        assert None not in reader._usual(pa.array(raw)).to_pylist()
