"""The life of a report on one screen: parse, validate, plan, answer, shape."""

from dataclasses import replace

from calltally.accounts import Business
from calltally.catalog import CATALOG
from calltally.engines import Engine, Plan, Stop
from calltally.query.parse import parse
from calltally.query.plan import plan
from calltally.query.selection import reading_of
from calltally.query.shape import Report, shape
from calltally.query.timing import Timing
from calltally.query.validate import Look, ValidQuery, validate, validate_picture

__all__ = ["answer", "ask", "ask_picture"]

PICTURING = replace(CATALOG, parameters=CATALOG.picturing)


def ask(query_string: bytes, business: Business, timing: Timing) -> tuple[ValidQuery, Plan]:
    """What an engine is to be asked for a query string.

    Raises:
        InvalidRequest: with every problem of the query.
    """
    with timing.step("plan"):
        query = validate(parse(query_string), CATALOG, reading_of(business))
        return query, plan(query, business)


def ask_picture(query_string: bytes, business: Business, timing: Timing) -> tuple[ValidQuery, Plan, Look]:
    """The same for a picture of the report, and how that is to look.

    Raises:
        InvalidRequest: with every problem of the query.
    """
    with timing.step("plan"):
        query, look = validate_picture(parse(query_string), PICTURING, reading_of(business))
        return query, plan(query, business), look


def answer(query: ValidQuery, planned: Plan, engine: Engine, stop: Stop, timing: Timing) -> Report:
    """The report; blocks while the engine works.

    Raises:
        Unavailable: it was stopped, or the engine cannot answer now.
    """
    with timing.step("engine"):
        rows = engine.answer(planned, stop)
    timing.say("engine", rows.path)
    with timing.step("shape"):
        return shape(query, planned, rows)
