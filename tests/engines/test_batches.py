"""What a query that fails halfway raises to whoever reads its batches."""

import duckdb
import pytest

from calltally.engines.duckdb.batches import read_batches
from calltally.errors import Unavailable


def test_an_interrupt_while_batches_are_read_ends_them() -> None:
    with duckdb.connect() as root:
        batches = read_batches(root.sql("FROM range(20_000_000)").to_arrow_reader(10_000))
        assert len(next(batches)) == 10_000
        root.interrupt()
        with pytest.raises(Unavailable, match="stopped before it was done"):
            list(batches)


def test_too_little_memory_while_batches_are_read_is_told() -> None:
    with duckdb.connect(config={"memory_limit": "20MB", "temp_directory": ""}) as root:
        query = "SELECT CASE WHEN range < 300_000 THEN [] ELSE range(10_000_000) END FROM range(400_000)"
        with pytest.raises(Unavailable, match="not enough memory"):
            list(read_batches(root.sql(query).to_arrow_reader(10_000)))


def test_a_failure_while_batches_are_read_is_an_error_of_the_database() -> None:
    with duckdb.connect() as root:
        query = "SELECT CASE WHEN range < 1_000_000 THEN 'x' ELSE error('no such call') END FROM range(20_000_000)"
        with pytest.raises(duckdb.Error, match="no such call"):
            list(read_batches(root.sql(query).to_arrow_reader(10_000)))
