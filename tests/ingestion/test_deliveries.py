"""Records that come in by themselves, held against the plain-Python reading of the contract."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.accounts import Business
from calltally.engines import Engine, Outcome, Page, Stop
from calltally.errors import Unavailable
from calltally.ingestion import Delivered, Delivery, ImportOptions, deliver
from tests import reference, strategies
from tests.asking import import_records, report
from tests.conftest import NewBusiness

Record = dict[str, Any]

NUMBERS = ("+13055551234", "C00001")


@st.composite
def api_records(draw: st.DrawFn) -> Record:
    """A record as it may come over the API: mostly with an id, at times with nulls and faults."""
    record = draw(strategies.file_rows(True))
    if draw(st.integers(0, 9)):
        record = {name: value for name, value in record.items() if name not in ("id", "call_id", "uuid")}
        record[draw(st.sampled_from(("id", "call_id")))] = draw(st.sampled_from(strategies.CALL_IDS))
    for name in draw(st.lists(st.sampled_from(reference.STORED[1:]), unique=True, max_size=3)):
        record[name] = None
    return record


def batches() -> st.SearchStrategy[tuple[str, Any]]:
    delivery = st.tuples(api_records(), st.integers(-3, 3), st.booleans())
    return st.tuples(st.just("deliver"), st.lists(delivery, min_size=1, max_size=6))


def steps() -> st.SearchStrategy[tuple[str, Any]]:
    """What may happen to the calls of a business."""
    files = st.tuples(strategies.files_of_records(max_size=5), st.none() | strategies.as_of_times())
    return st.one_of(
        batches(),
        batches(),
        batches(),
        st.tuples(st.just("import"), files),
        st.tuples(st.just("delete"), st.sampled_from(strategies.CALL_IDS)),
        st.tuples(st.just("erase"), st.sampled_from(NUMBERS)),
    )


def version_of(step: int) -> int:
    """A version among those that records say."""
    return reference.microseconds_of(datetime.fromisoformat(strategies.VERSIONS[0])) + step


def state_of(engine: Engine, business: Business) -> list[Record]:
    """Every call, by id."""
    with engine.export(business.calls, (), None) as found:
        return sorted((call for batch in found for call in batch.to_pylist()), key=lambda call: str(call["id"]))


def page_of(engine: Engine, business: Business) -> list[Record]:
    """The same, as a list gives them."""
    page = engine.page(Page(business.calls, (), None, None, descending=True, limit=500), Stop())
    return sorted(page.to_pylist(), key=lambda call: str(call["id"]))


def values_of(calls: list[Record]) -> dict[str, Record]:
    """The values of calls with ids of their own, times as the reference has them."""
    own = (call for call in calls if call["id"] in strategies.CALL_IDS)
    return {
        call["id"]: {
            **{name: call[name] for name in reference.STORED},
            "started_at": reference.microseconds_of(call["started_at"]),
        }
        for call in own
    }


def expected_values(expected: reference.Business) -> dict[str, Record]:
    return {call["id"]: call for call in expected.calls() if call["id"] is not None}


def delivered(engine: Engine, business: Business, batch: list[tuple[Record, int, bool]]) -> list[Delivered]:
    deliveries = [Delivery(record, version_of(step), clears) for record, step, clears in batch]
    return deliver(deliveries, business, engine)


@given(happens=st.lists(steps(), min_size=1, max_size=7))
def test_whatever_happens_ends_as_in_the_reference(
    engine: Engine, new_business: NewBusiness, tmp_path: Path, happens: list[tuple[str, Any]]
) -> None:
    business, expected = new_business("America/New_York"), reference.Business("America/New_York", "US")
    for kind, what in happens:
        match kind:
            case "deliver":
                found = [each.outcome.value for each in delivered(engine, business, what)]
                wanted = [expected.deliver(r, version_of(s), null_clears=clears) for r, s, clears in what]
                assert found == wanted
            case "import":
                records, as_of = what
                result = import_records(engine, business, records, tmp_path, ImportOptions(as_of=as_of))
                summary = expected.apply_file(records, as_of=as_of)
                assert (result.summary.added, result.summary.updated, result.summary.rejected) == (
                    summary.added,
                    summary.updated,
                    summary.rejected,
                )
            case "delete":
                assert engine.delete(business.calls, what) == expected.delete(what)
            case "erase":
                assert engine.erase(business.calls, what) == expected.erase(what)
    calls = state_of(engine, business)
    assert values_of(calls) == expected_values(expected)
    assert page_of(engine, business) == calls  # `updated_at` too, which each finds out in its own way
    alone = [engine.call(business.calls, str(call["id"])) for call in calls]
    assert [found.to_pylist() for found in alone if found] == [[call] for call in calls]
    params = [("group_by", "source,status,date"), ("metrics", ",".join(strategies.METRIC_NAMES)), ("limit", "1000")]
    assert report(engine, business, params) == reference.report(expected.calls(), "America/New_York", params)
    engine.remove(business.calls)


@given(
    deliveries=st.lists(
        st.tuples(api_records(), st.sampled_from(strategies.VERSIONS[:4]), st.booleans()), min_size=2, max_size=6
    ),
    order=st.randoms(use_true_random=False),
)
def test_any_order_and_repetition_of_versioned_deliveries_ends_in_the_same_calls(
    engine: Engine, new_business: NewBusiness, deliveries: list[tuple[Record, str, bool]], order: Any
) -> None:
    """One by one, together, with repetitions: what comes before its call is held until that comes."""
    batch = [({**record, "updated_at": version}, 0, clears) for record, version, clears in deliveries]
    states = []
    for turn in range(3):
        business = new_business()
        again = [*batch, *order.choices(batch, k=2)]
        for part in [again] if turn == 1 else [[each] for each in again]:
            delivered(engine, business, part)
        states.append(state_of(engine, business))
        order.shuffle(batch)
        engine.remove(business.calls)
    assert states[0] == states[1] == states[2]


def test_a_deleted_call_stays_deleted_whatever_comes(engine: Engine, new_business: NewBusiness, tmp_path: Path) -> None:
    business = new_business()
    call = {"id": "gone", "started_at": "2026-01-01T00:00:00Z", "source": "google"}
    deliver([Delivery(call, 1)], business, engine)
    assert engine.delete(business.calls, "gone")
    later = {**call, "updated_at": "2030-01-01T00:00:00Z"}
    assert [d.outcome for d in deliver([Delivery(later, 2)], business, engine)] == [Outcome.UNCHANGED]
    summary = import_records(engine, business, [later, {**call, "id": "other"}], tmp_path).summary
    assert (summary.added, summary.unchanged) == (1, 1)
    assert engine.call(business.calls, "gone") is None
    assert not engine.delete(business.calls, "gone")


def test_the_bytes_of_an_erased_number_leave_every_file(
    engine: Engine, new_business: NewBusiness, tmp_path: Path
) -> None:
    business = new_business()
    numbers = itertools.count(1000)
    calls = [
        {"id": f"c{n}", "started_at": "2026-01-01T00:00:00Z", "from": f"+1305555{next(numbers)}", "source": "google"}
        for n in range(3000)
    ]
    import_records(engine, business, calls, tmp_path)
    deliver([Delivery({"id": "held", "from": "+13055551234"}, 1)], business, engine)
    folder = Path(str(engine._calls))  # type: ignore[attr-defined] # the files are what this is about
    assert any(b"3055551234" in path.read_bytes() for path in folder.glob(f"{business.calls}*"))
    before = report(engine, business, "group_by=source")
    assert engine.erase(business.calls, "+13055551234") == 1
    assert not any(b"3055551234" in path.read_bytes() for path in folder.glob(f"{business.calls}*"))
    assert report(engine, business, "group_by=source") == before
    import_records(engine, business, calls, tmp_path, ImportOptions(as_of=10**15))
    deliver([Delivery({"id": "new", "started_at": "2026-01-01", "from": "(305) 555-1234"}, 2)], business, engine)
    assert not any(b"3055551234" in path.read_bytes() for path in folder.glob(f"{business.calls}*"))
    assert report(engine, business, "group_by=source&metrics=unique_callers")["data"]["totals"] == {
        "unique_callers": 2999
    }


def test_a_rejected_record_says_what_is_wrong_and_keeps_nobody_out(engine: Engine, new_business: NewBusiness) -> None:
    found = deliver(
        [
            Delivery({"started_at": "2026-01-01T00:00:00Z", "colour": "red"}, 1),
            Delivery({"id": "bad", "started_at": "soon", "ai_score": 101}, 1),
            Delivery({"id": "good", "started_at": "2026-01-01T00:00:00Z", "duration": 3, "duration_seconds": 4}, 1),
            Delivery({"id": "good", "started_at": None}, 2, null_clears=True),
            Delivery({"id": "good", "started_at": None}, 2),
            Delivery({"id": "bad", "started_at": "soon"}, 3, null_clears=True),
        ],
        new_business(),
        engine,
    )
    assert [(each.id, each.outcome.value, [p.param for p in each.problems], each.dropped) for each in found] == [
        (None, "rejected", ["id"], ("colour",)),
        ("bad", "rejected", ["started_at", "ai_score"], ()),
        ("good", "added", [], ("duration",)),
        ("good", "rejected", ["started_at"], ()),
        ("good", "unchanged", [], ()),
        ("bad", "rejected", ["started_at"], ()),
    ]


def test_an_export_that_nobody_takes_keeps_no_number_from_being_erased(
    engine: Engine, new_business: NewBusiness, tmp_path: Path
) -> None:
    business = new_business()
    calls = [
        {"id": f"c{n}", "started_at": "2026-01-01T00:00:00Z", "from": f"+1305555{n % 9000 + 1000}"}
        for n in range(30_000)
    ]
    import_records(engine, business, calls, tmp_path)
    stop = Stop()
    with ThreadPoolExecutor(1) as pool, engine.export(business.calls, (), None, stop) as batches:
        next(batches)
        erasing = pool.submit(engine.erase, business.calls, "+13055551234")
        while not stop.asked:
            assert not erasing.done()
            report(engine, business, "group_by=source")  # goes on until the export has left
        with pytest.raises(Unavailable):
            next(batches)
    assert erasing.result(10) == 4
    assert report(engine, business, "group_by=source")["data"]["totals"] == {"count": 30_000}
