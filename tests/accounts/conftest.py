"""A control database, in a fresh data folder or on a server, and a clock to pass in."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from calltally.accounts import Business, Control, create_business, open_control
from calltally.accounts.migrations import MIGRATIONS, Migrations
from calltally.folder import DataFolder
from tests.postgresql import PostgreSQL

Home = Callable[..., Control]  # opens a control database as `open_control` does

NOW = datetime(2026, 3, 9, 14, 5, tzinfo=UTC)

SHARED = pytest.param("postgresql", marks=pytest.mark.cluster)
# Tests of the one file that SQLite is, or of what is known without asking because of it; all others run on both.
OF_SQLITE = {
    "test_its_files_are_for_their_owner_only",
    "test_the_migrations_lead_to_the_tables_that_the_code_knows",
    "test_a_newer_one_is_refused",
    "test_a_migration_that_fails_changes_nothing",
    "test_processes_that_open_a_fresh_one_at_once_all_succeed",
    "test_its_version_changes_with_every_commit_and_with_nothing_else",
    "test_an_asked_version_holds_on_to_nothing",
    "test_a_busy_one_is_unavailable_not_a_defect",
    "test_a_full_disk_is_said_and_loses_nothing",
    "test_another_file_is_refused",
    "test_a_folder_in_its_place_is_refused",
    "test_another_url",
    "test_a_url_that_leads_nowhere_is_refused",
    "test_a_known_key_is_recognised_while_another_process_writes",
    "test_what_is_known_is_kept_without_secrets",
    "test_a_key_revoked_by_another_process_is_not_recognised",
    "test_the_secret_is_nowhere_in_the_files",
    "test_nothing_of_a_deleted_business_stays_in_the_files",
}


def new_business(control: Control, name: str = "Acme") -> Business:
    return create_business(control, name, timezone="America/New_York", region="US", currency="USD", now=NOW)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "home" in metafunc.fixturenames:
        shared = [] if metafunc.function.__name__ in OF_SQLITE else [SHARED]
        metafunc.parametrize("home", ["sqlite", *shared], indirect=True)


@pytest.fixture
def home(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Home:
    """Where the control databases of a test are: those that it opens in a folder, too, and those of its commands."""
    if request.param == "sqlite":
        return open_control
    server: PostgreSQL = request.getfixturevalue("postgresql")
    urls: dict[Path, str] = {}

    def opened(folder: DataFolder, url: str = "", migrations: Migrations = MIGRATIONS) -> Control:
        if folder.path not in urls:
            urls[folder.path] = server.new_database()
            monkeypatch.setenv("CALLTALLY_CONTROL_URL", next(iter(urls.values())))
        return open_control(folder, url or urls[folder.path], migrations)

    if hasattr(request.module, "open_control"):
        monkeypatch.setattr(request.module, "open_control", opened)
    return opened


@pytest.fixture
def folder(tmp_path: Path, home: Home) -> DataFolder:
    return DataFolder(tmp_path / "data")


@pytest.fixture
def control(folder: DataFolder, home: Home) -> Iterator[Control]:
    with home(folder) as opened:
        yield opened


@pytest.fixture
def business(control: Control) -> Business:
    return new_business(control)
