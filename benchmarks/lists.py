"""How long a page of a list of calls takes over HTTP, beside SQL that somebody writes by hand for the same file.

The database lets one process at a time have the file, so the server and the rival take turns, a round each.
"""

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

import duckdb

from benchmarks.client import CALLS, Client, connected
from benchmarks.commands import THREADS, run, serving
from benchmarks.data import make_parquet
from benchmarks.figures import ListFigure, ListFigures
from benchmarks.imports import BUSINESS, import_into
from benchmarks.measure import Best, median_ms
from calltally.localtime import microseconds

__all__ = ["measure_lists"]

PAGE = 50
CHANGED = 80  # calls that are changed after the import: more than a page
CAMPAIGN = "install-google-02"
NUMBERS = ("caller_number", "tracking_number", "destination_number")


@dataclass(frozen=True)
class _Question:
    """A list, as it is asked for and as SQL would pick its calls."""

    title: str
    parameters: dict[str, str]
    condition: str

    @property
    def path(self) -> str:
        """Where the page is asked for."""
        return f"{CALLS}?{urlencode({**self.parameters, 'limit': PAGE})}"

    @property
    def statement(self) -> str:
        """What somebody would write."""
        return f"SELECT * FROM calls WHERE {self.condition} ORDER BY started_at DESC, id DESC LIMIT {PAGE}"


def measure_lists(count: int, out: Path, scratch: Path, rounds: int, times: int) -> ListFigures:
    """The first pages of a business of so many calls."""
    parquet, data = make_parquet(count, out), scratch / "listed"
    import_into(data, parquet, count)
    key = run(data, "key", "create", BUSINESS, "--scope", "read", "--scope", "write").printed["key"]
    with serving(data) as server, connected(server, key) as client:
        questions = _questions(_a_caller(parquet), _change(client, parquet))
    best = Best()
    for _ in range(rounds):
        with serving(data) as server, connected(server, key) as client:
            for question in questions:
                best.take(question.title, median_ms(partial(client.get, question.path), times))
            pages = [client.get(question.path) for question in questions]
        _ask_rival(data, questions, pages, best, times)
    return ListFigures(count, PAGE, tuple(_figure(question, best) for question in questions))


def _change(client: Client, parquet: Path) -> datetime:
    """Change some calls from all over the business; a time before which nothing of it was changed."""
    with duckdb.connect() as database:
        found = database.execute(f"SELECT id FROM read_parquet(?) USING SAMPLE {CHANGED}", [str(parquet)]).fetchall()
    time.sleep(0.01)  # so that the import is over, and by the clock too
    since = datetime.now(UTC)
    client.post(json.dumps([{"id": call_id, "ai_category": "changed"} for (call_id,) in found]).encode())
    return since


def _a_caller(parquet: Path) -> str:
    """Who called first, so that calls of all times are looked at."""
    with duckdb.connect() as database:
        international = "SELECT caller_number FROM read_parquet(?) WHERE caller_number LIKE '+1%' LIMIT 1"
        return str(database.execute(international, [str(parquet)]).fetchall()[0][0])


def _questions(caller: str, since: datetime) -> tuple[_Question, ...]:
    searched = " OR ".join(f"contains({name}, '{caller}')" for name in NUMBERS)
    november = {"start_date": "2025-11-01", "end_date": "2025-11-30"}
    in_november = "started_at >= TIMESTAMP '2025-11-01' AND started_at < TIMESTAMP '2025-12-01'"
    return (
        _Question("All calls", {}, "true"),
        _Question("A source", {"source": "yelp"}, "source = 'yelp'"),
        _Question("A campaign", {"where[utm_campaign]": CAMPAIGN}, f"utm_campaign = '{CAMPAIGN}'"),
        _Question("A number searched for", {"search": caller}, searched),
        _Question("Changed since", {"updated_since": since.isoformat()}, f"changed_at >= {microseconds(since)}"),
        _Question("A month", november, in_november),
    )


def _ask_rival(data: Path, questions: tuple[_Question, ...], pages: list[bytes], best: Best, times: int) -> None:
    """The same by SQL, through the Python driver; its calls have to be those of the pages."""
    [file] = (data / "calls").glob("*.duckdb")
    with duckdb.connect(str(file), read_only=True, config={"threads": THREADS}) as database:
        for question, page in zip(questions, pages, strict=True):
            ask = partial(_rows, database, question.statement)
            best.take(_rival(question), median_ms(ask, times))
            ours, theirs = [call["id"] for call in json.loads(page)["data"]["calls"]], [row[0] for row in ask()]
            if ours != theirs or not ours:
                raise RuntimeError(f"{question.path}: {ours} are not the rival's {theirs}")


def _rows(database: duckdb.DuckDBPyConnection, statement: str) -> list[tuple[object, ...]]:
    return database.execute(statement).fetchall()


def _rival(question: _Question) -> str:
    return f"{question.title}: rival"


def _figure(question: _Question, best: Best) -> ListFigure:
    ours, rival = best[question.title], best[_rival(question)]
    return ListFigure(question.title, question.path, ours, rival, ours / rival)
