"""Writes into a file of calls that end halfway, as at a kill or a power cut: whatever was written, no call is lost."""

import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from calltally.accounts import Business
from calltally.engines.duckdb import DuckDBEngine, files_of, store_path
from calltally.engines.duckdb.blocks import blocks_path, put_back
from calltally.errors import CallsUnreadable
from calltally.folder import DataFolder
from calltally.ingestion import Delivery, deliver
from tests.conftest import NewBusiness
from tests.engines.test_duckdb import opened
from tests.faults.killing import SEED, TOLD

PAGE = 4096  # bytes that the system writes whole or not at all
HEADERS = 3 * PAGE
ROUNDS = 6
CALLS = 200  # a round
START = "2026-03-09T12:00:00Z"


@dataclass(frozen=True)
class Write:
    """A log being written into the file of a business: what there is beside the file, and the file before and after."""

    business: Business
    beside: dict[str, bytes]  # by the names of files
    before: bytes
    after: bytes
    known: frozenset[int]  # blocks that are in use for more than calls
    block_bytes: int

    @property
    def ids(self) -> set[str]:
        return {f"c{n}" for n in range(ROUNDS * CALLS)}

    def blocks_that_changed(self) -> list[range]:
        """Where in the file the blocks are, of those that were in it, that are other ones now; each page by page."""
        places = range(HEADERS, len(self.before), self.block_bytes)
        blocks = (range(at, at + self.block_bytes, PAGE) for at in places)
        return [
            block for block in blocks if self.before[block.start : block.stop] != self.after[block.start : block.stop]
        ]


@pytest.fixture(params=[16_384, 65_536, 262_144], ids="blocks of {} bytes".format)
def write(request: pytest.FixtureRequest, tmp_path: Path, new_business: NewBusiness) -> Write:
    """The log of the last calls being written, after several others were."""
    business, folder = new_business(), DataFolder(tmp_path / "first")
    path = store_path(folder.calls, business.calls)
    with duckdb.connect() as made:
        made.execute(f"ATTACH '{path}' AS made (BLOCK_SIZE {request.param})")
    engine = opened(folder)
    with engine._stores.using(business.calls) as store, engine._root.cursor() as cursor:
        file = store.file
        assert file
        for first in range(0, (ROUNDS - 1) * CALLS, CALLS):
            take(engine, business, first)
            file.write_log(cursor)
            assert not file.log.exists()
        take(engine, business, (ROUNDS - 1) * CALLS)
        assert file._blocks
        with file._blocks.kept(cursor, business.calls):
            found = cursor.execute("SELECT block_id FROM pragma_metadata_info(?)", [business.calls]).fetchall()
            beside = {each.name: each.read_bytes() for each in folder.calls.iterdir() if each != path}
            before = path.read_bytes()
            cursor.execute(f'CHECKPOINT "{business.calls}"')
            after = path.read_bytes()
    engine.close()
    assert len(beside) == 2
    assert sorted(file.name for file in folder.calls.iterdir()) == [path.name]
    return Write(business, beside, before, after, frozenset(number for (number,) in found), request.param)


def take(engine: DuckDBEngine, business: Business, first: int) -> None:
    records = [{"id": f"c{n}", "started_at": START, "source": f"s{n % 7}"} for n in range(first, first + CALLS)]
    assert len(list(deliver([Delivery(record, 1) for record in records], business, engine))) == CALLS


def left(write: Write, folder: DataFolder, content: bytes, *, blocks: bool = True) -> None:
    """Make a folder that a process has left that ended amid the write."""
    shutil.rmtree(folder.path)
    path = store_path(DataFolder(folder.path).calls, write.business.calls)
    path.write_bytes(content)
    for name, there in write.beside.items():
        if blocks or name != blocks_path(path).name:
            (folder.calls / name).write_bytes(there)


def stored(folder: DataFolder, business: Business) -> set[str]:
    """The ids of the calls that a new process finds; raises where the file is damaged."""
    engine = opened(folder)
    try:
        engine.check(business.calls)
        with engine.export(business.calls, (), None) as batches:
            return {name for batch in batches for name in batch["id"].to_pylist()}
    finally:
        engine.close()


def written_to(write: Write, is_written: Callable[[int], bool]) -> bytes:
    """The file when all else was written, but no header, and of the blocks that were there only these pages."""
    after = write.after + write.before[len(write.after) :]  # it is cut off at the end of all
    content = bytearray(write.before[:HEADERS] + after[HEADERS:])
    for block in write.blocks_that_changed():
        for at in block:
            source = after if is_written(at) else write.before
            content[at : at + PAGE] = source[at : at + PAGE]
    return bytes(content)


def test_a_write_that_ends_at_any_page_of_a_block_loses_nothing(write: Write, tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "left")
    blocks = write.blocks_that_changed()
    in_use = [block for block in blocks if (block.start - HEADERS) // write.block_bytes in write.known]
    assert in_use
    damaged = 0
    for end in [at for block in in_use for at in block][:: max(1, write.block_bytes // 65_536)]:
        content = written_to(write, lambda at, end=end: at < end)  # type: ignore[misc]
        left(write, folder, content)
        assert stored(folder, write.business) == write.ids, end
        assert sorted(folder.calls.iterdir()) == [store_path(folder.calls, write.business.calls)]
        left(write, folder, content, blocks=False)
        damaged += is_damaged(folder, write.business)
    assert damaged  # where no blocks are kept


def is_damaged(folder: DataFolder, business: Business) -> bool:
    try:
        stored(folder, business)
    except CallsUnreadable:
        return True
    return False


def test_a_power_cut_that_leaves_any_pages_loses_nothing(write: Write, tmp_path: Path) -> None:
    folder, chance = DataFolder(tmp_path / "left"), random.Random(SEED)
    for _ in range(10):
        left(write, folder, written_to(write, lambda _: chance.random() < 0.5))
        assert stored(folder, write.business) == write.ids, TOLD


def test_a_write_that_has_come_to_its_end_is_not_undone(write: Write, tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "left")
    left(write, folder, write.after)
    path = store_path(folder.calls, write.business.calls)
    path.with_name(path.name + ".wal").unlink()
    assert not put_back(path)
    assert path.read_bytes() == write.after
    assert not blocks_path(path).exists()
    assert stored(folder, write.business) == write.ids


@pytest.mark.parametrize("cut", [0, 100, HEADERS, -1])
def test_blocks_that_were_not_all_kept_are_not_put_back(write: Write, tmp_path: Path, cut: int) -> None:
    folder = DataFolder(tmp_path / "left")
    left(write, folder, write.before)
    path = store_path(folder.calls, write.business.calls)
    blocks_path(path).write_bytes(blocks_path(path).read_bytes()[:cut])
    assert not put_back(path)
    assert path.read_bytes() == write.before
    assert not blocks_path(path).exists()
    assert stored(folder, write.business) == write.ids


def test_blocks_without_their_file_are_removed(tmp_path: Path) -> None:
    path = tmp_path / "gone.duckdb"
    blocks_path(path).write_bytes(b"x")
    assert not put_back(path)
    assert not any(file.exists() for file in files_of(path))


def test_others_are_kept_out_of_a_file_after_its_log_is_written(tmp_path: Path, new_business: NewBusiness) -> None:
    folder, business = DataFolder(tmp_path / "data"), new_business()
    path = store_path(folder.calls, business.calls)
    opening = f"import duckdb; duckdb.connect({str(path)!r}).execute('SELECT 1')"
    engine = opened(folder)
    take(engine, business, 0)
    with engine._stores.using(business.calls) as store, engine._root.cursor() as cursor:
        assert store.file
        store.file.write_log(cursor)
        done = subprocess.run([sys.executable, "-c", opening], capture_output=True, text=True, check=False)
        assert "Could not set lock" in done.stderr
    engine.close()
    assert subprocess.run([sys.executable, "-c", opening], check=False).returncode == 0
