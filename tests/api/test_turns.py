"""Whose work begins next."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.api.turns import Limits, Turn, Turns
from calltally.errors import Unavailable

BUSINESSES = "abc"


class Named(Turn):
    """A turn that shows where it comes from: `a1` is of key 1 of business a."""

    def __init__(self, name: str) -> None:
        super().__init__(name[0], name)

    def __repr__(self) -> str:
        return self.key


class Places:
    """Turns, and what has begun."""

    def __init__(self, limits: Limits) -> None:
        self.begun: list[Named] = []
        self.turns: Turns[Named] = Turns(limits, self.begun.append)

    def take(self, *names: str) -> list[Named]:
        taken = [Named(name) for name in names]
        for turn in taken:
            self.turns.take(turn)
        return taken

    def order(self) -> list[str]:
        """What begins, in order, when one piece of work after the other ends."""
        for turn in self.begun:  # which grows on the way
            self.turns.end(turn)
        return [turn.key for turn in self.begun]


@pytest.mark.parametrize(
    ("taken", "order"),
    [
        (["a1", "a2", "a3"], ["a1", "a2", "a3"]),
        (["a1", "a2", "a3", "b1"], ["a1", "a2", "b1", "a3"]),
        (["a1", "a2", "a3", "b1", "b2", "c1"], ["a1", "a2", "b1", "c1", "a3", "b2"]),
        (["a1", "b1", "b2", "b3", "a2", "a3"], ["a1", "b1", "a2", "b2", "a3", "b3"]),
    ],
)
def test_businesses_take_turns_and_each_goes_in_order(taken: list[str], order: list[str]) -> None:
    places = Places(Limits(1, 100, 1, 100, 1))
    places.take(*taken)
    assert places.order() == order


def test_a_business_with_fewer_places_goes_first() -> None:
    places = Places(Limits(3, 100, 3, 100, 3))
    running = places.take("a1", "a1", "b1")
    places.take("a1", "b1", "c1")
    places.turns.end(running[0])  # a and b have one each
    assert [turn.key for turn in places.begun[3:]] == ["c1"]
    places.turns.end(running[1])
    assert [turn.key for turn in places.begun[4:]] == ["a1"]


def test_a_key_that_has_all_its_places_lets_another_go_first() -> None:
    places = Places(Limits(3, 100, 3, 100, 2))
    running = places.take("a1", "a1", "a1", "a2", "a1")
    assert [turn.key for turn in places.begun] == ["a1", "a1", "a2"]
    places.turns.end(running[0])
    assert [turn.key for turn in places.begun] == ["a1", "a1", "a2", "a1"]


def test_a_place_that_only_others_may_have_stays_free_for_them() -> None:
    places = Places(Limits(4, 100, 2, 100, 2))
    places.take("a1", "a1", "a2", "b1")
    assert [turn.key for turn in places.begun] == ["a1", "a1", "b1"]


def test_no_business_can_fill_the_queue() -> None:
    places = Places(Limits(1, 5, 1, 3, 1))
    places.take("a1", "a2", "a2", "a2")
    with pytest.raises(Unavailable, match=r"^3 reports of this business are waiting already; try again soon$"):
        places.take("a2")
    places.take("b1", "c1")
    with pytest.raises(Unavailable, match=r"^5 reports are waiting already; try again soon$"):
        places.take("b1")
    assert places.order() == ["a1", "a2", "b1", "c1", "a2", "a2"]


def test_who_gives_up_frees_its_place_in_the_queue() -> None:
    places = Places(Limits(1, 2, 1, 2, 1))
    _, first, second = places.take("a1", "a2", "a3")
    places.turns.withdraw(first)
    places.turns.withdraw(first)
    places.take("a4")
    places.turns.withdraw(second)
    assert places.order() == ["a1", "a4"]


@given(
    limits=st.builds(Limits, *[st.integers(1, 4)] * 5),
    steps=st.lists(st.tuples(st.sampled_from(("take", "take", "end", "withdraw")), st.integers(0, 8)), max_size=60),
)
def test_limits_hold_and_no_place_is_left_free(limits: Limits, steps: list[tuple[str, int]]) -> None:
    """Against a list of what waits and runs that is kept here."""
    places = Places(limits)
    waiting: list[Named] = []
    ended: set[Named] = set()

    def running() -> list[Named]:
        return [turn for turn in places.begun if turn not in ended]

    def may_begin(turn: Named) -> bool:
        businesses, keys = Counter(each.business for each in running()), Counter(each.key for each in running())
        return (
            len(running()) < limits.running
            and businesses[turn.business] < limits.running_of_business
            and keys[turn.key] < limits.running_of_key
        )

    for step, number in steps:
        before, fewest = running(), Counter(each.business for each in running())
        if step == "take":
            turn = Named(f"{BUSINESSES[number // 3]}{number % 3}")
            of_business = [each for each in waiting if each.business == turn.business]
            refused = not may_begin(turn) and (
                len(waiting) >= limits.waiting or len(of_business) >= limits.waiting_of_business
            )
            try:
                places.turns.take(turn)
                assert not refused
                waiting.append(turn)
            except Unavailable:
                assert refused
        elif step == "end" and before:
            ended.add(before[number % len(before)])
            fewest = Counter(each.business for each in running())
            able = [turn for turn in waiting if may_begin(turn)]
            places.turns.end(before[number % len(before)])
            begun = [turn for turn in running() if turn not in before]
            assert len(begun) == min(len(able), 1)
            if begun:
                assert fewest[begun[0].business] == min(fewest[turn.business] for turn in able)
                assert begun[0] == next(turn for turn in able if turn.business == begun[0].business)
        elif step == "withdraw" and waiting:
            turn = waiting.pop(number % len(waiting))
            places.turns.withdraw(turn)
        waiting = [turn for turn in waiting if turn not in places.begun]
        assert not any(may_begin(turn) for turn in waiting)
        assert len(running()) <= limits.running
        assert max(Counter(each.business for each in running()).values(), default=0) <= limits.running_of_business
        assert max(Counter(each.key for each in running()).values(), default=0) <= limits.running_of_key
