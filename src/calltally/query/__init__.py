"""A report: parse, validate, plan, answer, shape; and lists of the calls behind one."""

from calltally.query.answer import answer, ask
from calltally.query.fingerprint import fingerprint
from calltally.query.listing import CallList, Listing, list_calls, plan_list, select_listed
from calltally.query.selection import Selection, select
from calltally.query.shape import Report
from calltally.query.timing import Timing
from calltally.query.validate import ValidQuery

__all__ = [
    "CallList",
    "Listing",
    "Report",
    "Selection",
    "Timing",
    "ValidQuery",
    "answer",
    "ask",
    "fingerprint",
    "list_calls",
    "plan_list",
    "select",
    "select_listed",
]
