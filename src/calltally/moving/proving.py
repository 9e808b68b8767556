"""Whether two engines have the same calls of a business: row by row in each month, and in what they answer."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from calltally.accounts import Business
from calltally.catalog import CATALOG
from calltally.engines import SUMMED_FIELDS, Movable, Page, PartKind, Stop, Tally
from calltally.errors import shown
from calltally.moving.battery import Question, questions
from calltally.moving.copying import Side
from calltally.query import Report, Timing, answer, ask

__all__ = ["Proof", "prove"]

OnReports = Callable[[int], None]
Place = tuple[PartKind, str]

SAMPLE = 20  # calls at each end of time that are looked for by their ids


@dataclass(frozen=True)
class Proof:
    """What was held against each other, and how it differs: nothing, where all is the same."""

    calls: int
    held: int
    deleted: int
    months: int
    reports: int
    differences: tuple[str, ...]


def prove(business: Business, source: Side, target: Side, on_reports: OnReports) -> Proof:
    """Hold the calls of a business against each other; changes nothing.

    Raises:
        Unavailable: an engine cannot answer now, or its calls are not whole.
    """
    with ThreadPoolExecutor(1, "proof") as beside:
        tallies = beside.submit(target.engine.tallies, business.calls)
        here, there = _by_place(source.engine.tallies(business.calls)), _by_place(tallies.result())
        different = [
            *_different_rows(here, there, source, target),
            *_lost_ids(business, source, target),
            *_different_erasures(business, source, target),
        ]
        reports = 0
        answered = _Answered(source.engine)
        for question in questions(business, answered):
            found = beside.submit(_answer, question, target.engine)
            if _plain(answered(question)) != _plain(found.result()):
                different.append(f"the report {question.name}")
            reports += 1
            on_reports(reports)
    calls, held, deleted = (sum(tally.rows for tally in here.values() if tally.kind is kind) for kind in PartKind)
    months = sum(kind is PartKind.CALLS for kind, _ in here)
    return Proof(calls, held, deleted, months, reports, tuple(different))


class _Answered:
    """The reports of an engine; the last one is not asked twice."""

    def __init__(self, engine: Movable) -> None:
        self._engine = engine
        self._last: tuple[Question, Report] | None = None

    def __call__(self, question: Question) -> Report:
        if self._last is None or self._last[0] != question:
            self._last = question, _answer(question, self._engine)
        return self._last[1]


def _answer(question: Question, engine: Movable) -> Report:
    asked = ask(question.query_string, question.business, Timing())
    return answer(asked, engine, Stop(), Timing())


def _plain(report: Report) -> str:
    """A report as it is sent; sums may have more than 64 bits."""
    return json.dumps([list(map(dict, report.rows)), dict(report.totals)])


def _by_place(tallies: Sequence[Tally]) -> Mapping[Place, Tally]:
    return {(tally.kind, tally.month): tally for tally in tallies}


def _different_rows(
    here: Mapping[Place, Tally], there: Mapping[Place, Tally], source: Side, target: Side
) -> Iterator[str]:
    nothing = (0,) * len(SUMMED_FIELDS)
    for place in sorted({*here, *there}, key=lambda place: (place[1], place[0])):
        kind, month = place
        one, other = (found.get(place) or Tally(kind, month, 0, nothing, 0) for found in (here, there))
        name = f"{kind} of {month}" if month else kind.value
        if one.rows != other.rows:
            yield f"{name}: {one.rows:,} in {source.name}, {other.rows:,} in {target.name}"
            continue
        sums = list(zip(SUMMED_FIELDS, one.sums, other.sums, strict=True))
        for field, summed, summed_there in sums:
            if summed != summed_there:
                label = CATALOG.fields[field].label.lower()
                yield f"{name}: the sum of {label} is {summed:,} in {source.name}, {summed_there:,} in {target.name}"
        if one.digest != other.digest and one.sums == other.sums:
            yield f"{name}: the counts and sums are equal, but not every field of every row, or not its version"


def _lost_ids(business: Business, source: Side, target: Side) -> Iterator[str]:
    """Whether calls are found by their ids, which an engine keeps apart from rows: the newest and the oldest ones."""
    pages = [Page(business.calls, (), None, None, descending, SAMPLE) for descending in (True, False)]
    ids = {call_id for page in pages for call_id in source.engine.page(page, Stop())["id"].to_pylist()}
    lost = sorted(call_id for call_id in ids if target.engine.call(business.calls, call_id) is None)
    if lost:
        not_found = f"{len(lost):,} of {len(ids):,} calls are not found by theirs, such as {shown(lost[0])}"
        yield f"ids: in {target.name} {not_found}"


def _different_erasures(business: Business, source: Side, target: Side) -> Iterator[str]:
    here, there = (side.engine.holdings(business.calls) for side in (source, target))
    if (here.erasure_key, here.erased) != (there.erasure_key, there.erased):
        yield f"erased callers: {len(here.erased):,} in {source.name}, {len(there.erased):,} in {target.name}"
