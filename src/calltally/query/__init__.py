"""A report: parse, validate, plan, answer, shape; and lists of the calls behind one."""

from calltally.query.answer import answer, ask, ask_picture
from calltally.query.fingerprint import fingerprint
from calltally.query.listing import CallList, Listing, list_calls, plan_list, select_listed
from calltally.query.selection import Selection, select
from calltally.query.shape import Report
from calltally.query.timing import Timing
from calltally.query.validate import Look, ValidQuery, ValidValues
from calltally.query.values import DimensionValues, list_values, plan_values

__all__ = [
    "CallList",
    "DimensionValues",
    "Listing",
    "Look",
    "Report",
    "Selection",
    "Timing",
    "ValidQuery",
    "ValidValues",
    "answer",
    "ask",
    "ask_picture",
    "fingerprint",
    "list_calls",
    "list_values",
    "plan_list",
    "plan_values",
    "select",
    "select_listed",
]
