"""Turns to write, among nodes that share a control database."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from calltally.accounts import FleetTurns, is_shared, open_control
from calltally.errors import Unavailable
from calltally.folder import DataFolder
from tests.postgresql import PostgreSQL

pytestmark = pytest.mark.cluster


@pytest.fixture
def url(postgresql: PostgreSQL, tmp_path_factory: pytest.TempPathFactory) -> str:
    made = postgresql.new_database()
    open_control(DataFolder(tmp_path_factory.mktemp("node") / "data"), made).close()
    return made


@pytest.fixture
def nodes(url: str) -> Iterator[tuple[FleetTurns, FleetTurns]]:
    """Two nodes."""
    both = FleetTurns(url), FleetTurns(url)
    yield both
    for each in both:
        each.close()


Nodes = tuple[FleetTurns, FleetTurns]


def test_one_has_the_turn_of_a_business_at_a_time(nodes: Nodes) -> None:
    inside: list[int] = []
    most: list[int] = []
    numbers: list[tuple[int, int]] = []

    def write(node: FleetTurns) -> None:
        for _ in range(20):
            with node.of("acme.1") as turn:
                inside.append(1)
                most.append(len(inside))
                numbers.append(turn.number(7))
                time.sleep(0.001)
                inside.pop()

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(write, nodes * 3))
    assert (len(most), set(most)) == (120, {1})
    each = range(7, 7 + 360, 3)
    assert numbers == list(zip(each, [0, *each[:-1]], strict=True))


def test_businesses_do_not_wait_for_each_other(nodes: Nodes) -> None:
    here, there = nodes
    with ExitStack() as stack:
        for number in range(12):
            stack.enter_context(here.of(f"{number}.1"))
            stack.enter_context(there.of(f"{number}.2"))


def test_a_number_is_the_one_that_is_wanted_where_it_is_greater(nodes: Nodes) -> None:
    here, there = nodes
    with here.of("acme.1") as turn:
        assert turn.number(2**61) == (2**61, 0)
    with there.of("acme.1") as turn:
        numbers = [turn.number(lowest)[0] for lowest in (5, 2**61 + 3, 2**61 + 100)]
    assert numbers == [2**61 + 3, 2**61 + 6, 2**61 + 100]


def test_a_turn_that_was_lost_is_said_at_its_end_and_its_number_is_the_lower_one(
    nodes: Nodes, url: str, postgresql: PostgreSQL
) -> None:
    """The connection of one is cut while it writes, and another has the turn before the first one ends."""
    here, there = nodes

    def lose() -> None:
        with here.of("acme.1") as lost:
            lost.check()
            first, _ = lost.number(1000)
            cut(postgresql, url)
            with there.of("acme.1") as turn:
                number, before = turn.number(1)
            assert (number >= first + 3, before) == (True, first)

    def lose_at_once() -> None:
        with here.of("acme.1") as lost:
            cut(postgresql, url)
            lost.number(1)

    def lose_before_it_is_checked() -> None:
        with here.of("acme.1") as lost:
            cut(postgresql, url)
            lost.check()

    for losing in (lose, lose_at_once, lose_before_it_is_checked):
        with pytest.raises(Unavailable, match="nothing was acknowledged"):
            losing()
    with here.of("acme.1") as turn:
        turn.number(1)


def test_a_server_that_dies_takes_all_turns_with_it(nodes: Nodes, postgresql: PostgreSQL) -> None:
    here, there = nodes

    def lose() -> None:
        with here.of("acme.1") as lost:
            number, _ = lost.number(1)
            postgresql.kill()
            with pytest.raises(Unavailable), there.of("acme.1"):
                pytest.fail("there is nobody who gives turns")
            postgresql.start()
            with there.of("acme.1") as turn:
                assert turn.number(1) == (number + 3, number)

    with pytest.raises(Unavailable):
        lose()


def test_a_turn_whose_work_fails_is_over(nodes: Nodes) -> None:
    here, there = nodes
    for node in (here, there, here):
        with pytest.raises(LookupError), node.of("acme.1"):
            raise LookupError


@pytest.mark.parametrize(("second", "said"), [(0, "Other calls of this business"), (1, "Another node is writing")])
def test_a_turn_is_not_waited_for_for_ever(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch, second: int, said: str
) -> None:
    monkeypatch.setattr("calltally.accounts.turns.WAIT_SECONDS", 1)
    here, waiting = nodes[0], nodes[second]
    held, over = threading.Event(), threading.Event()

    def hold() -> None:
        with here.of("acme.1"):
            held.set()
            assert over.wait(30)

    with ThreadPoolExecutor(1) as threads:
        holding = threads.submit(hold)
        assert held.wait(30)
        timer = threading.Timer(10, over.set)  # rather than for ever
        timer.start()
        with pytest.raises(Unavailable, match=said), waiting.of("acme.1"):
            pytest.fail("two have the turn")
        timer.cancel()
        over.set()
        holding.result(30)
    with waiting.of("acme.1"):
        pass


@pytest.mark.parametrize(
    ("url", "shared"),
    [
        ("", False),
        ("sqlite:////tmp/x", False),
        ("postgresql+psycopg://h/d", True),
        ("postgresql://h/d", True),
        ("?", False),
    ],
)
def test_what_can_be_shared(url: str, shared: bool) -> None:
    assert is_shared(url) is shared


def cut(postgresql: PostgreSQL, url: str) -> None:
    """Cut all connections to a database."""
    with postgresql.connected() as connection:
        name = url.rpartition("/")[2]
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
    time.sleep(0.2)
