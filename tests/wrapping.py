"""An engine around another one, for tests that want one of its answers otherwise."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager

import pyarrow as pa

from calltally.engines import Condition, Engine, Erasure, Load, Outcome, Page, Plan, Rows, Snapshot, Stop, StoreFacts
from calltally.localtime import Period


class WrappedEngine:
    """Does what the engine inside does."""

    def __init__(self, inside: Engine) -> None:
        self.inside = inside

    def answer(self, plan: Plan, stop: Stop) -> Rows:
        return self.inside.answer(plan, stop)

    def page(self, page: Page, stop: Stop) -> pa.RecordBatch:
        return self.inside.page(page, stop)

    def version(self, calls: str) -> str:
        return self.inside.version(calls)

    def known_version(self, calls: str) -> str | None:
        return self.inside.known_version(calls)

    def answer_at_once(self, plan: Plan) -> Rows | None:
        return None  # what is changed about it may wait

    def load(self, calls: str) -> AbstractContextManager[Load]:
        return self.inside.load(calls)

    def apply(self, calls: str, deliveries: pa.RecordBatch) -> Sequence[Outcome]:
        return self.inside.apply(calls, deliveries)

    def call(self, calls: str, call_id: str) -> pa.RecordBatch | None:
        return self.inside.call(calls, call_id)

    def delete(self, calls: str, call_id: str) -> bool:
        return self.inside.delete(calls, call_id)

    def erase(self, calls: str, *caller_numbers: str) -> int:
        return self.inside.erase(calls, *caller_numbers)

    def erasure(self, calls: str) -> Erasure:
        return self.inside.erasure(calls)

    def export(
        self,
        calls: str,
        conditions: tuple[Condition, ...],
        periods: tuple[Period, ...] | None,
        stop: Stop | None = None,
    ) -> AbstractContextManager[Iterator[pa.RecordBatch]]:
        return self.inside.export(calls, conditions, periods, stop)

    def snapshot(self, calls: str) -> AbstractContextManager[Snapshot | None]:
        return self.inside.snapshot(calls)

    def check(self, calls: str) -> StoreFacts:
        return self.inside.check(calls)

    def remove(self, calls: str) -> None:
        self.inside.remove(calls)

    def ready(self) -> None:
        self.inside.ready()

    def close(self) -> None:
        self.inside.close()
