"""Whatever there is of a business is the same at the other side, field by field, and nothing is seen half-way."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calltally.accounts import Business
from calltally.engines import Movable, PartKind, whole
from calltally.errors import Conflict, NotFound, Unavailable
from calltally.folder import DataFolder
from calltally.ingestion import Delivery, deliver
from calltally.moving import Side, copy_calls, forget_mark, look_ahead, prove
from tests.asking import import_records, report
from tests.conftest import NewBusiness
from tests.deliveries import state_of, steps
from tests.moving.conftest import erasure_of, happen, move, nothing, rows_of
from tests.wrapping import WrappedEngine

Record = dict[str, Any]
QUESTION = "group_by=source,month&metrics=count,unique_callers&limit=1000"


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    """Where marks are kept."""
    return DataFolder(tmp_path / "marks")


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole, "ROWS_A_PART", 100)


def calls(count: int, **said: object) -> list[Record]:
    """Calls of several months and of every hour of the day."""
    return [
        {
            "id": f"c{n}",
            "started_at": f"2026-{1 + n % 5:02}-{1 + n % 28:02}T{n % 24:02}:{n % 60:02}:00Z",
            "from": f"+1305555{n % 70:04}",
            "source": f"s{n % 3}",
            "updated_at": "2026-06-01T00:00:00Z",
            **said,
        }
        for n in range(count)
    ]


def fill(engine: Movable, business: Business, path: Path) -> None:
    """Calls, updates that are held, deleted calls, an erased caller, and fields with versions of their own."""
    import_records(engine, business, calls(300), path)
    later = [{"id": f"c{n}", "status": "busy", "updated_at": "2026-07-01T00:00:00Z"} for n in range(0, 300, 7)]
    held: list[Record] = [{"id": f"early{n}", "source": "held", "value_cents": n} for n in range(9)]
    deliver([Delivery(record, 5) for record in (*later, *held)], business, engine)
    deliver([Delivery({"id": "c3", "source": None, "qualified": True}, 10**16)], business, engine)
    for n in range(20, 30):
        engine.delete(business.calls, f"c{n}")
    engine.erase(business.calls, "+13055550005")


def same(one: Movable, other: Movable, business: Business) -> None:
    """Assert that all is the same, field by field."""
    assert rows_of(one, business) == rows_of(other, business)
    assert one.tallies(business.calls) == other.tallies(business.calls)
    assert erasure_of(one.holdings(business.calls)) == erasure_of(other.holdings(business.calls))


@settings(max_examples=4)
@given(happens=st.lists(steps(), min_size=1, max_size=6), later=st.lists(steps(), max_size=2))
def test_whatever_has_happened_is_the_same_there_and_back_again(
    here: Side,
    there: Side,
    back: Side,
    new_business: NewBusiness,
    tmp_path: Path,
    happens: list[tuple[str, Any]],
    later: list[tuple[str, Any]],
) -> None:
    business, folder = new_business("America/New_York"), DataFolder(tmp_path / "marks")
    happen(here.engine, business, happens, tmp_path)
    move(business, here, there, folder, nothing)
    same(here.engine, there.engine, business)
    assert state_of(here.engine, business) == state_of(there.engine, business)
    for side in (here, there):
        happen(side.engine, business, later, tmp_path)
    # What came since is the same but for the moments at which it came.
    assert state_of(here.engine, business) == state_of(there.engine, business)
    move(business, there, back, folder, nothing)
    same(there.engine, back.engine, business)
    assert report(here.engine, business, QUESTION) == report(back.engine, business, QUESTION)


def test_everything_moves_and_is_proved(
    here: Side,
    there: Side,
    back: Side,
    new_business: NewBusiness,
    tmp_path: Path,
    folder: DataFolder,
    small_parts: None,
) -> None:
    business = new_business("America/New_York")
    fill(here.engine, business, tmp_path)
    kinds = [part.kind for part in here.engine.holdings(business.calls).parts]
    assert len(kinds) > 4
    assert {*kinds} == {*PartKind}
    for source, target in ((here, there), (there, back)):
        copied = copy_calls(look_ahead(business, source, target, folder), source, target, folder, nothing)
        assert (copied.before, copied.now) == (0, 290 + 9 + 10)
        same(source.engine, target.engine, business)
        ahead = look_ahead(business, source, target, folder)
        assert (ahead.is_done, ahead.replaces) == (True, None)
        again = copy_calls(ahead, source, target, folder, nothing)
        assert (again.before, again.now) == (309, 0)
    proof = prove(business, here, back, nothing)
    assert proof.differences == ()
    assert (proof.calls, proof.held, proof.deleted, proof.months) == (290, 9, 10, 5)
    assert proof.reports > 80
    # What is held waits on for its call, what was deleted stays so, and who was erased is left out.
    came = [
        {"id": "early1", "started_at": "2026-05-01T00:00:00Z", "from": "+13055550005"},
        {"id": "c21", "started_at": "2026-05-01T00:00:00Z"},
    ]
    deliver([Delivery(record, 7) for record in came], business, back.engine)
    found = {call["id"]: call for call in state_of(back.engine, business)}
    assert found["early1"]["source"] == "held"
    assert found["early1"]["caller_number"] is None
    assert "c21" not in found


class Broken(Exception):
    """What ends a move in a test."""


def broken_off_after(limit: int) -> Callable[[int], None]:
    """Progress that ends the move once so many rows are on their way."""

    def on_rows(rows: int) -> None:
        if rows > limit:
            raise Broken

    return on_rows


def test_a_move_that_was_broken_off_goes_on_and_nothing_is_seen_before_its_end(
    here: Side, there: Side, new_business: NewBusiness, tmp_path: Path, folder: DataFolder, small_parts: None
) -> None:
    business = new_business()
    fill(here.engine, business, tmp_path)
    for limit in (0, 100, 200, 305):
        with pytest.raises(Broken):
            move(business, here, there, folder, broken_off_after(limit))
        seen: list[Any] = []
        try:
            seen = state_of(there.engine, business)
        except Unavailable as refused:
            assert "calltally migrate" in refused.message  # noqa: PT017 - one side refuses, the other has nothing yet
        assert seen == []
    ahead = look_ahead(business, here, there, folder)
    assert ahead.mark
    assert ahead.mark.rows >= 200
    result = copy_calls(ahead, here, there, folder, nothing)
    assert (result.before, result.before + result.now) == (ahead.mark.rows, 309)
    same(here.engine, there.engine, business)


def test_a_part_that_was_put_in_before_the_mark_said_so_is_there_once(
    here: Side, there: Side, new_business: NewBusiness, tmp_path: Path, folder: DataFolder, small_parts: None
) -> None:
    business = new_business()
    fill(here.engine, business, tmp_path)
    holdings = here.engine.holdings(business.calls)
    token = None
    for parts in (holdings.parts, (*holdings.parts[2:], *holdings.parts[:1])):
        with there.engine.taking(business.calls, token) as taking:
            assert taking.resumed == (token is not None)
            token = taking.token
            for part in parts:
                with here.engine.whole_part(business.calls, part) as rows:
                    taking.put(part, rows)
    with there.engine.taking(business.calls, token) as taking:
        taking.finish(holdings)
    assert there.engine.version(business.calls) == taking.version
    same(here.engine, there.engine, business)


def test_a_source_that_was_written_to_is_copied_anew(
    here: Side, there: Side, new_business: NewBusiness, tmp_path: Path, folder: DataFolder, small_parts: None
) -> None:
    business = new_business()
    fill(here.engine, business, tmp_path)

    def write(rows: int) -> None:
        if rows > 200:
            here.engine.delete(business.calls, "c1")

    with pytest.raises(Conflict, match="were written to meanwhile"):
        move(business, here, there, folder, write)
    assert look_ahead(business, here, there, folder).mark is None
    move(business, here, there, folder, nothing)
    same(here.engine, there.engine, business)
    deliver([Delivery({"id": "c2", "utm_term": "new", "updated_at": "2026-09-01T00:00:00Z"}, 1)], business, here.engine)
    ahead = look_ahead(business, here, there, folder)
    assert (ahead.is_done, ahead.replaces) == (False, None)  # what is there is our copy, of before
    copy_calls(ahead, here, there, folder, nothing)
    same(here.engine, there.engine, business)


def test_what_was_there_before_is_replaced_and_told(
    here: Side, there: Side, new_business: NewBusiness, tmp_path: Path, folder: DataFolder
) -> None:
    business = new_business()
    fill(here.engine, business, tmp_path)
    move(business, here, there, folder, nothing)
    import_records(there.engine, business, [{"id": "extra", "started_at": "2020-01-01T00:00:00Z"}], tmp_path)
    there.engine.delete(business.calls, "c100")
    there.engine.erase(business.calls, "+13055550006")
    version = there.engine.version(business.calls)
    ahead = look_ahead(business, here, there, folder)
    assert (ahead.is_done, ahead.replaces) == (False, 290 + 9 + 11)
    copy_calls(ahead, here, there, folder, nothing)
    same(here.engine, there.engine, business)
    assert there.engine.version(business.calls) not in {version, ""}
    assert report(here.engine, business, QUESTION) == report(there.engine, business, QUESTION)


def test_a_business_without_calls_moves_too(
    here: Side, there: Side, new_business: NewBusiness, folder: DataFolder
) -> None:
    business = new_business()
    move(business, here, there, folder, nothing)
    same(here.engine, there.engine, business)
    assert there.engine.holdings(business.calls).is_empty


def test_nothing_moves_to_where_the_calls_were_removed(
    here: Side, there: Side, new_business: NewBusiness, tmp_path: Path, folder: DataFolder
) -> None:
    business = new_business()
    import_records(here.engine, business, calls(3), tmp_path)
    import_records(there.engine, business, calls(3), tmp_path)
    there.engine.remove(business.calls)
    with pytest.raises(NotFound):
        move(business, here, there, folder, nothing)


def test_every_difference_is_told_by_name(
    here: Side, there: Side, new_business: NewBusiness, tmp_path: Path, folder: DataFolder
) -> None:
    business = new_business()
    fill(here.engine, business, tmp_path)
    move(business, here, there, folder, nothing)
    moment = datetime(2026, 3, 9, tzinfo=UTC).isoformat()
    more: list[Record] = [
        {"id": "extra", "started_at": "2026-01-05T00:00:00Z"},
        {"id": "c1", "value_cents": 7},  # of February
        {"id": "c2", "utm_content": "another", "updated_at": "2026-09-01T00:00:00Z"},  # of March, in no report
        {"id": "more", "source": "held", "updated_at": moment},
    ]
    deliver([Delivery(record, 1) for record in more], business, there.engine)
    there.engine.erase(business.calls, "+13050000000")
    found = prove(business, here, there, nothing).differences
    rows = [difference for difference in found if not difference.startswith("the report")]
    january = sum(n % 5 == 0 and not 20 <= n < 30 for n in range(300))
    assert rows == [
        "held updates: 9 in here, 10 in there",
        f"calls of 2026-01: {january} in here, {january + 1} in there",
        "calls of 2026-02: the sum of value is 0 in here, 7 in there",
        "calls of 2026-03: the counts and sums are equal, but not every field of every row, or not its version",
        "erased callers: 1 in here, 2 in there",
    ]
    assert "the report group_by=month&metrics=*&limit=1000 (UTC)" in found
    forget_mark(folder, business.calls)
    assert look_ahead(business, here, there, folder).replaces == 290 + 1 + 10 + 10


def test_calls_that_are_not_found_by_their_ids_are_told(
    here: Side, there: Side, new_business: NewBusiness, tmp_path: Path, folder: DataFolder
) -> None:
    class Forgetting(WrappedEngine):
        """Has all rows, and has lost where a call is."""

        def __getattr__(self, name: str) -> Any:
            return getattr(self.inside, name)

        def call(self, calls: str, call_id: str) -> pa.RecordBatch | None:
            return None if call_id == "c0" else super().call(calls, call_id)

    business = new_business()
    import_records(here.engine, business, calls(100), tmp_path)
    move(business, here, there, folder, nothing)
    assert not prove(business, here, there, nothing).differences
    forgetting = Side("there", cast("Movable", Forgetting(there.engine)))
    assert prove(business, here, forgetting, nothing).differences == (
        "ids: in there 1 of 40 calls are not found by theirs, such as 'c0'",
    )


def test_a_mark_that_is_damaged_is_told(
    here: Side, there: Side, new_business: NewBusiness, tmp_path: Path, folder: DataFolder
) -> None:
    business = new_business()
    import_records(here.engine, business, calls(3), tmp_path)
    move(business, here, there, folder, nothing)
    [mark] = folder.moving.iterdir()
    mark.write_bytes(b'{"source": "here"')
    with pytest.raises(Exception, match="is damaged; remove it to begin that move anew"):
        look_ahead(business, here, there, folder)
