"""What an import says: how far it is, what it came to, and what to do next."""

import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from calltally.accounts import Business
from calltally.catalog import CATALOG
from calltally.cli.output import counted, print_facts, say
from calltally.cli.progress import Lines, bar
from calltally.ingestion import PRESETS, UNPLACED, FileResult, ImportOptions, ImportSummary, Progress, RejectedField

__all__ = [
    "SAME_FIELD",
    "Imported",
    "import_progress",
    "plain_summary",
    "print_next_step",
    "print_rejected",
    "print_summary",
    "went_well",
]

SAME_FIELD = {name: row.name for row in CATALOG.fields.values() for name in (row.name, *row.aliases)}
# What others call a field, where no likeness of the names would tell.
USUAL_WORDS = {
    "number_dialed": "tracking_number",
    "dialed_number": "tracking_number",
    "called_number": "tracking_number",
    "number_called": "tracking_number",
    "dnis": "tracking_number",
    "did": "tracking_number",
    "caller": "caller_number",
    "caller_id": "caller_number",
    "callerid": "caller_number",
    "calling_number": "caller_number",
    "customer_number": "caller_number",
    "ani": "caller_number",
    "call_time": "started_at",
    "call_date": "started_at",
    "date_time": "started_at",
    "result": "status",
    "outcome": "status",
    "disposition": "status",
    "campaign": "utm_campaign",
}
LONGEST_BAR_NAME = 24
MOST_DROPPED_SHOWN, MOST_REJECTED_SHOWN = 20, 5
NEAR = 0.75  # a hint about a column that means something else altogether does more harm than none

OnProgress = Callable[[Progress], None]


@dataclass
class Imported:
    """What the files of one command came to."""

    files: int = 0
    summary: ImportSummary = field(default_factory=ImportSummary)
    rejected: dict[str, tuple[RejectedField, ...]] = field(default_factory=dict)  # by the file that has the rows
    failures: list[str] = field(default_factory=list)

    def include(self, result: FileResult) -> None:
        """Count what a file came to."""
        self.files += 1
        self.summary.include(result.summary)
        if result.rejected:
            self.rejected |= dict.fromkeys(result.summary.rejects_files, result.rejected)
        if result.failure:
            self.failures.append(result.failure.message)


@contextmanager
def import_progress(path: Path) -> Iterator[OnProgress]:
    """A bar on a terminal, a line now and then elsewhere."""
    name = _printable(path.name)
    short = name if len(name) <= LONGEST_BAR_NAME else f"{name[: LONGEST_BAR_NAME - 1]}…"
    lines = Lines(name)
    with bar(short, None, detailed=True) as line:

        def show(now: Progress) -> None:
            rows, rate = counted(now.rows, "row"), f"{lines.pace.rate(now.rows)} calls/s"
            if not line:
                lines.show(rows, rate, *_standing(now, lines.pace.seconds), at_once=now.merging)
                return
            facts = "merging ..." if now.merging else rate if now.size else f"{rows}, {rate}"
            line.show(completed=now.size if now.merging else now.position, total=now.size, facts=facts)

        yield show


def _standing(now: Progress, seconds: float) -> Iterator[str]:
    """How much is read and how much time is left, as far as that can be known."""
    if now.merging:
        yield "all read, merging"
    elif now.size is not None:
        yield f"{100 * now.position // max(now.size, 1)}%"
        yield f"about {seconds * (now.size - now.position) / max(now.position, 1):.0f} s left"


def plain_summary(summary: ImportSummary) -> dict[str, Any]:
    """What an import came to, as plain data."""
    return {
        **vars(summary),
        "dropped_fields": {_encodable(name): count for name, count in summary.dropped_fields.items()},
        "rejects_files": [_encodable(path) for path in summary.rejects_files],
        "presets": dict(summary.presets),
    }


def print_summary(imported: Imported, business: Business, options: ImportOptions) -> None:
    """Print what an import came to."""
    summary = imported.summary
    say(
        f"Nothing was changed in '{business.name}'; an import would come to:"
        if options.dry_run
        else f"Imported into '{business.name}':"
    )
    counts = [
        ("Rows read", summary.read),
        ("Added", summary.added),
        ("Updated", summary.updated),
        ("Unchanged", summary.unchanged),
        ("Rejected", summary.rejected),
    ]
    width = len(f"{summary.read:,}")
    print_facts([(name, f"{count:>{width},}") for name, count in counts])
    _print_presets(imported)
    _print_encoding(imported)
    _print_times(summary, business)
    _print_dropped(summary)
    for path, rejected in imported.rejected.items():
        say(f"Rejected rows, with reasons: {_printable(path)}")
        print_rejected(rejected, "row")
    problems = {each.problem for rejected in imported.rejected.values() for each in rejected}
    if UNPLACED in problems:
        say("  If their calls are in another file, import that one first, then this one again")
    if any(problem.param == "started_at" for problem in problems - {UNPLACED}) and not options.time_formats:
        say("  If the times are in another column, add --map; if they are written otherwise, --time-format")


def print_rejected(rejected: Sequence[RejectedField], what: str) -> None:
    """Print what keeps rows out, by field, each with the first row of which that is true."""
    for each in rejected[:MOST_REJECTED_SHOWN]:
        more = f" ({counted(each.rows - 1, f'more such {what}')})" if each.rows > 1 else ""
        say(f"  Such as {each.place}: {_printable(each.problem.message)}{more}")
    if left := rejected[MOST_REJECTED_SHOWN:]:
        say(f"  Also in {counted(len(left), 'more field')}: {', '.join(each.problem.param for each in left)}")


def _print_presets(imported: Imported) -> None:
    """Which files were read as a vendor's; all of them, where nothing else is said."""
    for name, count in imported.summary.presets.items():
        how = f"as {PRESETS[name].vendor} writes them (--preset {name})"
        say(f"Read {how}" if count == imported.files else f"{count:,} of {imported.files:,} files read {how}")


def _print_encoding(imported: Imported) -> None:
    """Which files were taken for windows-1252: where that is wrong, all letters with accents are."""
    if count := imported.summary.windows_1252_files:
        which = "Read" if count == imported.files else f"{count:,} of {imported.files:,} files read"
        say(f"{which} as windows-1252, since it is not UTF-8: see that names with accents are right")


def _print_times(summary: ImportSummary, business: Business) -> None:
    clock = f"on the clock of {business.timezone}"
    if count := summary.ambiguous_times:
        say(f"{counted(count, 'row')} at a time that occurs twice {clock}: the first is taken")
    if count := summary.skipped_times:
        say(f"{counted(count, 'row')} at a time that does not occur {clock}: moved forward by the gap")


def _print_dropped(summary: ImportSummary) -> None:
    """What was dropped, the most frequent first, and which of it may be a call field by another name."""
    most = summary.dropped_fields.most_common(MOST_DROPPED_SHOWN)
    if not most:
        return
    more = len(summary.dropped_fields) - len(most)
    listed = ", ".join(f"{_printable(name)} ({count:,})" for name, count in most)
    say(f"Dropped columns and how many rows had them: {listed}{f' and {more:,} more' if more else ''}")
    for name, _ in most:
        if name not in SAME_FIELD and not _is_usual(name, summary) and (near := _near_field(name)):
            option = shlex.quote(f"{near}={_printable(name)}")
            say(f"  Is '{_printable(name)}' the field '{near}'? Then add --map {option}")


def _is_usual(column: str, summary: ImportSummary) -> bool:
    """Whether a column is one that the vendors of these files have, and of which we know that it is no field."""
    return any(column in PRESETS[name].others for name in summary.presets)


def _near_field(column: str) -> str | None:
    word = re.sub(r"[\W_]+", "_", column[:128].lower()).strip("_")
    if word in SAME_FIELD or word in USUAL_WORDS:
        return SAME_FIELD.get(word) or USUAL_WORDS[word]
    # 'Caller' is near 'call_id', and taking callers for ids would make one call of all that somebody made; as near are
    # numbers, names and dates to the ids of other things.
    likely = [name for name, field_name in SAME_FIELD.items() if field_name != "id" and not name.endswith("_id")]
    near = get_close_matches(word, likely, n=1, cutoff=NEAR)
    return SAME_FIELD[near[0]] if near else None


def went_well(imported: Imported) -> bool:
    """Whether all of it was new and good: somebody's first import, perhaps."""
    summary = imported.summary
    return not imported.failures and 0 < summary.added == summary.read


def print_next_step(business: Business, data: str | None, *, has_key: bool) -> None:
    """Print what to do once the first calls are in."""
    where = f" --data {shlex.quote(data)}" if data else ""
    if has_key:
        say("Next, start the server:")
    else:
        say("Next, make a key and start the server:")
        say(f"  calltally key create {business.id}{where}")
    say(f"  calltally serve{where}")


def _printable(text: str) -> str:
    """The text without what would do something to a terminal, rather than be seen on it."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


def _encodable(text: str) -> str:
    """The text with a mark for each byte that is no text, as names of files may have."""
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
