"""`calltally sync`: calls pulled from where they are recorded, once or again and again."""

import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from getpass import getpass
from pathlib import Path
from typing import Annotated, Any

import typer

from calltally.accounts import Business, find_business, rfc3339
from calltally.cli.damage import naming_damage
from calltally.cli.group import examples, new_group
from calltally.cli.import_summary import print_rejected
from calltally.cli.interrupting import interruptible
from calltally.cli.options import BusinessOption, DataOption, JsonOption, Opened, calls_of, opened, whole_number
from calltally.cli.output import Column, complain, counted, note, print_facts, print_json, print_table, say
from calltally.cli.progress import Line, Lines, spinner
from calltally.engines import Engine, Outcome
from calltally.errors import CalltallyError, InvalidRequest, Problem, Refused, Unavailable, shown
from calltally.ingestion import Rejects
from calltally.localtime import microseconds, offset_table
from calltally.syncing import PullProgress, PullSummary, Reconciliation, Source, days_to_compare, pull, reconcile

__all__ = ["app"]

app = new_group(
    "Calls pulled from where they are recorded, only what is new.",
    examples("calltally sync callscaler --business 'Acme Plumbing'", "calltally sync callscaler --help"),
)

CALLSCALER = "https://callscaler.com/api/v1"
KEY_VARIABLE = "CALLSCALER_KEY"
LENGTH = re.compile(r"([0-9]{1,6})([smhd])")
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
LONGEST_PAUSE = 86400  # seconds between two rounds, where the vendor asks for more
MOST_DROPPED_SHOWN = 20
MOST_DIFFERENCES_SHOWN = 40


@dataclass(frozen=True)
class _Wanted:
    """What each round is to do."""

    source: Source
    business_id: str
    days: int
    as_json: bool


@dataclass(frozen=True)
class _Round:
    """What a round came to; `failure` says why its days were not compared."""

    business: Business
    summary: PullSummary
    rejects: Rejects
    compared: Reconciliation | None = None
    failure: CalltallyError | None = None


@app.command(
    epilog=examples(
        "calltally sync callscaler --business 'Acme Plumbing'",
        "CALLSCALER_KEY=cs_key_... \\",
        "    calltally sync callscaler --business Acme --every 5m",
        "calltally sync callscaler --business Acme --full --reconcile-days 365 --json",
    )
)
def callscaler(
    *,
    business: BusinessOption,
    every: Annotated[
        str | None,
        typer.Option(
            "--every",
            metavar="TIME",
            help="Go on until Ctrl-C, with a pause of so long between two rounds, such as 30s, 5m, 1h or 1d",
        ),
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Pull all calls again, not only those that changed")] = False,
    reconcile_days: Annotated[
        int,
        typer.Option(
            "--reconcile-days",
            metavar="DAYS",
            parser=whole_number(0, 40_000),
            help="Compare at most so many; 0: none",
        ),
    ] = 90,
    url: Annotated[str, typer.Option("--url", metavar="ADDRESS", help="Where the API is")] = CALLSCALER,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Pull calls from CallScaler into a business.

    The first time all calls come, later those that have changed since. What was stopped goes on where it was.
    At the end the totals of the days of these calls are held against those of CallScaler.
    The key is in the variable CALLSCALER_KEY, or is asked for. Calls that cannot be taken go to
    callscaler-BUSINESS.rejected.ndjson in the current folder, with the reason, where BUSINESS is the id.
    """
    # Here, as an HTTP client takes a tenth of a second to load, which no other command needs.
    from calltally.syncing.callscaler import CallScaler  # noqa: PLC0415
    from calltally.syncing.client import Client  # noqa: PLC0415

    pause, watch = _seconds(every), _Watch(CallScaler.name)
    with opened(data) as on:
        found = find_business(on.control, business)
        with Client(CallScaler.name, url, _key(), watch.wait) as client:
            wanted = _Wanted(CallScaler(client, url), found.id, reconcile_days, as_json)
            if pause is None:
                went_well = _once(on, wanted, watch, full=full)
            else:
                went_well = _again_and_again(on, wanted, watch, pause, full=full)
    if not went_well:
        raise typer.Exit(1)


def _seconds(every: str | None) -> int | None:
    if every is None:
        return None
    found = LENGTH.fullmatch(every.strip())
    if not found or not int(found[1]):
        message = f"--every: {shown(every)} is not a length of time such as 30s, 5m, 1h or 1d"
        raise InvalidRequest((Problem("every", message),))
    return int(found[1]) * SECONDS[found[2]]


def _key() -> str:
    if key := os.environ.get(KEY_VARIABLE, "").strip():
        return key
    if not sys.stdin.isatty():
        raise CalltallyError(f"The key is missing: set the variable {KEY_VARIABLE}, as nobody can be asked here")
    return getpass("CallScaler key: ", stream=sys.stderr).strip()


def _once(on: Opened, wanted: _Wanted, watch: "_Watch", *, full: bool) -> bool:
    """Pull once and print what it came to; whether it went well."""
    with interruptible(lambda: complain("Stopped before the end; run it again and it goes on where it was")):
        found = _round(on, wanted, watch, full=full)
    if wanted.as_json:
        print_json(_plain(found))
    else:
        _print(found)
    failures = [failure for failure in (found.summary.failure, found.failure) if failure]
    for failure in failures:
        complain(failure.message)
    return not failures


def _again_and_again(on: Opened, wanted: _Wanted, watch: "_Watch", pause: int, *, full: bool) -> bool:
    """Pull until Ctrl-C; what goes wrong in one round is said, and tried again in the next. A full round comes once."""
    try:
        while True:
            try:
                _once(on, wanted, watch, full=full)
                full = False
            except CalltallyError as failure:
                complain(failure.message)
                full = full and not watch.calls  # what has begun goes on
            sys.stdout.flush()
            time.sleep(max(pause, min(watch.wanted_pause, LONGEST_PAUSE)))
    except KeyboardInterrupt:
        note("Stopped")
    return True


def _round(on: Opened, wanted: _Wanted, watch: "_Watch", *, full: bool) -> _Round:
    """One round, and the comparison after it. The calls are let go of in between, so that a server can take them."""
    with calls_of(on, "sync") as engine, watch.watching():
        business = find_business(on.control, wanted.business_id)
        rejects = Rejects(Path(f"{wanted.source.vendor}-{business.id}"), "call", adding=True)
        rejects.outcome = "all other calls were taken"
        try:
            with naming_damage(business, engine):
                summary = pull(
                    wanted.source, business, engine, on.control, rejects, full=full, on_progress=watch.progress
                )
        except (Refused, Unavailable) as failure:
            watch.failed(failure)
            if watch.calls:
                said = f"{failure.message}; {counted(watch.calls, 'call')} came before, and the next run goes on there"
                raise CalltallyError(said) from failure
            raise
        try:
            return _Round(business, summary, rejects, _compare(wanted, business, engine, summary))
        except (Refused, Unavailable) as failure:
            watch.failed(failure)
            message = f"The calls are in, but could not be compared: {failure.message}"
            return _Round(business, summary, rejects, failure=CalltallyError(message))


def _compare(wanted: _Wanted, business: Business, engine: Engine, summary: PullSummary) -> Reconciliation | None:
    today = offset_table(business.timezone).day(microseconds(datetime.now(UTC)))
    days = days_to_compare((summary.first_day, summary.last_day), wanted.days, today)
    return reconcile(wanted.source, business, engine, days, today) if days else None


class _Watch:
    """Shows how far a round is: a line that changes on a terminal, a line now and then elsewhere, on standard error."""

    def __init__(self, name: str) -> None:
        self.calls = 0
        self.wanted_pause = 0  # seconds for which the vendor wants to be left alone before the next round
        self._name = name
        self._lines = Lines(name)
        self._line: Line | None = None

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Begin with a round."""
        self.calls = self.wanted_pause = 0
        self._lines = Lines(self._name)
        with spinner(f"{self._name}: asking ...") as self._line:
            yield
        self._line = None

    def progress(self, now: PullProgress) -> None:
        """Show it."""
        self.calls = now.calls
        rate = f"{self._lines.pace.rate(now.calls)} calls/s"
        facts = (counted(now.calls, "call"), counted(now.pages, "page"), rate)
        if self._line:
            self._line.show(f"{self._name}: {', '.join(facts)}")
        else:
            self._lines.show(*facts)

    def failed(self, failure: Refused | Unavailable) -> None:
        """Note how long to wait before the next round."""
        self.wanted_pause = failure.retry_after if isinstance(failure, Unavailable) else 0

    def wait(self, why: str) -> None:
        """Show why nothing goes on for a while."""
        if self._line:
            self._line.show(why)
        else:
            note(why)


def _plain(found: _Round) -> dict[str, Any]:
    summary = found.summary
    return {
        "business": found.business.id,
        "since": rfc3339(summary.since) if summary.since else None,
        "resumed": summary.resumed,
        "pages": summary.pages,
        "read": summary.read,
        **{outcome.value: summary.outcomes[outcome] for outcome in Outcome},
        "dropped_fields": summary.dropped_fields,
        "rejects_file": str(found.rejects.path) if found.rejects.count else None,
        "compared": _plain_comparison(found.compared) if found.compared else None,
    }


def _plain_comparison(compared: Reconciliation) -> dict[str, Any]:
    return {
        "first_day": compared.first_day.isoformat(),
        "last_day": compared.last_day.isoformat(),
        "differences": [{**vars(each), "day": each.day.isoformat()} for each in compared.differences],
        "hints": compared.hints,
    }


def _print(found: _Round) -> None:
    summary = found.summary
    since = f"that changed since {rfc3339(summary.since)}" if summary.since else "of all time"
    again = ", going on where it was stopped" if summary.resumed else ""
    say(f"Pulled into '{found.business.name}' the calls {since}{again}:")
    counts = [("Read", summary.read), *((each.value.capitalize(), summary.outcomes[each]) for each in Outcome)]
    width = len(f"{summary.read:,}")
    print_facts([(name, f"{count:>{width},}") for name, count in counts])
    if dropped := summary.dropped_fields.most_common(MOST_DROPPED_SHOWN):
        more = len(summary.dropped_fields) - len(dropped)
        listed = ", ".join(f"{shown(name)} ({count:,})" for name, count in dropped)
        say(f"Fields that are not kept, and how many calls had them: {listed}{f' and {more:,} more' if more else ''}")
    if found.rejects.fields:
        say(f"Rejected calls, with reasons: {found.rejects.path}")
        print_rejected(found.rejects.fields, "call")
    if found.compared:
        _print_comparison(found.compared)


def _print_comparison(compared: Reconciliation) -> None:
    days = f"{compared.first_day} to {compared.last_day}"
    if not compared.differences:
        say(f"Compared with CallScaler, {days}: all totals agree")
        return
    say(f"Compared with CallScaler, {days}:")
    listed = compared.differences[:MOST_DIFFERENCES_SHOWN]
    rows = [(each.day.isoformat(), each.metric, _number(each.ours), _number(each.theirs)) for each in listed]
    print_table((Column("Day"), Column("Metric"), Column("Here"), Column("CallScaler")), rows)
    if more := len(compared.differences) - len(listed):
        say(f"... and {more:,} more, which --json lists")
    for hint in compared.hints:
        say(f"- {hint}")


def _number(value: object) -> str:
    return "-" if value is None else f"{value:,}" if isinstance(value, int | float) else shown(value)
