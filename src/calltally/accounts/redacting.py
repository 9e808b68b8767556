"""What reports that are kept, saved or shared, say of a caller who is erased: nothing any more."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Row, Table, select, update

from calltally.accounts.businesses import Business, locked_business
from calltally.accounts.control import Control
from calltally.accounts.spelling import line_without_number

__all__ = ["redact_reports"]


def redact_reports(
    control: Control,
    business: Business,
    table: Table[Any],
    caller_number: str,
    renamed: Callable[[Row[Any], str], str | None],
) -> int:
    """How many reports of a business had a caller's number (E.164) in their name or request, which have it no more.

    `renamed` says how a report of the table is called from now on, of whose name this is left.
    """
    changed = 0
    with control.writing() as connection:
        locked_business(connection, business.id)
        for row in connection.execute(select(table).where(table.c.business_id == business.id)).all():
            name, request = (line_without_number(text, caller_number) for text in (row.name or "", row.request))
            if (name, request) != (row.name or "", row.request):
                values = {"name": renamed(row, name), "request": request}
                connection.execute(update(table).where(table.c.id == row.id).values(values))
                changed += 1
    if changed:
        control.empty_log()
    return changed
