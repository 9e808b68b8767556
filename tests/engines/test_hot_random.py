"""Random requests about random businesses, from columns and from the database: the same answers.

    .venv/bin/pytest tests/engines/test_hot_random.py --hypothesis-profile=thorough --hypothesis-seed=N -n 2

asks 30,000 of them, about businesses that another seed makes others of.
"""

import itertools
import math
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calltally.accounts import Business
from calltally.engines import Stop
from calltally.engines.duckdb import dialect
from calltally.engines.hot import sweeping
from calltally.folder import DataFolder
from calltally.ingestion import Delivery, deliver, import_records
from calltally.query import Timing, ask
from tests import strategies
from tests.conftest import ColumnsOnly, NewBusiness, open_columns
from tests.engines.test_hot import agrees, planned

EXAMPLES = settings.get_profile(settings.get_current_profile_name()).max_examples * 2

Record = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """A kind of business: how many calls, how many texts of its own a field has, whether changes are put in order.

    `together`: whether whatever can be is counted together, also where that takes longer. `in_sets`: whether the
    database has sets of callers for each group, as where these are few, or tells all callers of all groups apart.
    """

    zone: str
    calls: int
    texts: int
    in_order: bool
    together: bool
    in_sets: bool


KINDS = (
    Kind("America/New_York", 300, 0, in_order=False, together=True, in_sets=True),
    Kind("Australia/Lord_Howe", 1500, 3, in_order=True, together=True, in_sets=False),
    Kind("UTC", 40, 1, in_order=True, together=False, in_sets=True),
    Kind("Africa/Casablanca", 1500, 100, in_order=False, together=True, in_sets=True),
    Kind("Asia/Kathmandu", 2500, 40, in_order=True, together=False, in_sets=False),
)
TEXTS = (
    "source",
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "utm_term",
    "utm_content",
    "call_flow",
)
POOLS = {
    "caller_number": (*strategies.PHONES, *strategies.NO_PHONES),
    "tracking_number": strategies.PHONES,
    "direction": ("inbound", "outbound", None),
    "status": (*strategies.STATUSES, None),
    "call_flow_id": strategies.IDENTIFIERS,
    "number_id": strategies.IDENTIFIERS,
    "number_group_id": strategies.IDENTIFIERS,
    "ai_category": strategies.CATEGORIES,
    "duration_seconds": strategies.DURATIONS,
    "ai_score": strategies.SCORES,
    "robo_score": strategies.SCORES,
    "qualified": (True, False),
    "value_cents": strategies.CENTS,
    "cost_cents": strategies.CENTS,
}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory, kernels: Path) -> Iterator[ColumnsOnly]:
    with closing(open_columns(DataFolder(tmp_path_factory.mktemp("random")), kernels)) as engine:
        yield engine


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: kind.zone)
def business(
    request: pytest.FixtureRequest, pytestconfig: pytest.Config, engine: ColumnsOnly, new_business: NewBusiness
) -> Iterator[Business]:
    kind: Kind = request.param
    draw = Random(f"{pytestconfig.getoption('--hypothesis-seed')} {kind.zone}")
    business = new_business(kind.zone)
    with pytest.MonkeyPatch.context() as patch:
        if kind.together:
            patch.setattr(sweeping, "CELLS_A_ROW", math.inf)
        if not kind.in_sets:
            patch.setattr(dialect, "MOST_SET_BYTES", 0)
        fill(engine, business, kind, draw)
        yield business


def fill(engine: ColumnsOnly, business: Business, kind: Kind, draw: Random) -> None:
    """Calls come, while there are columns of those before: more of them, corrections, deletions, an erasure."""
    records = [record(number, kind, draw) for number in range(kind.calls)]
    half = kind.calls // 2
    import_records(records[:half], business, engine)
    assert engine.prepare(business.calls)
    for first in range(half, kind.calls, max(1, half // 3)):
        import_records(records[first : first + half // 3], business, engine)
        corrected = [correction(draw.randrange(kind.calls), draw) for _ in range(20)]
        deliver([Delivery(each, 10**15 + first) for each in corrected], business, engine)
        for _ in range(3):
            engine.delete(business.calls, f"r{draw.randrange(kind.calls)}")
        assert everything(engine, business)
    engine.erase(business.calls, draw.choice(("+13055551234", "+442079460958")))
    if kind.in_order:
        assert engine.prepare(business.calls)
    assert everything(engine, business)


def everything(engine: ColumnsOnly, business: Business) -> bool:
    names = ",".join(strategies.METRIC_NAMES)
    return agrees(engine, planned(business, f"group_by=date,source,status&metrics={names}&limit=1000"))


def record(number: int, kind: Kind, draw: Random) -> Record:
    """A call near a turn of the calendar or anywhere in three years, with about a third of its fields left out."""
    turn = draw.choice(strategies.TURNS) + timedelta(minutes=draw.choice((-61, -30, -1, 0, 1, 30, 61)))
    start = turn if draw.random() < 0.5 else turn + timedelta(seconds=draw.randrange(-30_000_000, 30_000_000))
    found: Record = {"id": f"r{number}", "started_at": f"{start:%Y-%m-%dT%H:%M:%S}{draw.choice(('', 'Z', '.000001Z'))}"}
    for name, pool in POOLS.items():
        if draw.random() < 0.7:
            found[name] = draw.choice(pool)
    for name in TEXTS:
        own = draw.randrange(kind.texts + 1)
        found[name] = draw.choice((None, draw.choice(strategies.TEXTS), f"{name} {own}"))
    return found


def correction(number: int, draw: Random) -> Record:
    """Other values for some fields of a call."""
    names = draw.sample(sorted(POOLS), draw.randrange(1, 6))
    return {"id": f"r{number}", **{name: draw.choice((None, *POOLS[name])) for name in names}}


@settings(max_examples=EXAMPLES)
@given(params=strategies.requests())
def test_both_ways_agree_about_random_businesses(
    engine: ColumnsOnly, business: Business, params: strategies.Params
) -> None:
    assert agrees(engine, planned(business, params))


versions = itertools.count(10**16)


@settings(max_examples=min(EXAMPLES // 4, 600))
@given(asked=st.lists(strategies.requests(), min_size=1, max_size=8), seed=st.integers(0, 2**32))
def test_both_ways_agree_when_the_same_is_asked_again(
    engine: ColumnsOnly, business: Business, asked: list[strategies.Params], seed: int
) -> None:
    """With more calls, other corrections and deletions each time."""
    plans, draw = [planned(business, params) for params in asked], Random(seed)
    for _ in range(3):
        assert all(agrees(engine, plan) for plan in plans)
        new = [record(draw.randrange(10**9), KINDS[0], draw) for _ in range(draw.randrange(4))]
        corrected = [correction(draw.randrange(2500), draw) for _ in range(draw.randrange(10))]
        deliver([Delivery(each, next(versions)) for each in (*new, *corrected)], business, engine)
        engine.delete(business.calls, f"r{draw.randrange(2500)}")
    assert all(agrees(engine, plan) for plan in plans)


def test_the_businesses_have_what_makes_a_difference(engine: ColumnsOnly, business: Business) -> None:
    """Calls, without a value and with several, over three years: the random requests are about something."""
    plan = ask(b"group_by=source&limit=1000", business, Timing()).plan
    rows = engine.answer(plan, Stop())
    values = [group.values[0] for group in rows.groups]
    assert None in values
    assert len(values) > 3
    assert rows.totals[0] > 10
