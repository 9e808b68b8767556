"""Reports that are worked on at once: a time limit, a queue that ends, clients that leave, and one snapshot each."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from itertools import islice

import httpx2
import pytest

from calltally.api import Workers
from calltally.api.workers import ClientGone
from calltally.engines import Engine, Plan, Rows, Stop
from calltally.errors import Unavailable
from tests.api.conftest import REPORT, SLOW, Asker, Door, Record, add_many, calls, eventually, limits, open_client
from tests.wrapping import WrappedEngine


async def stays() -> None:
    """A client that never goes away."""
    await asyncio.Event().wait()


async def run(workers: Workers, work: Callable[[Stop], str], gone: Awaitable[None], name: str | None = None) -> str:
    """Work of the one key of the one business that most tests need."""
    return await workers.run(work, gone, business="acme", key="key", name=name)


class Gate:
    """Work that lasts until the gate is opened, or until it is stopped."""

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.opened = threading.Event()
        self.stopped = threading.Semaphore(0)

    def work(self, stop: Stop) -> str:
        self.entered.release()
        while not self.opened.wait(0.005):
            if stop.asked:
                self.stopped.release()
                stop.check()
        return "done"


# --- The pool by itself ---------------------------------------------------------------------------------------------


def test_workers_are_idle_while_nothing_waits_runs_or_has_just_ended() -> None:
    async def scenario() -> None:
        gate, workers = Gate(), Workers(limits(1, 1), 30)

        def idle() -> bool:
            return workers.are_idle

        assert idle()
        assert workers.at_once(lambda: "done") == "done"
        assert not idle()
        await _eventually(idle)
        running = asyncio.create_task(run(workers, gate.work, stays()))
        assert await asyncio.to_thread(gate.entered.acquire, timeout=5)
        await asyncio.sleep(0.01)
        assert not idle()
        gate.opened.set()
        assert await running == "done"
        await _eventually(idle)
        await workers.close()

    asyncio.run(scenario())


def test_work_that_waits_or_lasts_too_long_is_stopped_and_its_place_freed() -> None:
    async def scenario() -> None:
        gate, workers = Gate(), Workers(limits(1, 1), 0.1)
        ends = await asyncio.gather(*(run(workers, gate.work, stays()) for _ in range(2)), return_exceptions=True)
        assert [type(end) for end in ends] == [Unavailable] * 2
        assert await asyncio.to_thread(gate.stopped.acquire, timeout=5)
        gate.opened.set()
        await _eventually(lambda: not workers._jobs)
        workers._seconds = 30
        assert await run(workers, gate.work, stays()) == "done"
        await workers.close()
        assert gate.entered.acquire(blocking=False)
        assert gate.entered.acquire(blocking=False)
        assert not gate.entered.acquire(blocking=False)  # the one that waited was never begun

    asyncio.run(scenario())


def test_more_than_can_wait_is_refused_at_once() -> None:
    async def scenario() -> None:
        gate, workers = Gate(), Workers(limits(1, 2), 30)
        running = [asyncio.create_task(run(workers, gate.work, stays())) for _ in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(Unavailable, match="2 reports are waiting already; try again soon"):
            await run(workers, gate.work, stays())
        gate.opened.set()
        assert await asyncio.gather(*running) == ["done"] * 3
        await workers.close()

    asyncio.run(scenario())


def test_work_whose_client_goes_away_is_stopped() -> None:
    async def scenario() -> None:
        gate, workers, leaves = Gate(), Workers(limits(1, 1), 30), asyncio.Event()

        async def gone() -> None:
            await leaves.wait()

        running = asyncio.create_task(run(workers, gate.work, gone()))
        assert await asyncio.to_thread(gate.entered.acquire, timeout=5)
        leaves.set()
        with pytest.raises(ClientGone):
            await running
        assert await asyncio.to_thread(gate.stopped.acquire, timeout=5)
        await workers.close()

    asyncio.run(scenario())


def test_closing_stops_what_runs_and_what_is_being_stopped(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        gate, workers = Gate(), Workers(limits(2, 4), 0.1)
        late = [asyncio.create_task(run(workers, gate.work, stays())) for _ in range(2)]
        await asyncio.wait(late)
        rest = [asyncio.create_task(run(workers, gate.work, stays())) for _ in range(4)]
        await asyncio.sleep(0)
        await workers.close()
        ends = await asyncio.gather(*late, *rest, return_exceptions=True)
        assert [type(end) for end in ends] == [Unavailable] * 6

    asyncio.run(scenario())
    assert not caplog.records  # no task or future was left with an error that nobody looked at


def test_work_of_a_business_begins_in_the_order_in_which_it_came() -> None:
    async def scenario() -> None:
        gate, workers = Gate(), Workers(limits(1, 9), 30)
        begun: list[int] = []
        first = asyncio.create_task(run(workers, gate.work, stays()))

        def numbered(number: int) -> Callable[[Stop], str]:
            def work(stop: Stop) -> str:
                begun.append(number)
                return gate.work(stop)

            return work

        rest = [asyncio.create_task(run(workers, numbered(number), stays())) for number in range(9)]
        await asyncio.sleep(0)
        gate.opened.set()
        await asyncio.gather(first, *rest)
        assert begun == list(range(9))
        await workers.close()

    asyncio.run(scenario())


def test_a_client_that_leaves_the_queue_frees_its_place() -> None:
    async def scenario() -> None:
        gate, other, workers, leaves = Gate(), Gate(), Workers(limits(1, 1), 30), asyncio.Event()

        async def gone() -> None:
            await leaves.wait()

        running = asyncio.create_task(run(workers, gate.work, stays()))
        waiting = asyncio.create_task(run(workers, other.work, gone()))
        await asyncio.sleep(0)
        leaves.set()
        with pytest.raises(ClientGone):
            await waiting
        last = asyncio.create_task(run(workers, gate.work, stays()))
        await asyncio.sleep(0)
        gate.opened.set()
        assert [await running, await last] == ["done"] * 2
        assert not other.entered.acquire(blocking=False)
        await workers.close()

    asyncio.run(scenario())


def test_the_same_work_is_done_once_for_all_who_want_it() -> None:
    async def scenario() -> None:
        gate, workers, leaves = Gate(), Workers(limits(1, 1), 30), asyncio.Event()

        async def gone() -> None:
            await leaves.wait()

        first = asyncio.create_task(run(workers, gate.work, gone(), "same"))
        rest = [asyncio.create_task(run(workers, gate.work, stays(), "same")) for _ in range(9)]
        assert await asyncio.to_thread(gate.entered.acquire, timeout=5)
        leaves.set()
        with pytest.raises(ClientGone):
            await first
        gate.opened.set()
        assert await asyncio.gather(*rest) == ["done"] * 9
        assert not gate.stopped.acquire(blocking=False)
        assert not gate.entered.acquire(blocking=False)
        assert await run(workers, gate.work, stays(), "same") == "done"
        assert gate.entered.acquire(blocking=False)  # what has ended is nobody's answer any more
        await workers.close()

    asyncio.run(scenario())


def test_the_same_work_is_stopped_when_nobody_wants_it_and_then_done_anew() -> None:
    async def scenario() -> None:
        gate, other, workers = Gate(), Gate(), Workers(limits(2, 1), 0.1)
        ends = await asyncio.gather(
            *(run(workers, gate.work, stays(), "same") for _ in range(3)), return_exceptions=True
        )
        workers._seconds = 30
        again = asyncio.create_task(run(workers, other.work, stays(), "same"))
        other.opened.set()
        assert await again == "done"
        assert [type(end) for end in ends] == [Unavailable] * 3
        assert await asyncio.to_thread(gate.stopped.acquire, timeout=5)
        await workers.close()

    asyncio.run(scenario())


def test_all_who_want_work_that_fails_are_told() -> None:
    async def scenario() -> None:
        workers = Workers(limits(1, 1), 30)

        def work(_: Stop) -> str:
            raise LookupError("nothing there")

        ends = await asyncio.gather(*(run(workers, work, stays(), "same") for _ in range(3)), return_exceptions=True)
        assert [repr(end) for end in ends] == ["LookupError('nothing there')"] * 3
        await workers.close()

    asyncio.run(scenario())


def test_who_asks_just_after_the_end_gets_the_answer_that_others_wait_for() -> None:
    async def scenario() -> None:
        gate, workers = Gate(), Workers(limits(1, 1), 30)
        first = asyncio.create_task(run(workers, gate.work, stays(), "same"))
        gate.opened.set()
        await asyncio.sleep(0)
        while workers._jobs:
            await asyncio.sleep(0)
        assert not first.done()  # it is about to be woken
        assert await run(workers, gate.work, stays(), "same") == await first == "done"
        assert gate.entered.acquire(blocking=False)
        assert not gate.entered.acquire(blocking=False)
        assert not workers._named
        await workers.close()

    asyncio.run(scenario())


async def _eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.005)


# --- Behind HTTP ----------------------------------------------------------------------------------------------------


class Slow(WrappedEngine):
    """An engine that lets reports by date through a gate first."""

    def __init__(self, engine: Engine, gate: Gate) -> None:
        super().__init__(engine)
        self._gate = gate

    def answer(self, plan: Plan, stop: Stop) -> Rows:
        if plan.dimensions[0].name == "date":
            self._gate.work(stop)
        return self.inside.answer(plan, stop)


@contextmanager
def slow(few: Asker, door: Door, workers: Workers) -> Iterator[tuple[Asker, Gate, ThreadPoolExecutor]]:
    """Somebody whose reports by date wait at a gate, and threads to ask from."""
    gate = Gate()
    with (
        open_client(door.control, Slow(door.engine, gate), workers) as client,
        ThreadPoolExecutor(16) as threads,
    ):
        try:
            yield Asker(client, few.business, few.headers), gate, threads
        finally:
            gate.opened.set()


def told(response: httpx2.Response) -> tuple[int, str, str]:
    """Status, message, and when to come again."""
    error = response.json()["error"]
    assert (error["code"], error["type"]) == ("503", "unavailable")
    return response.status_code, error["message"], response.headers["retry-after"]


def test_a_full_queue_is_answered_503(few: Asker, door: Door) -> None:
    with slow(few, door, Workers(limits(1, 1), 30)) as (asker, gate, threads):
        asked = [threads.submit(asker.get, f"group_by=date&limit={n + 1}") for n in range(8)]
        refused = [answer.result() for answer in islice(as_completed(asked, timeout=30), 6)]
        assert {told(response) for response in refused} == {(503, "1 reports are waiting already; try again soon", "1")}
        assert asker.get("", "/healthz").status_code == 200
        gate.opened.set()
        assert sorted(answer.result().status_code for answer in asked) == [200] * 2 + [503] * 6


def test_waiting_counts_towards_the_time_limit(few: Asker, door: Door) -> None:
    with slow(few, door, Workers(limits(1, 8), 0.2)) as (asker, _, threads):
        asked = [threads.submit(asker.get, f"group_by=date&limit={n + 1}") for n in range(4)]
        message = "The report was not done within 0.2 s; narrow its dates or filters"
        assert {told(answer.result()) for answer in asked} == {(503, message, "5")}


def test_quick_reports_are_answered_while_slow_ones_run(few: Asker, door: Door) -> None:
    with slow(few, door, Workers(limits(4, 8), 30)) as (asker, gate, threads):
        asked = [threads.submit(asker.get, f"group_by=date&limit={n + 1}") for n in range(3)]
        for _ in asked:
            assert gate.entered.acquire(timeout=5)
        assert [asker.get(f"group_by=source&limit={n + 1}").status_code for n in range(10)] == [200] * 10
        assert not any(answer.done() for answer in asked)
        gate.opened.set()
        assert [answer.result().status_code for answer in asked] == [200] * 3


class Watched(WrappedEngine):
    """An engine that knows how many reports were worked on at once, by store; they take long until so many were."""

    def __init__(self, engine: Engine, expected: Mapping[str, int]) -> None:
        super().__init__(engine)
        self._lock = threading.Lock()
        self._now: Counter[str] = Counter()
        self._expected = Counter(expected)
        self._reached = threading.Event()
        self.most: Counter[str] = Counter()

    def answer(self, plan: Plan, stop: Stop) -> Rows:
        with self._lock:
            self._now.update((plan.calls, "all"))
            self.most |= self._now
            if self.most >= self._expected:
                self._reached.set()
        self._reached.wait(0.2)
        time.sleep(0.02)
        with self._lock:
            self._now.subtract((plan.calls, "all"))
        return self.inside.answer(plan, stop)


@pytest.mark.parametrize(("running", "most"), [(9, (3, 4, 7)), (6, (3, 3, 6)), (2, (1, 1, 2))])
def test_limits_hold_exactly_under_load(door: Door, running: int, most: tuple[int, ...]) -> None:
    """One business asks with one key, one with two; a business may have 4 places, a key 3."""
    one, two = door.business(calls({})), door.business(calls({}))
    watched = Watched(door.engine, dict(zip((one.calls, two.calls, "all"), most, strict=True)))
    workers = Workers(limits(running, 200, business=4, key=3), 30)
    with open_client(door.control, watched, workers) as client, ThreadPoolExecutor(48) as threads:
        askers = [Asker(client, business, door.asker(business).headers) for business in (one, two, two)]
        asked = [
            threads.submit(asker.get, f"group_by=date&limit={3 * n + which + 1}")
            for n in range(50)
            for which, asker in enumerate(askers)
        ]
        assert {answer.result().status_code for answer in asked} == {200}
    assert watched.most["all"] == most[2]
    # A business may get more than its share once the other has nothing left to ask, but never more than its limit.
    assert most[0] <= watched.most[one.calls] <= 3
    assert most[1] <= watched.most[two.calls] <= 4


def test_a_question_that_is_being_worked_on_is_asked_once(few: Asker, door: Door) -> None:
    workers = Workers(limits(8, 8), 30)
    with slow(few, door, workers) as (asker, gate, threads):
        asked = [threads.submit(asker.get, "group_by=date") for _ in range(16)]
        assert eventually(lambda: [job.wanted for job in tuple(workers._jobs)] == [16])
        gate.opened.set()
        assert {answer.result().content for answer in asked} == {few.get("group_by=date").content}
        assert gate.entered.acquire(blocking=False)
        assert not gate.entered.acquire(blocking=False)


def test_one_business_cannot_fill_the_queue_of_another(few: Asker, door: Door) -> None:
    with slow(few, door, Workers(limits(2, 8, business=1, waiting_of_business=2), 30)) as (asker, gate, threads):
        asked = [threads.submit(asker.get, f"group_by=date&limit={n + 1}") for n in range(8)]
        refused = [answer.result() for answer in islice(as_completed(asked, timeout=30), 5)]
        message = "2 reports of this business are waiting already; try again soon"
        assert {told(response) for response in refused} == {(503, message, "1")}
        other = door.asker(door.business(calls({})))
        assert asker.client.get(f"{REPORT}?group_by=month", headers=other.headers).status_code == 200
        assert asker.get("", "/readyz").status_code == 200
        gate.opened.set()
        assert sorted(answer.result().status_code for answer in asked) == [200] * 3 + [503] * 5


# --- With the database ----------------------------------------------------------------------------------------------


def cpu_used_in(seconds: float) -> float:
    """Processor time of this process, all its threads together."""
    before = time.process_time()
    time.sleep(seconds)
    return time.process_time() - before


def test_the_database_really_stops_when_time_is_out(door: Door) -> None:
    business = door.business()
    add_many(door.engine, business, 300_000)
    secret = door.asker(business).headers
    with (
        open_client(door.control, door.engine, Workers(limits(20, 0), 0.05)) as client,
        ThreadPoolExecutor(20) as threads,
    ):
        asker = Asker(client, business, secret)
        began = time.process_time()
        answers = list(threads.map(lambda n: asker.get(f"{SLOW}&limit={n + 1}"), range(20)))
        assert [told(answer)[0] for answer in answers] == [503] * 20
        time.sleep(0.5)
        assert cpu_used_in(0.5) < 0.1
        assert time.process_time() - began < 3  # one such report alone takes about 0.4
    door.engine.remove(business.calls)


def versions(state: int) -> list[Record]:
    """300 more calls than in the state before, and a new value for all that there were."""
    return [
        {
            "id": f"call-{n}",
            "started_at": f"2026-03-09T{n % 24:02}:00:00Z",
            "updated_at": f"2026-03-10T00:00:{state:02}Z",
            "source": f"source {n % 7}",
            "value_cents": state,
        }
        for n in range(300 * (state + 1))
    ]


def test_a_report_beside_an_import_sees_all_of_it_or_nothing(door: Door) -> None:
    business = door.business(versions(0))
    asker = door.asker(business)
    states = [(300 * (state + 1), 300 * (state + 1) * state) for state in range(6)]
    finished = threading.Event()

    def watch() -> list[tuple[int, int]]:
        seen = []
        while True:
            last = finished.is_set()
            found = asker.report("group_by=source,hour_of_day&metrics=count,total_value_cents&limit=1000")
            totals = (found["totals"]["count"], found["totals"]["total_value_cents"])
            assert totals == tuple(sum(row[name] for row in found["data"]) for name in ("count", "total_value_cents"))
            seen.append(totals)
            if last:
                return seen

    with ThreadPoolExecutor(3) as threads:
        watching = [threads.submit(watch) for _ in range(3)]
        try:
            for state in range(1, len(states)):
                door.add(business, versions(state))
        finally:
            finished.set()
        for seen in (answer.result() for answer in watching):
            assert set(seen) <= set(states)
            assert seen == sorted(seen)
            assert seen[-1] == states[-1]
            assert len(set(seen)) > 1


def test_each_report_is_of_its_own_business_when_many_ask_at_once(door: Door) -> None:
    askers = [door.asker(door.business(calls(*[{}] * number))) for number in range(1, 6)]
    with ThreadPoolExecutor(8) as threads:
        counts = threads.map(lambda n: askers[n % 5].report("group_by=date")["totals"]["count"], range(100))
        assert list(counts) == [1, 2, 3, 4, 5] * 20
