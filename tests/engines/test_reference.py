"""Engines against the plain-Python reading of the contract, over random calls and random requests."""

import itertools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calltally.catalog import CATALOG
from calltally.engines import Engine
from calltally.ingestion import ImportOptions
from tests import reference, strategies
from tests.asking import import_records, report
from tests.conftest import NewBusiness
from tests.deliveries import state_of

EXAMPLES = settings.get_profile(settings.get_current_profile_name()).max_examples


def summary_of(result: Any) -> dict[str, Any]:
    found = dict(vars(result.summary))
    for name in ("rejects_files", "presets", "windows_1252_files"):  # which say how files were read
        del found[name]
    return {**found, "dropped_fields": dict(found["dropped_fields"])}


@settings(max_examples=EXAMPLES * 2)
@given(
    records=strategies.files_of_records(min_size=6, max_size=30),
    asked=st.lists(strategies.requests(), min_size=4, max_size=10),
    time_zone=st.sampled_from(strategies.TIME_ZONES),
    as_of=st.none() | strategies.as_of_times(),
)
def test_reports_equal_the_reference(
    engine: Engine,
    new_business: NewBusiness,
    tmp_path: Path,
    records: list[dict[str, object]],
    asked: list[list[tuple[str, str]]],
    time_zone: str,
    as_of: int | None,
) -> None:
    business, expected = new_business(time_zone), reference.Business(time_zone, "US")
    found = import_records(engine, business, records, tmp_path, ImportOptions(as_of=as_of))
    assert summary_of(found) == vars(expected.apply_file(records, as_of=as_of))
    for params in asked:
        answer = report(engine, business, params)
        wanted = reference.report(expected.calls(), time_zone, params)
        assert reference.encode(answer) == reference.encode(wanted), params
    engine.remove(business.calls)


@given(
    files=st.lists(
        st.tuples(strategies.files_of_records(max_size=12), st.none() | strategies.as_of_times()),
        min_size=2,
        max_size=4,
    )
)
def test_files_one_after_another_end_as_in_the_reference(
    engine: Engine, new_business: NewBusiness, tmp_path: Path, files: list[tuple[list[dict[str, object]], int | None]]
) -> None:
    business, expected = new_business("America/New_York"), reference.Business("America/New_York", "US")
    for records, as_of in files:
        found = import_records(engine, business, records, tmp_path, ImportOptions(as_of=as_of))
        assert summary_of(found) == vars(expected.apply_file(records, as_of=as_of))
    for group_by, metrics in itertools.product(
        ("source,utm_source,utm_medium", "utm_campaign,utm_term,call_flow", "call_flow_id,number_id,tracking_number"),
        (",".join(strategies.METRIC_NAMES),),
    ):
        params = [("group_by", group_by), ("metrics", metrics), ("limit", "1000")]
        assert report(engine, business, params) == reference.report(expected.calls(), "America/New_York", params)
    engine.remove(business.calls)


@given(records=strategies.files_of_records(min_size=1, max_size=15), as_of=st.none() | strategies.as_of_times())
def test_importing_a_file_again_changes_nothing(
    engine: Engine, new_business: NewBusiness, tmp_path: Path, records: list[dict[str, object]], as_of: int | None
) -> None:
    business, options = new_business("Australia/Lord_Howe"), ImportOptions(as_of=as_of)
    first = import_records(engine, business, records, tmp_path, options).summary
    params = [("group_by", "source,date,status"), ("metrics", ",".join(strategies.METRIC_NAMES)), ("limit", "1000")]
    before = report(engine, business, params)
    again = import_records(engine, business, records, tmp_path, options).summary
    assert (again.added, again.updated, again.rejected) == (0, 0, first.rejected)
    assert again.unchanged == first.added + first.updated + first.unchanged
    assert report(engine, business, params) == before
    engine.remove(business.calls)


@settings(max_examples=EXAMPLES // 2)  # each of which is a dozen imports
@given(
    files=st.lists(
        st.tuples(st.lists(strategies.records(), min_size=1, max_size=4), strategies.as_of_times()),
        min_size=2,
        max_size=4,
    ),
    order=st.randoms(use_true_random=False),
)
def test_files_with_versions_end_the_same_in_any_order(
    engine: Engine,
    new_business: NewBusiness,
    tmp_path: Path,
    files: list[tuple[list[dict[str, object]], int]],
    order: Any,
) -> None:
    """Their records say versions or take that of their file; some files come twice."""
    states = []
    for _ in range(3):
        business = new_business()
        for records, as_of in files + order.sample(files, 1):
            import_records(engine, business, records, tmp_path, ImportOptions(as_of=as_of))
        states.append(state_of(engine, business))
        order.shuffle(files)
        engine.remove(business.calls)
    assert states[0] == states[1] == states[2]


@pytest.mark.parametrize("dimension", strategies.DIMENSION_NAMES)
def test_every_metric_by_every_dimension_in_three_time_zones(
    engine: Engine,
    across: bool,
    new_business: NewBusiness,
    tmp_path: Path,
    dimension: str,
    many_records: list[dict[str, object]],
) -> None:
    # Across a wire the dimensions share the time zones out among them, but for those of time.
    some = slice(strategies.DIMENSION_NAMES.index(dimension) % len(strategies.TIME_ZONES), None, 3)
    all_of_them = not across or CATALOG.dimensions[dimension].grain is not None
    for time_zone in strategies.TIME_ZONES if all_of_them else strategies.TIME_ZONES[some]:
        business, expected = new_business(time_zone), reference.Business(time_zone, "US")
        import_records(engine, business, many_records, tmp_path)
        expected.apply_file(many_records)
        for sort_by, sort_order in itertools.product((*strategies.METRIC_NAMES, dimension), ("asc", "desc")):
            params = [
                ("group_by", dimension),
                ("metrics", ",".join(strategies.METRIC_NAMES)),
                ("sort_by", sort_by),
                ("sort_order", sort_order),
                ("limit", "1000"),
            ]
            assert report(engine, business, params) == reference.report(expected.calls(), time_zone, params), params
        engine.remove(business.calls)
