"""The life of a report on one screen: parse, validate, plan, answer, shape."""

from dataclasses import dataclass, replace

from calltally.accounts import Business
from calltally.catalog import CATALOG
from calltally.engines import Engine, Plan, Rows, Stop
from calltally.query.fingerprint import fingerprint
from calltally.query.parse import parse
from calltally.query.plan import plan
from calltally.query.selection import reading_of
from calltally.query.shape import Report, shape
from calltally.query.timing import Timing
from calltally.query.validate import Look, ValidQuery, validate, validate_picture

__all__ = ["Question", "answer", "answer_at_once", "ask"]

PICTURING = replace(CATALOG, parameters=CATALOG.picturing)


@dataclass(frozen=True)
class Question:
    """What is asked, how a picture of it is to look, and what tells it apart from other questions."""

    query: ValidQuery
    plan: Plan
    fingerprint: bytes
    look: Look | None


def ask(query_string: bytes, business: Business, timing: Timing, *, pictured: bool = False) -> Question:
    """What a query string asks for, or what it asks to have a picture of.

    Raises:
        InvalidRequest: with every problem of the query.
    """
    with timing.step("plan"):
        sent, reading = parse(query_string), reading_of(business)
        look = None
        if pictured:
            query, look = validate_picture(sent, PICTURING, reading)
        else:
            query = validate(sent, CATALOG, reading)
        planned = plan(query, business)
        return Question(query, planned, fingerprint(query, planned), look)


def answer(question: Question, engine: Engine, stop: Stop, timing: Timing) -> Report:
    """The report; blocks while the engine works.

    Raises:
        Unavailable: it was stopped, or the engine cannot answer now.
    """
    with timing.step("engine"):
        rows = engine.answer(question.plan, stop)
    return _shaped(question, rows, timing)


def answer_at_once(question: Question, engine: Engine, timing: Timing) -> Report | None:
    """The report, if it takes a millisecond or two and waits for nothing; None: it is for `answer`."""
    with timing.step("engine"):
        rows = engine.answer_at_once(question.plan)
    return None if rows is None else _shaped(question, rows, timing)


def _shaped(question: Question, rows: Rows, timing: Timing) -> Report:
    timing.say("engine", rows.path)
    with timing.step("shape"):
        return shape(question.query, question.plan, rows)
