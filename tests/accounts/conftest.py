"""A control database in a fresh data folder, and a clock to pass in."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from calltally.accounts import Business, Control, create_business, open_control
from calltally.folder import DataFolder

NOW = datetime(2026, 3, 9, 14, 5, tzinfo=UTC)


def new_business(control: Control, name: str = "Acme") -> Business:
    return create_business(control, name, timezone="America/New_York", region="US", currency="USD", now=NOW)


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    return DataFolder(tmp_path / "data")


@pytest.fixture
def control(folder: DataFolder) -> Iterator[Control]:
    with open_control(folder) as opened:
        yield opened


@pytest.fixture
def business(control: Control) -> Business:
    return new_business(control)
