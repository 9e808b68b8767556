"""Random deliveries, files, deletions and erasures, and what the calls of a business are after them."""

from datetime import datetime
from typing import Any

from hypothesis import strategies as st

from calltally.accounts import Business
from calltally.engines import Engine, Page, Stop
from calltally.ingestion import Delivered, Delivery, deliver
from tests import reference, strategies

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
