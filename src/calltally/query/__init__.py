"""A report: parse, validate, plan, answer, shape."""

from calltally.query.answer import answer, ask
from calltally.query.fingerprint import fingerprint
from calltally.query.selection import Selection, select
from calltally.query.shape import Report
from calltally.query.timing import Timing
from calltally.query.validate import ValidQuery

__all__ = ["Report", "Selection", "Timing", "ValidQuery", "answer", "ask", "fingerprint", "select"]
