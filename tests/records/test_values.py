"""Single values: what is stored, and what is refused with which words."""

import json
from datetime import UTC, datetime, timedelta, timezone

import phonenumbers
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from calltally.catalog import CATALOG
from calltally.localtime import LocalTimeKind, microseconds, offset_table
from calltally.records import BadValue, Moment, Reading, normal_status, phones, read_value
from calltally.records.phones import read_phone

NEW_YORK = Reading("US", offset_table("America/New_York"))
NOON = microseconds(datetime(2026, 3, 9, 12, tzinfo=UTC))


def read(field: str, raw: object, reading: Reading = NEW_YORK) -> object:
    return read_value(CATALOG.fields[field], raw, reading)


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("(305) 555-1234", "+13055551234"),
        ("+1 305.555.1234", "+13055551234"),
        ("305/555-1234 ext. 12", "+13055551234"),
        ("3055551234x9", "+13055551234"),
        ("+44 20 7946 0000;ext=5", "+442079460000"),
        ("1-305-555-1234", "+13055551234"),
        ("555-1234", "555-1234"),
        ("+1 555-1234", "+1 555-1234"),
        ("911", "911"),
        ("1234567890123456", "1234567890123456"),
        ("1+3055551234", "1+3055551234"),
        ("1-800-FLOWERS", "1-800-FLOWERS"),
        ("sip:bob@example.com", "sip:bob@example.com"),
        ("C00001", "C00001"),
        (3055551234, "+13055551234"),
        ("Anonymous", None),
        ("RESTRICTED", None),
        ("  ", None),
    ],
)
def test_phone_numbers(written: object, stored: str | None) -> None:
    assert read("caller_number", written) == stored


def test_a_national_number_goes_by_the_region() -> None:
    assert read("caller_number", "020 7946 0000", Reading("GB", NEW_YORK.local_time)) == "+442079460000"


@pytest.mark.parametrize(
    ("written", "instant"),
    [
        ("2026-03-09T12:00:00Z", NOON),
        ("2026-03-09t12:00z", NOON),
        ("2026-03-09 14:30:00+02:30", NOON),
        ("2026-03-09T12:00:00.1234569-00:00", NOON + 123456),
        ("2026-03-09T08:00:00", NOON),
        ("2026-03-09T11:59:60Z", NOON),
        (datetime(2026, 3, 9, 12, tzinfo=UTC), NOON),
        (datetime(2026, 3, 9, 14, tzinfo=timezone(timedelta(hours=2))), NOON),
        (datetime(2026, 3, 9, 8), NOON),  # noqa: DTZ001 - local is meant
    ],
)
def test_times(written: object, instant: int) -> None:
    assert read("started_at", written) == Moment(instant)


@pytest.mark.parametrize(
    ("written", "utc", "kind"),
    [
        ("2026-11-01T01:30:00", datetime(2026, 11, 1, 5, 30, tzinfo=UTC), LocalTimeKind.TWICE),
        ("2026-03-08T02:30:00", datetime(2026, 3, 8, 7, 30, tzinfo=UTC), LocalTimeKind.NEVER),
        ("2026-11-01T01:30:00-05:00", datetime(2026, 11, 1, 6, 30, tzinfo=UTC), LocalTimeKind.ONCE),
    ],
)
def test_local_times_of_changed_clocks(written: str, utc: datetime, kind: LocalTimeKind) -> None:
    assert read("started_at", written) == Moment(microseconds(utc), kind)


def test_named_formats_come_first_and_rfc3339_still_reads() -> None:
    reading = Reading("US", offset_table("UTC"), ("%m/%d/%Y %I:%M %p", "%d.%m.%Y %H:%M"))
    expected = Moment(microseconds(datetime(2026, 3, 9, 14, 5, tzinfo=UTC)))
    for written in ("3/9/2026 2:05 PM", "09.03.2026 14:05", "2026-03-09T14:05Z"):
        assert read("started_at", written, reading) == expected


@pytest.mark.parametrize(
    ("field", "raw"),
    [
        ("started_at", "2026-02-30T00:00:00Z"),
        ("started_at", "2026-03-09"),
        ("started_at", "2026-03-09T24:00:00Z"),
        ("started_at", "2026-03-09T12:00:61Z"),
        ("started_at", "2026-03-09T12:00:00+24:00"),
        ("started_at", "1969-12-31T23:59:59Z"),
        ("started_at", "2101-01-01T00:00:00Z"),
        ("started_at", 1773057600),
        ("direction", "Inbound"),
        ("direction", True),
        ("duration_seconds", "69.5"),
        ("duration_seconds", -1),
        ("duration_seconds", "1e3"),
        ("duration_seconds", "10000001"),
        ("duration_seconds", True),
        ("duration_seconds", "9" * 5000),
        ("ai_score", 101),
        ("ai_score", 69.5),
        ("value_cents", 10**12 + 1),
        ("qualified", "maybe"),
        ("qualified", 2),
        ("source", True),
        ("source", 1.5),
        ("source", ["google"]),
        ("source", "x" * 513),
        ("source", "a\x00b"),
        ("id", "x" * 129),
        ("status", "x" * 513),
        ("status", "İ" * 257),
    ],
)
def test_bad_values_say_what_was_given(field: str, raw: object) -> None:
    with pytest.raises(BadValue) as refused:
        read(field, raw)
    said = json.dumps(raw) if isinstance(raw, bool | list) else str(raw)
    assert str(refused.value).startswith(f"'{said[:100]}' ")
    assert len(str(refused.value)) < 250


@pytest.mark.parametrize(
    ("field", "raw", "stored"),
    [
        ("duration_seconds", " 12.0 ", 12),
        ("duration_seconds", 12.0, 12),
        ("value_cents", "-000000000000000000001", -1),
        ("value_cents", "-" + "0" * 5000 + "7." + "0" * 5000, -7),
        ("value_cents", "+0.0", 0),
        ("qualified", "YES", True),
        ("qualified", 0, False),
        ("source", 12, "12"),
        ("source", 12.0, "12"),
        ("source", " a b ", "a b"),
        ("direction", " outbound ", "outbound"),
        ("direction", "", None),
        ("ai_score", "", None),
        ("status", " No Answer ", "no-answer"),
        ("status", "ANSWERED", "completed"),
        ("status", "in_progress", "in-progress"),
        ("status", "İ" * 256, "i̇" * 256),
    ],
)
def test_good_values(field: str, raw: object, stored: object) -> None:
    assert read(field, raw) == stored


@pytest.mark.parametrize(
    "written",
    ["(" + " " * 100_000 + "a", "1" + " " * 100_000 + "x", "1;" + " " * 100_000, "( " * 100_000, "1" * 100_000],
)
def test_a_long_text_that_is_no_number_is_seen_to_be_none_without_trying_all_ways(written: str) -> None:
    assert read_phone(written, "US") == written


@given(
    zeros=st.integers(0, 3),
    digits=st.text("0123456789", min_size=5, max_size=14),
    plus=st.sampled_from(["", "+"]),
    region=st.sampled_from(sorted(phonenumbers.SUPPORTED_REGIONS)),
)
@example(2, "9853846", "", "AU")
@example(3, "3999734", "", "DE")
@example(0, "490075316259", "+", "US")
@example(0, "888439676", "", "BY")
def test_a_number_that_was_read_reads_as_itself(zeros: int, digits: str, plus: str, region: str) -> None:
    found = read_phone(plus + "0" * zeros + digits, region)
    assert found is not None
    assert read_phone(found, region) == found


@pytest.mark.parametrize("written", ["0001-01-01 00:30 +0100", "9999-12-31 23:30 -0100"])
def test_a_time_in_a_year_that_utc_does_not_have_is_refused(written: str) -> None:
    reading = Reading("US", offset_table("UTC"), ("%Y-%m-%d %H:%M %z",))
    with pytest.raises(BadValue, match="is not from 1970 to 2100"):
        read("started_at", written, reading)


@pytest.mark.parametrize("written", ["0001-01-01T00:30:00+01:00", "9999-12-31T23:30:00-01:00"])
def test_a_version_that_could_not_be_written_again_is_refused(written: str) -> None:
    with pytest.raises(BadValue, match="is not from the year 1 to 9999 in UTC"):
        read("updated_at", written, Reading("US", offset_table("UTC")))


@pytest.mark.parametrize("written", ["0001-01-01T00:30:00Z", "9999-12-31T23:59:59.999999Z"])
def test_the_first_and_the_last_version(written: str) -> None:
    moment = read("updated_at", written, Reading("US", offset_table("UTC")))
    assert isinstance(moment, Moment)
    assert moment.instant == microseconds(datetime.fromisoformat(written))


def test_statuses_are_looked_for_as_they_are_stored() -> None:
    assert normal_status(" Missed ") == "no-answer"
    assert normal_status("   ") == ""


@given(
    digits=st.text("0123456789", min_size=9, max_size=12),
    shape=st.sampled_from(["+1{}", "+{}", "{}", "({:.3}) {}", "1{}"]),
    region=st.sampled_from(["US", "CA", "GB", "JM"]),
)
def test_the_short_way_of_north_american_numbers_is_that_of_the_tables(digits: str, shape: str, region: str) -> None:
    written = f"({digits[:3]}) {digits[3:6]}-{digits[6:]}" if shape.startswith("(") else shape.format(digits)
    assert read_phone(written, region) == phones._by_tables(written, region)
