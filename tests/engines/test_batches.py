"""What a query that fails halfway raises to whoever reads its batches."""

import duckdb
import pytest

from calltally.engines.duckdb.batches import read_batches


def test_an_interrupt_while_batches_are_read_is_that_of_the_database() -> None:
    with duckdb.connect() as root:
        batches = read_batches(root.sql("FROM range(20_000_000)").to_arrow_reader(10_000))
        assert len(next(batches)) == 10_000
        root.interrupt()
        with pytest.raises(duckdb.InterruptException, match="Interrupted"):
            list(batches)


def test_a_failure_while_batches_are_read_is_an_error_of_the_database() -> None:
    with duckdb.connect() as root:
        query = "SELECT CASE WHEN range < 1_000_000 THEN 'x' ELSE error('no such call') END FROM range(20_000_000)"
        with pytest.raises(duckdb.Error, match="no such call"):
            list(read_batches(root.sql(query).to_arrow_reader(10_000)))
