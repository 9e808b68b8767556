"""A call sent to a server: what makes every answer before it an old one."""

import json
from collections.abc import Callable
from itertools import count

from benchmarks.client import Client

__all__ = ["WRITTEN_AT", "writer"]

WRITTEN_AT = "2025-11-15T12:00:00Z"  # within the month that is asked for
NUMBERS = count()


def writer(client: Client) -> Callable[[], None]:
    """What sends one more call, of a new caller, each time it is called; the call is in when it returns."""

    def write() -> None:
        number = next(NUMBERS)
        call = {
            "id": f"written-{number}",
            "started_at": WRITTEN_AT,
            "caller_number": f"+1212555{number % 10_000:04}",
            "status": "completed",
            "source": "google",
            "duration_seconds": 60,
        }
        client.post(json.dumps(call).encode())

    return write
