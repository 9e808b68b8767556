"""Two sides between which calls are moved: folders of files, clusters, and the newest version of the database."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from servers.clickhouse import DATABASE, Cluster, running
from servers.library import ChdbServers

from calltally.accounts import Business
from calltally.engines import Engine, Holdings, Movable, open_to_move, prepare_engine
from calltally.engines.clickhouse import ClickHouseEngine, Tables, create_or_extend
from calltally.folder import DataFolder
from calltally.ingestion import ImportOptions
from calltally.moving import Side, copy_calls, look_ahead
from calltally.settings import Settings
from tests.asking import import_records
from tests.deliveries import delivered

Row = dict[str, Any]
FOLDER, CLUSTER, NEWEST = "folder", "two shards", "newest"
ON_CLUSTERS = [pytest.param(name, marks=pytest.mark.cluster) for name in (CLUSTER, NEWEST)]


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with running(tmp_path_factory.mktemp("cluster")) as found:
        prepare_engine(Settings(engine=found.url))
        yield found


def opened(path: Path, engine: str = "") -> AbstractContextManager[Movable]:
    """The engine of a folder, or of a cluster that is used from a folder."""
    return closing(open_to_move(DataFolder(path), Settings(engine=engine, memory="500MB", threads=2)))


@contextmanager
def opened_newest(path: Path) -> Iterator[Movable]:
    """The newest version of the database."""
    servers, tables, folder = ChdbServers(), Tables(DATABASE), DataFolder(path)
    create_or_extend(servers, tables)
    with closing(
        ClickHouseEngine(servers, tables, folder.staging, folder.spill, memory="500MB", most_spill="1GB", threads=2)
    ) as engine:
        yield engine


@pytest.fixture(scope="session")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Side]:
    """The files of a data folder."""
    with opened(tmp_path_factory.mktemp("here") / "data") as engine:
        yield Side("here", engine)


@pytest.fixture(scope="session", params=[FOLDER, *ON_CLUSTERS])
def there(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Side]:
    """The other side."""
    path = tmp_path_factory.mktemp("there") / "data"
    match request.param:
        case "folder":
            context = opened(path)
        case "newest":
            context = opened_newest(path)
        case _:
            context = opened(path, request.getfixturevalue("cluster").url)
    with context as engine:
        yield Side("there", engine)


@pytest.fixture(scope="session")
def back(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Side]:
    """Other files, to which calls come back."""
    with opened(tmp_path_factory.mktemp("back") / "data") as engine:
        yield Side("back", engine)


def move(business: Business, source: Side, target: Side, folder: DataFolder, on_rows: Callable[[int], None]) -> None:
    """Copy the calls of a business."""
    copy_calls(look_ahead(business, source, target, folder), source, target, folder, on_rows)


def nothing(_: int) -> None:
    """Progress that nobody looks at."""


def happen(engine: Engine, business: Business, steps: Sequence[tuple[str, Any]], path: Path) -> None:
    """Do what may happen to the calls of a business, see `tests.deliveries.steps`."""
    for kind, what in steps:
        match kind:
            case "deliver":
                delivered(engine, business, what)
            case "import":
                records, as_of = what
                import_records(engine, business, records, path, ImportOptions(as_of=as_of))
            case "delete":
                engine.delete(business.calls, what)
            case "erase":
                engine.erase(business.calls, what)


def rows_of(engine: Movable, business: Business) -> dict[str, list[Row]]:
    """All that a store holds, field by field, by what kind of thing it is."""
    holdings = engine.holdings(business.calls)
    found: dict[str, list[Row]] = {}
    for part in holdings.parts:
        with engine.whole_part(business.calls, part) as batches:
            found.setdefault(part.kind, []).extend(row for batch in batches for row in batch.to_pylist())
    return {kind: sorted(rows, key=lambda row: str(row["id"])) for kind, rows in found.items()}


def erasure_of(holdings: Holdings) -> tuple[str | None, frozenset[str]]:
    """Which callers were erased."""
    return holdings.erasure_key, holdings.erased
