"""Texts that fit: no line is wider than its room, and no word is lost but at the end."""

from hypothesis import given
from hypothesis import strategies as st

from calltally.charts.fitting import text_width, wrapped

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
