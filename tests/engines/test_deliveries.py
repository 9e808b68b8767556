"""What every engine does with records that come in by themselves, and with what is deleted and erased."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.engines import Engine, Outcome
from calltally.engines.duckdb import deliveries
from calltally.ingestion import Delivery, ImportOptions, deliver
from tests import reference, strategies
from tests.asking import import_records, report
from tests.conftest import NewBusiness
from tests.deliveries import (
    Record,
    api_records,
    delivered,
    expected_values,
    page_of,
    state_of,
    steps,
    values_of,
    version_of,
)


@pytest.fixture(params=[deliveries.MANY, 1], ids=["some", "many"])
def many(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """So many corrections as are merged column by column."""
    monkeypatch.setattr(deliveries, "MANY", request.param)


@pytest.mark.usefixtures("many")
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
