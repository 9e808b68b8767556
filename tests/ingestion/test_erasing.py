"""What an erasure leaves of a number in the database's file, and what it waits for."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from calltally.engines import Engine, Stop
from calltally.errors import Unavailable
from calltally.ingestion import Delivery, ImportOptions, deliver
from tests.asking import import_records, report
from tests.conftest import NewBusiness


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
