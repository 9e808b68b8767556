"""A page of a list of calls: parse, validate, plan, answer; and what picks calls for a file of all of them."""

from dataclasses import dataclass, replace

import pyarrow as pa

from calltally.accounts import Business
from calltally.catalog import CATALOG
from calltally.engines import Engine, Page, Place, Stop
from calltally.errors import InvalidRequest, Problem
from calltally.localtime import microseconds, offset_table
from calltally.query.cursors import hashed, write_cursor
from calltally.query.parse import parse
from calltally.query.selection import Selection, reading_of, select, selection_of
from calltally.query.validate import ValidListing, validate_listing

__all__ = ["CallList", "Listing", "list_calls", "plan_list", "select_listed"]

LISTING = replace(CATALOG, parameters=CATALOG.listing)
SELECTING = tuple(parameter for parameter in CATALOG.listing.values() if parameter.filter)
OTHER_LIST = "cursor: it is of another list; give it with the filters and the order that it came with, or leave it out"


@dataclass(frozen=True)
class Listing:
    """A page that can be asked for, and what its list is known by."""

    page: Page
    question: str


@dataclass(frozen=True)
class CallList:
    """The calls of a page, of `EXPORT_SCHEMA`, and the cursor of the next page; None: it is the last."""

    calls: pa.RecordBatch
    next_cursor: str | None


def plan_list(query_string: bytes, business: Business) -> Listing:
    """The page that a query string asks for.

    Raises:
        InvalidRequest: with every problem of the query.
    """
    asked = validate_listing(parse(query_string), LISTING, reading_of(business))
    selection = selection_of(asked.filters, offset_table(business.timezone))
    question = repr((business.calls, selection, asked.descending))
    return Listing(_page(asked, selection, question, business), question)


def list_calls(listing: Listing, engine: Engine, stop: Stop) -> CallList:
    """The page; blocks while the engine works.

    Raises:
        Unavailable: it was stopped, or the engine cannot answer now.
    """
    limit = listing.page.limit
    found = engine.page(replace(listing.page, limit=limit + 1), stop)  # one more tells whether there is a next page
    if found.num_rows <= limit:
        return CallList(found, None)
    calls = found.slice(0, limit)
    return CallList(calls, write_cursor(listing.question, _last_place(calls)))


def select_listed(query_string: bytes, business: Business) -> Selection:
    """The calls of all pages of a list.

    Raises:
        InvalidRequest: with every problem of the query.
    """
    return select(query_string, SELECTING, business)


def _page(asked: ValidListing, selection: Selection, question: str, business: Business) -> Page:
    after = asked.cursor.place if asked.cursor else None
    if asked.cursor and asked.cursor.question != hashed(question):
        raise InvalidRequest((Problem("cursor", OTHER_LIST),))
    return Page(business.calls, selection.conditions, selection.periods, after, asked.descending, asked.limit)


def _last_place(calls: pa.RecordBatch) -> Place:
    """Where the last of some calls stands."""
    last = calls.num_rows - 1
    return Place(microseconds(calls["started_at"][last].as_py()), calls["id"][last].as_py())
