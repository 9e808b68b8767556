"""Saved reports: reports that a business has given names, to be opened again.

What a request says is for `calltally.query.saved` to check; here it is a text.
"""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, select, update

from calltally.accounts.businesses import Business, locked_business, name_problem
from calltally.accounts.control import Control
from calltally.accounts.redacting import redact_reports
from calltally.accounts.tables import saved_reports
from calltally.errors import InvalidRequest, NotFound, Problem, shown

__all__ = [
    "LONGEST_REPORT_NAME",
    "MOST_SAVED_REPORTS",
    "SavedReport",
    "change_saved_report",
    "delete_saved_report",
    "list_saved_reports",
    "redact_saved_reports",
    "report_name_problem",
    "save_report",
]

MOST_SAVED_REPORTS = 500  # of a business
LONGEST_REPORT_NAME = 100
REPORT_ID = re.compile(r"[0-9a-f]{1,16}")
NAMELESS = "Report"


@dataclass(frozen=True)
class SavedReport:
    """A saved report."""

    id: str
    name: str
    request: str
    created_at: datetime
    updated_at: datetime


def save_report(control: Control, business_id: str, name: str, request: str, now: datetime) -> SavedReport:
    """The new saved report.

    Raises:
        InvalidRequest: the business has one of this name, or as many as it can have.
        NotFound: the business is gone.
    """
    report = SavedReport(secrets.token_hex(8), name, request, now, now)
    with control.writing() as connection:
        locked_business(connection, business_id)
        _require_free(connection, business_id, name)
        count = select(func.count()).select_from(saved_reports).where(saved_reports.c.business_id == business_id)
        if connection.execute(count).scalar_one() >= MOST_SAVED_REPORTS:
            message = f"this business has {MOST_SAVED_REPORTS} saved reports, the most there can be; delete one first"
            raise InvalidRequest((Problem("name", f"name: {message}"),))
        connection.execute(
            insert(saved_reports).values(
                id=report.id,
                business_id=business_id,
                name=name,
                request=request,
                created_at=now,
                updated_at=now,
            )
        )
    return report


def list_saved_reports(control: Control, business: Business) -> tuple[SavedReport, ...]:
    """The saved reports of a business, by name."""
    wanted = select(saved_reports).where(saved_reports.c.business_id == business.id)
    with control.reading() as connection:
        rows = connection.execute(wanted).all()
    return tuple(sorted(map(_report, rows), key=lambda report: (report.name.casefold(), report.name)))


def change_saved_report(
    control: Control, business_id: str, report_id: str, now: datetime, **changes: str
) -> SavedReport:
    """The saved report as it is after its `name`, its `request` or both were changed.

    Raises:
        NotFound: the business has none with this id.
        InvalidRequest: it has another one of this name.
    """
    mine = _mine(business_id, report_id)
    with control.writing() as connection:
        locked_business(connection, business_id)
        if "name" in changes:
            _require_free(connection, business_id, changes["name"], but_for=report_id)
        if not connection.execute(update(saved_reports).where(mine).values(**changes, updated_at=now)).rowcount:
            raise _unknown(report_id)
        return _report(connection.execute(select(saved_reports).where(mine)).one())


def delete_saved_report(control: Control, business_id: str, report_id: str) -> None:
    """Delete a saved report.

    Raises:
        NotFound: the business has none with this id.
    """
    mine = _mine(business_id, report_id)
    with control.writing() as connection:
        if not connection.execute(delete(saved_reports).where(mine)).rowcount:
            raise _unknown(report_id)


def report_name_problem(name: str) -> Problem | None:
    """What is wrong with a trimmed name of a report, or None."""
    if len(name) > LONGEST_REPORT_NAME:
        return Problem("name", f"name: {shown(name)} has more than {LONGEST_REPORT_NAME} characters")
    return name_problem(name)


def redact_saved_reports(control: Control, business: Business, caller_number: str) -> int:
    """How many saved reports had a caller's number (E.164) in their name or request, which have it no more."""
    return redact_reports(control, business, saved_reports, caller_number, _renamed)


def _renamed(row: Row[Any], left: str) -> str:
    """What a saved report is called of whose name this is left; another one may be called that."""
    return left if left == row.name else f"{left.strip() or NAMELESS} {row.id}"


def _require_free(connection: Connection, business_id: str, name: str, but_for: str = "") -> None:
    """Nothing, if no report of the business, but for one, has the name; the business is locked."""
    same = (saved_reports.c.business_id == business_id) & (saved_reports.c.name == name)
    if connection.execute(select(saved_reports.c.id).where(same, saved_reports.c.id != but_for)).first():
        message = f"name: there is a saved report {shown(name)} already; choose another name"
        raise InvalidRequest((Problem("name", message),))


def _mine(business_id: str, report_id: str) -> ColumnElement[bool]:
    """Whether a row is that of a saved report of a business."""
    if not REPORT_ID.fullmatch(report_id):  # there are texts that no database takes
        raise _unknown(report_id)
    return (saved_reports.c.id == report_id) & (saved_reports.c.business_id == business_id)


def _report(row: Row[Any]) -> SavedReport:
    return SavedReport(row.id, row.name, row.request, row.created_at, row.updated_at)


def _unknown(report_id: str) -> NotFound:
    return NotFound(f"There is no saved report {shown(report_id)}")
