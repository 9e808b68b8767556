"""The peers of the benchmarks answer as we do, and take calls; only `make bench` installs what they are made with."""

import json
from pathlib import Path
from tempfile import mkdtemp

import pytest
from benchmarks.data import make_parquet
from benchmarks.reports import ALL_REPORTS

pytest.importorskip("fastapi", reason="`make bench` installs it")
pytest.importorskip("asyncpg", reason="`make bench` installs it")

from benchmarks.peers.asking import asked_for, order_by
from benchmarks.peers.starting import PEERS, POSTGRES, starting_peers
from fastapi import HTTPException

COUNT = 3000
HERE = [name for name in PEERS if name != "postgres" or POSTGRES.is_dir()]


def test_all_give_the_same_answers_and_take_calls(tmp_path: Path) -> None:
    scratch = Path(mkdtemp(dir=tmp_path))
    call = {
        "id": "new",
        "started_at": "2025-11-15T12:00:00Z",
        "source": "somebody new",
        "caller_number": "+12125550000",
    }
    with starting_peers(HERE, make_parquet(COUNT, tmp_path), scratch) as peers:
        for _, request in ALL_REPORTS:
            answers = [json.loads(peer.client.report(request)) for peer in peers]
            assert all(answer == answers[0] for answer in answers)
        for peer in peers:
            peer.client.post(json.dumps(call).encode())
            answer = json.loads(peer.client.report("group_by=source&metrics=count,unique_callers&limit=1000"))
            assert answer["totals"]["count"] == COUNT + 1
            assert {"source": "somebody new", "count": 1, "unique_callers": 1} in answer["rows"]


def test_requests_are_understood() -> None:
    asked = asked_for({"group_by": "source,date", "end_date": "2025-11-30", "sort_by": "date", "sort_order": "asc"})
    assert (asked.metrics, asked.limit, str(asked.end)) == (["count"], 100, "2025-12-01")
    assert order_by(asked) == "date ASC NULLS LAST, source ASC NULLS LAST"


@pytest.mark.parametrize(
    "params",
    [
        {"group_by": "who"},
        {"metrics": "count"},
        {"group_by": "source", "sort_by": "date"},
        {"group_by": "source", "limit": "1001"},
        {"group_by": "source", "start_date": "today"},
    ],
)
def test_wrong_requests_are_refused(params: dict[str, str]) -> None:
    with pytest.raises(HTTPException) as refused:
        asked_for(params)
    assert refused.value.status_code == 400
