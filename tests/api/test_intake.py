"""The intake: posts that share a commit, turns, bounds, failures, and an end that loses nothing."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import pairwise
from typing import Any, cast

import pytest

from calltally.accounts import Business
from calltally.api import Intake, IntakeLimits
from calltally.api.arrivals import Arrivals
from calltally.api.intake import TOLD_AT_ONCE
from calltally.api.room import Room
from calltally.engines import Engine, Outcome
from calltally.errors import NotFound, StorageFull, Unavailable
from calltally.ingestion import Delivered, Delivery, ReadDeliveries, deliver_read
from tests.api.conftest import NOW, intake_limits
from tests.conftest import NewBusiness


def deliveries(*ids: str) -> list[Delivery]:
    return [Delivery({"id": each, "started_at": "2026-03-09T12:00:00Z"}, 1) for each in ids]


class Gate:
    """Work that lasts until the gate is opened."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.opened = threading.Event()

    def work(self) -> str:
        self.entered.set()
        assert self.opened.wait(10)
        return "done"


@asynccontextmanager
async def opened(engine: Engine, limits: IntakeLimits | None = None) -> AsyncIterator[Intake]:
    intake = Intake(engine, limits or intake_limits())
    yield intake
    await intake.close()


@asynccontextmanager
async def busy(intake: Intake, business: Business) -> AsyncIterator[None]:
    """While something is written to the business's calls, so that all else waits."""
    gate = Gate()
    errand = asyncio.create_task(intake.run(business, gate.work))
    assert await asyncio.to_thread(gate.entered.wait, 10)
    try:
        yield
    finally:
        gate.opened.set()
        assert await errand == "done"


@pytest.fixture
def groups(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many deliveries were put in at once, each time."""
    sizes: list[int] = []

    def noted(given: Sequence[ReadDeliveries], business: Business, engine: Engine) -> list[Delivered]:
        sizes.append(sum(map(len, given)))
        return deliver_read(given, business, engine)

    monkeypatch.setattr("calltally.api.intake.deliver_read", noted)
    return sizes


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """An intake that waits so long for others that a test which has to wait fails."""
    monkeypatch.setattr("calltally.api.intake.GATHERING_SECONDS", 60)


def run(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(scenario())


# --- Together -------------------------------------------------------------------------------------------------------


def test_posts_that_come_while_others_are_written_share_a_commit(
    engine: Engine, new_business: NewBusiness, groups: list[int]
) -> None:
    business = new_business()

    async def scenario() -> None:
        async with opened(engine) as intake:
            async with busy(intake, business):
                puts = [asyncio.create_task(intake.put(business, deliveries(f"a-{n}", f"b-{n}"))) for n in range(50)]
                await asyncio.sleep(0)
            found = await asyncio.gather(*puts)
        assert [[each.id for each in answer] for answer in found] == [[f"a-{n}", f"b-{n}"] for n in range(50)]
        assert {each.outcome for answer in found for each in answer} == {Outcome.ADDED}

    run(scenario)
    assert groups == [100]


def test_others_have_turns_while_a_group_is_answered(engine: Engine, new_business: NewBusiness) -> None:
    business = new_business()

    async def scenario() -> None:
        async with opened(engine) as intake:
            async with busy(intake, business):
                puts = [asyncio.create_task(intake.put(business, deliveries(f"a-{n}"))) for n in range(50)]
                await asyncio.sleep(0)
            await asyncio.wait(puts, return_when=asyncio.FIRST_COMPLETED)
            done = [0]
            while done[-1] < len(puts):
                done.append(sum(put.done() for put in puts))
                await asyncio.sleep(0)
        assert max(after - before for before, after in pairwise(done)) <= 2 * TOLD_AT_ONCE

    run(scenario)


def test_a_group_ends_where_it_is_large_enough(
    engine: Engine, new_business: NewBusiness, groups: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("calltally.api.intake.MOST_TOGETHER", 5)
    business = new_business()

    async def scenario() -> None:
        async with opened(engine) as intake:
            async with busy(intake, business):
                puts = [asyncio.create_task(intake.put(business, deliveries(f"a-{n}", f"b-{n}"))) for n in range(4)]
                await asyncio.sleep(0)
            await asyncio.gather(*puts)

    run(scenario)
    assert groups == [6, 2]


def test_settings_that_change_hold_for_what_comes_after(
    engine: Engine, new_business: NewBusiness, groups: list[int]
) -> None:
    before = new_business("UTC")
    after = Business(before.id, before.name, "America/New_York", "US", "USD", 1, before.created_at)
    local = [Delivery({"id": "x", "started_at": "2026-03-09T12:00:00"}, 1)]
    later = [Delivery({"id": "y", "started_at": "2026-03-09T12:00:00"}, 1)]

    async def scenario() -> None:
        async with opened(engine) as intake:
            async with busy(intake, before):
                puts = [asyncio.create_task(intake.put(b, d)) for b, d in ((before, local), (after, later))]
                await asyncio.sleep(0)
            await asyncio.gather(*puts)

    run(scenario)
    assert groups == [1, 1]
    starts = [engine.call(before.calls, each) for each in ("x", "y")]
    assert [str(start["started_at"][0]) for start in starts if start] == [
        "2026-03-09 12:00:00+00:00",
        "2026-03-09 16:00:00+00:00",
    ]


def test_posts_and_errands_take_turns(engine: Engine, new_business: NewBusiness, groups: list[int]) -> None:
    business = new_business()

    async def scenario() -> None:
        async with opened(engine) as intake:
            async with busy(intake, business):
                errands = [asyncio.create_task(intake.run(business, lambda: groups.append(0))) for _ in range(3)]
                await asyncio.sleep(0)
                first = asyncio.create_task(intake.put(business, deliveries("a")))
                await asyncio.sleep(0)
            await first
            await asyncio.gather(*errands)

    run(scenario)
    assert groups == [1, 0, 0, 0]  # an errand was done before, so the post did not wait for three more


def test_another_business_is_written_to_meanwhile(engine: Engine, new_business: NewBusiness) -> None:
    slow, quick = new_business(), new_business()

    async def scenario() -> None:
        async with opened(engine, intake_limits(writing=2)) as intake, busy(intake, slow):
            [found] = await intake.put(quick, deliveries("a"))
            assert found.outcome is Outcome.ADDED

    run(scenario)


def test_more_businesses_than_threads_each_get_their_turn(engine: Engine, new_business: NewBusiness) -> None:
    businesses = [new_business() for _ in range(5)]

    async def scenario() -> None:
        async with opened(engine, intake_limits(writing=1)) as intake:
            puts = [intake.put(business, deliveries(f"{n}")) for n in range(5) for business in businesses]
            assert len(await asyncio.gather(*puts)) == 25

    run(scenario)
    assert all(engine.call(business.calls, "4") for business in businesses)


# --- Crowds ---------------------------------------------------------------------------------------------------------


async def crowd(intake: Intake, business: Business, size: int) -> None:
    """As many posts as this, in one group."""
    async with busy(intake, business):
        puts = [asyncio.create_task(intake.put(business, deliveries(f"first-{n}"))) for n in range(size)]
        await asyncio.sleep(0)
    await asyncio.gather(*puts)


async def one_after_another(intake: Intake, business: Business, size: int) -> None:
    """Posts that come a little apart, each while those before it wait."""
    puts = []
    for n in range(size):
        puts.append(asyncio.create_task(intake.put(business, deliveries(f"then-{n}"))))
        await asyncio.sleep(0.005)
    await asyncio.gather(*puts)


@pytest.mark.parametrize(("patience", "then", "expected"), [(60, 10, [10, 10]), (5, 9, [10, 9])])
def test_a_crowd_is_waited_for_until_it_is_back_or_time_is_up(
    engine: Engine,
    new_business: NewBusiness,
    groups: list[int],
    monkeypatch: pytest.MonkeyPatch,
    patience: float,
    then: int,
    expected: list[int],
) -> None:
    monkeypatch.setattr("calltally.api.intake.GATHERING_SECONDS", patience)

    async def scenario() -> None:
        business = new_business()
        async with opened(engine) as intake, asyncio.timeout(20):
            await crowd(intake, business, 10)
            await one_after_another(intake, business, then)
        assert groups == expected

    run(scenario)


def test_a_few_are_never_waited_for(
    engine: Engine, new_business: NewBusiness, groups: list[int], patient: None
) -> None:
    async def scenario() -> None:
        business = new_business()
        async with opened(engine) as intake, asyncio.timeout(20):
            await crowd(intake, business, 7)
            await intake.put(business, deliveries("a"))

    run(scenario)
    assert groups == [7, 1]


def test_an_array_waits_for_one_other_that_is_being_read(
    engine: Engine, new_business: NewBusiness, groups: list[int], patient: None
) -> None:
    async def scenario() -> None:
        business = new_business()
        async with opened(engine) as intake, asyncio.timeout(20):
            with intake.coming(business), intake.coming(business), intake.coming(new_business()):
                await intake.put(business, deliveries("a"))  # nothing was written before: it waits for nobody
                second = asyncio.create_task(intake.put(business, deliveries("b")))
                await asyncio.sleep(0.1)
                assert groups == [1]
                await intake.put(business, deliveries("c"))  # for the other it does not wait too
                assert groups == [1, 2]
            await second

    run(scenario)


def test_nobody_is_waited_for_for_ever(engine: Engine, new_business: NewBusiness, groups: list[int]) -> None:
    async def scenario() -> None:
        business = new_business()
        async with opened(engine) as intake, asyncio.timeout(20):
            with intake.coming(business), intake.coming(business):
                for each in ("a", "b"):
                    await intake.put(business, deliveries(each))

    run(scenario)
    assert groups == [1, 1]


def test_an_errand_does_not_wait_for_a_crowd(
    engine: Engine, new_business: NewBusiness, groups: list[int], patient: None
) -> None:
    async def scenario() -> None:
        business = new_business()
        async with opened(engine) as intake, asyncio.timeout(20):
            await crowd(intake, business, 10)
            await intake.run(business, lambda: groups.append(0))

    run(scenario)
    assert groups == [10, 0]


def test_a_server_that_stops_waits_for_no_crowd(engine: Engine, new_business: NewBusiness, patient: None) -> None:
    async def scenario() -> None:
        business = new_business()
        intake = Intake(engine, intake_limits())
        async with asyncio.timeout(20):
            await crowd(intake, business, 10)
            await intake.close()

    run(scenario)


# --- Bounds ---------------------------------------------------------------------------------------------------------


def test_more_than_may_wait_is_refused_at_once(engine: Engine, new_business: NewBusiness) -> None:
    business = new_business()

    async def scenario() -> None:
        async with opened(engine, intake_limits(records=10)) as intake:
            async with busy(intake, business):
                waiting = asyncio.create_task(intake.put(business, deliveries(*map(str, range(9)))))
                await asyncio.sleep(0)
                with pytest.raises(Unavailable, match="10 records waiting to be written already; try again") as error:
                    await intake.put(business, deliveries("a"))
                assert error.value.retry_after == 1
            assert len(await waiting) == 9
            assert len(await intake.put(business, deliveries("a"))) == 1  # there is room again

    run(scenario)


def test_one_business_leaves_room_for_others(engine: Engine, new_business: NewBusiness) -> None:
    greedy, other = new_business(), new_business()

    async def scenario() -> None:
        async with opened(engine, intake_limits(records=100, of_business=5)) as intake:
            async with busy(intake, greedy):
                waiting = asyncio.create_task(intake.put(greedy, deliveries("a", "b", "c", "d")))
                await asyncio.sleep(0)
                with pytest.raises(Unavailable, match="5 records of this business waiting"):
                    await intake.put(greedy, deliveries("e"))
                await intake.put(other, deliveries("e"))
            await waiting

    run(scenario)


def test_what_is_larger_than_the_limit_is_taken_when_nothing_waits(engine: Engine, new_business: NewBusiness) -> None:
    async def scenario() -> None:
        async with opened(engine, intake_limits(records=2)) as intake:
            assert len(await intake.put(new_business(), deliveries("a", "b", "c"))) == 3

    run(scenario)


def test_room_is_let_go_of_however_its_block_ends() -> None:
    room = Room(10, 6, "things")
    with suppress(ZeroDivisionError), room.hold("a") as held:
        held.grow(100)
        raise ZeroDivisionError
    with room.hold("a") as first, room.hold("a") as second, room.hold("b") as third:
        first.grow(6)
        with pytest.raises(Unavailable, match="6 things of this business"):
            second.grow(1)
        third.grow(4)
        with pytest.raises(Unavailable, match="10 things waiting"):
            third.grow(1)


# --- Failures -------------------------------------------------------------------------------------------------------


class Failing:
    """An engine all of whose work fails."""

    def __init__(self, failure: Exception) -> None:
        self._failure = failure

    def __getattr__(self, name: str) -> object:
        raise self._failure


@pytest.mark.parametrize(
    "failure", [StorageFull("full"), Unavailable("not now", 7), NotFound("gone"), ZeroDivisionError()]
)
def test_a_failure_is_that_of_all_who_wait_and_the_writer_goes_on(
    engine: Engine, new_business: NewBusiness, failure: Exception
) -> None:
    business = new_business()

    async def scenario() -> None:
        failing = Failing(failure)
        async with opened(cast("Engine", failing)) as intake:
            async with busy(intake, business):
                puts = [asyncio.create_task(intake.put(business, deliveries(str(n)))) for n in range(3)]
                await asyncio.sleep(0)
            ends = await asyncio.gather(*puts, return_exceptions=True)
            assert [type(end) for end in ends] == [type(failure)] * 3
            intake._engine = engine
            assert len(await intake.put(business, deliveries("a"))) == 1

    run(scenario)


def test_whoever_leaves_does_not_stop_the_commit(engine: Engine, new_business: NewBusiness) -> None:
    business = new_business()

    async def scenario() -> None:
        async with opened(engine) as intake:
            async with busy(intake, business):
                leaving, staying = (asyncio.create_task(intake.put(business, deliveries(each))) for each in "ab")
                await asyncio.sleep(0)
                leaving.cancel()
            assert len(await staying) == 1

    run(scenario)
    assert engine.call(business.calls, "a")


# --- The end --------------------------------------------------------------------------------------------------------


def test_closing_writes_all_that_was_taken_and_takes_no_more(engine: Engine, new_business: NewBusiness) -> None:
    businesses = [new_business() for _ in range(3)]

    async def scenario() -> None:
        intake, gate = Intake(engine, intake_limits(writing=1)), Gate()
        errand = asyncio.create_task(intake.run(businesses[0], gate.work))
        puts = [asyncio.create_task(intake.put(business, deliveries("a"))) for business in businesses]
        await asyncio.sleep(0)
        closing = asyncio.create_task(intake.close())
        await asyncio.sleep(0)
        with pytest.raises(Unavailable, match="stopping"):
            await intake.put(businesses[1], deliveries("b"))
        with pytest.raises(Unavailable, match="stopping"):
            await intake.run(businesses[1], gate.work)
        gate.opened.set()
        await closing
        assert all(put.done() for put in puts)
        assert await errand == "done"

    run(scenario)
    assert all(engine.call(business.calls, "a") for business in businesses)
    assert engine.call(businesses[1].calls, "b") is None


# --- Times of arrival -----------------------------------------------------------------------------------------------


def test_times_of_arrival_grow_whatever_the_clock_does() -> None:
    clock = iter([NOW, NOW, NOW.replace(year=2025), NOW.replace(year=2027)])
    arrivals = Arrivals(lambda: next(clock))
    found = [arrivals.of(count) for count in (3, 1, 2, 1)]
    first = 1_773_065_100_000_000
    assert [list(each) for each in found[:3]] == [[first, first + 1, first + 2], [first + 3], [first + 4, first + 5]]
    assert found[3][0] > found[2][-1]
