"""Which rows of a cluster stand: those of writes that are committed, where no such write took their calls elsewhere."""

import duckdb
import pytest

from calltally.engines.clickhouse.lookup import standing, stands
from calltally.engines.clickhouse.stores import Store

OPEN = Store("acme.1", number=20, committed=11, is_open=True)
CLOSED = Store("acme.1", number=11, committed=11)


def test_without_writes_that_were_broken_off_nothing_is_asked_of_them() -> None:
    statement = standing(CLOSED)
    assert statement.sql == "gone = 0 AND born <= ? AND (died = 0 OR died > ?)"
    assert statement.params == (11, 11)


@pytest.mark.parametrize("void", [(), ((3, 6),), ((0, 2), (4, 9))])
def test_one_row_stands_as_a_statement_says_of_all(void: tuple[tuple[int, int], ...]) -> None:
    store = Store("acme.1", number=11, committed=11, void=void)
    statement = standing(store)
    rows = "SELECT b.range AS born, d.range AS died, 0 AS gone FROM range(1, 14) AS b, range(14) AS d"
    with duckdb.connect() as connection:
        found = connection.execute(
            f"SELECT born, died FROM ({rows}) WHERE {statement.sql}", statement.params
        ).fetchall()
    committed = {number for number in range(1, 12) if not any(low < number < high for low, high in void)}
    expected = {(born, died) for born in committed for died in range(14) if died not in committed}
    assert set(found) == expected
    assert {(born, died) for born in range(1, 14) for died in range(14) if stands(born, died, store)} == expected


@pytest.mark.parametrize(
    ("store", "before", "void"),
    [
        (CLOSED, 0, ()),  # one process, which knows of no other
        (CLOSED, 10, ()),  # the write before is the one that was committed
        (CLOSED, 15, ((11, 30),)),  # somebody began whose note has not come, or never will
        (OPEN, 0, ((11, 30),)),
        (OPEN, 20, ((11, 30),)),
        (Store("acme.1"), 0, ()),
        (Store("acme.1"), 7, ((0, 30),)),
        (Store("acme.1", number=11, committed=11, is_open=True, swept=11), 10, ()),  # only rows were left to empty
        (Store("acme.1", number=20, committed=11, void=((3, 5), (11, 20))), 20, ((3, 5), (11, 30))),  # broken off twice
    ],
)
def test_what_was_begun_since_the_last_commit_is_void_once_another_write_begins(
    store: Store, before: int, void: tuple[tuple[int, int], ...]
) -> None:
    opened = store.opened(30, before, None, None)
    assert opened.void == void
    assert opened.closed().void == void
    assert opened.is_void(20) is (bool(void) and store.committed < 20)
    assert opened.void_before(29) == tuple(each for each in void if each[1] == 5)
