"""Texts that fit: no line is wider than its room, and no word is lost but at the end."""

from hypothesis import given
from hypothesis import strategies as st

from calltally.charts.fitting import kept_apart, text_width, wrapped

SIZE = 12


def test_a_long_word_is_broken_behind_what_is_before_it() -> None:
    first, *others = wrapped("Source: " + "a" * 300 + " · filtered", 340, SIZE, 4)
    assert first.startswith("Source: aaa")
    assert len(others) == 3
    assert others[-1].endswith("aaa…")


def test_words_are_kept_whole_where_they_can_be() -> None:
    assert wrapped("Calls by source and day of week", 120, SIZE, 4) == ["Calls by source", "and day of week"]


@given(st.text() | st.text(st.sampled_from("ab W")), st.integers(20, 300), st.integers(1, 4))
def test_every_line_fits_and_nothing_is_lost_but_at_the_end(text: str, room: int, most: int) -> None:
    lines = wrapped(text, room, SIZE, most)
    assert len(lines) <= most
    assert all(text_width(line, SIZE) <= room for line in lines)
    shown, whole = "".join("".join(lines).split()), "".join(text.split())
    assert shown == whole or (shown.endswith("…") and whole.startswith(shown[:-1]))


def test_of_what_looks_alike_where_its_end_is_cut_the_middle_is_cut() -> None:
    names = [f"campaign for plumbers in winter, number {n}" for n in range(12)]
    shown = kept_apart([*names, "another campaign, which looks like no other", "short"], 110, 11)
    assert shown[-2:] == ["another campaign, which looks like no other", "short"]
    assert len(set(shown)) == len(shown)
    assert shown[3].startswith("camp")
    assert shown[11].endswith("er 11")
    assert all(text_width(text, 11) <= 110 for text in shown[:-2])


def test_where_ends_are_alike_too_a_text_goes_on_where_it_differs() -> None:
    names = [f"campaign number {n} of the whole year that is now over" for n in range(3)]
    assert kept_apart(names, 110, 11) == ["campa…0 of th…", "campa…1 of th…", "campa…2 of th…"]


@given(st.lists(st.text() | st.text(st.sampled_from("ab W")), unique=True, max_size=8), st.integers(40, 300))
def test_what_fits_stays_as_it_is(names: list[str], room: int) -> None:
    for name, shown in zip(names, kept_apart(names, room, SIZE), strict=True):
        assert shown == name or text_width(name, SIZE) > 0.9 * room >= text_width(shown, SIZE)
