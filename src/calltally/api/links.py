"""`/session/BUSINESS/...`: the files that pages link to, of the business that a page shows.

A link sends no header that could say which one that is, and what is added to the address of a report would be a
parameter of it. Everything else is as at the addresses of the API.
"""

from calltally.api.analytics import report_in
from calltally.api.forms import FORMS
from calltally.api.listing import list_calls_csv
from calltally.api.routing import route

__all__ = ["LINKS"]

LINKS = [
    *[route(f"/session/{{business}}/report.{form.name}", GET=report_in(form)) for form in FORMS],
    route("/session/{business}/calls.csv", GET=list_calls_csv),
]
