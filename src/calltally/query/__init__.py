"""A report: parse, validate, plan, answer, shape; lists of the calls behind one; and reports that are kept."""

from calltally.query.answer import Question, answer, answer_at_once, ask
from calltally.query.listing import CallList, Listing, list_calls, plan_list, select_listed
from calltally.query.saved import LONGEST_REQUEST, asked_at, normal_request, range_of
from calltally.query.selection import Selection, select
from calltally.query.shape import Cell, Report
from calltally.query.timing import Timing
from calltally.query.validate import Look, ValidQuery, ValidValues
from calltally.query.values import DimensionValues, list_values, plan_values

__all__ = [
    "LONGEST_REQUEST",
    "CallList",
    "Cell",
    "DimensionValues",
    "Listing",
    "Look",
    "Question",
    "Report",
    "Selection",
    "Timing",
    "ValidQuery",
    "ValidValues",
    "answer",
    "answer_at_once",
    "ask",
    "asked_at",
    "list_calls",
    "list_values",
    "normal_request",
    "plan_list",
    "plan_values",
    "range_of",
    "select",
    "select_listed",
]
