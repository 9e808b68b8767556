"""A call written to a business while a server has its data folder: what makes every answer before it an old one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from calltally.accounts import find_business
from calltally.cli.options import calls_of, opened
from calltally.ingestion import import_records

__all__ = ["writing"]


@contextmanager
def writing(data: Path, business: str, started_at: str) -> Iterator[Callable[[], None]]:
    """What writes one more call, of a new caller, each time it is called; the call is in when it returns."""
    numbers = count()
    with opened(str(data)) as on, calls_of(on, "import") as engine:
        found = find_business(on.control, business)

        def write() -> None:
            number = next(numbers)
            call = {
                "id": f"written-{number}",
                "started_at": started_at,
                "caller_number": f"+1212555{number:04}",
                "status": "completed",
                "source": "google",
                "duration_seconds": 60,
            }
            import_records([call], found, engine)

        yield write
