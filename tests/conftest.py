"""What tests share: data folders, engines and businesses, each new."""

import itertools
import os
import signal
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from calltally.accounts import Business
from calltally.engines import Engine, Plan, Rows, Stop, open_engine
from calltally.engines.duckdb import DuckDBEngine
from calltally.engines.hot import COLUMNS, FILE, HotEngine
from calltally.engines.hot.opening import kernels_folder
from calltally.folder import DataFolder
from calltally.settings import Settings
from tests.postgresql import PostgreSQL, running_postgresql

os.environ["CALLTALLY_HOT_MEMORY"] = "0"  # a server that a test starts begins to compile only where that is tested

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell has it ignored by what runs in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)  # else a Ctrl-C would not reach what a test starts

settings.register_profile(
    "calltally", deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
settings.register_profile("thorough", settings.get_profile("calltally"), max_examples=3000)
settings.register_profile("few", settings.get_profile("calltally"), max_examples=6)
settings.load_profile("calltally")

NewBusiness = Callable[..., Business]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """What lies behind a row is counted on each engine in one process."""
    if metafunc.module.__name__ == "tests.api.test_where" and "engine" in metafunc.fixturenames:
        metafunc.parametrize("engine", list(ENGINES), indirect=True, scope="session")


class ColumnsOnly(HotEngine):
    """Answers every report from columns, which are always there in time."""

    def answer(self, plan: Plan, stop: Stop) -> Rows:
        there = bool(self.version(plan.calls))
        if there:
            assert self.prepare(plan.calls)
        rows = super().answer(plan, stop)
        assert rows.path == (COLUMNS if there else FILE)
        return rows


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A server for all tests; each takes databases of its own."""
    with running_postgresql() as server:
        yield server


@pytest.fixture(scope="session")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of kernels, compiled once for all tests and for the servers that they start."""
    return kernels_folder(DataFolder(tmp_path_factory.mktemp("kernels")))


def open_columns(folder: DataFolder, kernels: Path, budget: int = 10**9) -> ColumnsOnly:
    """An engine whose reports come from columns."""
    file = open_engine(folder, Settings(hot_memory="0", memory="1GB", threads=2))
    assert isinstance(file, DuckDBEngine)
    return ColumnsOnly(file, kernels, budget=budget, threads=2, settles=True)


def open_file(folder: DataFolder, kernels: Path) -> Engine:
    """An engine whose reports come from the database."""
    return open_engine(folder, Settings(hot_memory="0", memory="1GB", threads=2))


ENGINES: dict[str, Callable[[DataFolder, Path], Engine]] = {"file": open_file, "columns": open_columns}


@pytest.fixture(scope="session")
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, kernels: Path) -> Iterator[Engine]:
    """An engine for all tests; each takes businesses of its own."""
    opened = ENGINES[getattr(request, "param", "file")](DataFolder(tmp_path_factory.mktemp("engine")), kernels)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def new_business() -> NewBusiness:
    """Makes businesses without calls, known to no control database."""
    numbers = itertools.count(1)

    def make(timezone: str = "UTC", region: str = "US") -> Business:
        number = next(numbers)
        return Business(
            f"business-{number}", f"B{number}", timezone, region, "USD", 1, datetime(2026, 1, 1, tzinfo=UTC)
        )

    return make


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real calls, which are other people's and not part of the project: who clones it has none."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("real calls, which are no part of the project, are not beside this checkout")
    return folder
