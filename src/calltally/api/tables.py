"""A report as CSV, for spreadsheets."""

import csv
import io
import re

from calltally.query import Report

__all__ = ["table"]

RUN_BY_SPREADSHEETS = re.compile(r"[=+\-@\t\r\n]")
PLAIN_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")


def table(report: Report) -> bytes:
    """A line of names, then a line a group in the report's order; nothing at all where there is no value."""
    query = report.query
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*(dimension.name for dimension in query.dimensions), *(metric.name for metric in query.metrics)])
    writer.writerows([_harmless(cell) for cell in row.values()] for row in report.rows)
    return text.getvalue().encode()


def _harmless(cell: object) -> object:
    """The value; a text that a spreadsheet would take for a formula has an apostrophe before it."""
    if isinstance(cell, str) and RUN_BY_SPREADSHEETS.match(cell) and not PLAIN_NUMBER.fullmatch(cell):
        return f"'{cell}"
    return cell
