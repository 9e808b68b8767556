"""A report: parse, validate, plan, answer, shape; and lists of the calls behind one."""

from calltally.query.answer import answer, ask, ask_picture
from calltally.query.fingerprint import fingerprint
from calltally.query.listing import CallList, Listing, list_calls, plan_list, select_listed
from calltally.query.selection import Selection, select
from calltally.query.shape import Report
from calltally.query.timing import Timing
from calltally.query.validate import Look, ValidQuery

__all__ = [
    "CallList",
    "Listing",
    "Look",
    "Report",
    "Selection",
    "Timing",
    "ValidQuery",
    "answer",
    "ask",
    "ask_picture",
    "fingerprint",
    "list_calls",
    "plan_list",
    "select",
    "select_listed",
]
