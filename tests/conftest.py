"""What tests share: data folders, engines and businesses, each new."""

import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from calltally.accounts import Business
from calltally.engines import Engine, open_engine
from calltally.folder import DataFolder
from calltally.settings import Settings

settings.register_profile(
    "calltally", deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
settings.register_profile("thorough", settings.get_profile("calltally"), max_examples=3000)
settings.load_profile("calltally")

NewBusiness = Callable[..., Business]


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An engine for all tests; each takes businesses of its own."""
    opened = open_engine(DataFolder(tmp_path_factory.mktemp("engine")), Settings(memory="1GB", threads=2))
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
    """The folder of real calls, which is not part of the project."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the folder of real calls is not beside this checkout")
    return folder
