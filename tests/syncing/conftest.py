"""A vendor that runs, and a business into which its calls are pulled."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from calltally.accounts import Business, Control, SyncState, create_business, find_sync, open_control
from calltally.engines import EXPORT_SCHEMA, Engine
from calltally.folder import DataFolder
from calltally.ingestion import Rejects
from calltally.syncing import PullProgress, PullSummary, Reconciliation, pull, reconcile
from calltally.syncing.callscaler import CallScaler
from calltally.syncing.client import Client
from tests import reference
from tests.vendor import callscaler

TIME_ZONE = "America/New_York"
NUMBERS = itertools.count(1)


@dataclass
class Puller:
    """Pulls from the vendor into a business, and never really waits."""

    vendor: callscaler.CallScaler
    business: Business
    engine: Engine
    control: Control
    folder: Path
    waits: list[float] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def source(self, stack: ExitStack, key: str = callscaler.KEY) -> CallScaler:
        address = self.vendor.server_address
        client = stack.enter_context(Client("CallScaler", address, key, self.said.append, self.waits.append))
        return CallScaler(client, address)

    def pull(
        self,
        *,
        full: bool = False,
        key: str = callscaler.KEY,
        on_progress: Callable[[PullProgress], None] = lambda _: None,
    ) -> PullSummary:
        with ExitStack() as stack:
            source = self.source(stack, key)
            return pull(
                source, self.business, self.engine, self.control, self.rejects(), full=full, on_progress=on_progress
            )

    def rejects(self) -> Rejects:
        return Rejects(self.folder / "callscaler", "call", adding=True)

    def compare(self, first: date, last: date, today: date = date(2030, 1, 1)) -> Reconciliation:
        with ExitStack() as stack:
            return reconcile(self.source(stack), self.business, self.engine, (first, last), today)

    def state(self) -> SyncState:
        return find_sync(self.control, self.business, "callscaler", self.vendor.server_address)

    def stored(self) -> dict[str, reference.Call]:
        """Every call as it is stored, by its id."""
        with self.engine.export(self.business.calls, (), None) as batches:
            rows = pa.Table.from_batches(list(batches), EXPORT_SCHEMA).drop_columns("updated_at")
        starts = rows.schema.get_field_index("started_at")
        return {row["id"]: row for row in rows.set_column(starts, "started_at", rows[starts].cast("int64")).to_pylist()}

    def wanted(self) -> dict[str, reference.Call]:
        """Every call of the vendor as it has to be stored."""
        return {call["id"]: call for call in self.vendor.calls()}


@pytest.fixture
def vendor() -> Iterator[callscaler.CallScaler]:
    """A vendor with twenty calls a page."""
    with callscaler.running(callscaler.CallScaler(TIME_ZONE, page_size=20)) as vendor:
        yield vendor


@pytest.fixture(scope="session")
def control(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Control]:
    with open_control(DataFolder(tmp_path_factory.mktemp("syncing"))) as opened:
        yield opened


@pytest.fixture
def puller(vendor: callscaler.CallScaler, engine: Engine, control: Control, tmp_path: Path) -> Puller:
    settings: dict[str, Any] = {"timezone": TIME_ZONE, "region": "US", "currency": "USD"}
    business = create_business(control, f"Business {next(NUMBERS)}", **settings, now=datetime(2026, 1, 1, tzinfo=UTC))
    return Puller(vendor, business, engine, control, tmp_path)
