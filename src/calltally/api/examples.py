"""Example answers for the OpenAPI document: built from the catalog, and refusals by what builds the real ones."""

import json
from typing import Any

from calltally.accounts import ACTIONS
from calltally.api.catalog import SHOWN
from calltally.api.errors import error_response, internal_error, stopping_error
from calltally.catalog import suggestion
from calltally.errors import CalltallyError, Forbidden, InvalidRequest, Problem, Unauthorized, shown

__all__ = [
    "calls_example",
    "catalog_example",
    "metric_example",
    "refusal_example",
    "refusal_examples",
    "report_example",
    "values_example",
]

Plain = dict[str, Any]
Described = dict[str, list[Plain]]

BY_UNIT = {"calls": 99, "callers": 81, "seconds": 184, "cents": 1_245_000, "percent": 74.7, "score": 69}
BY_TYPE = {
    "id": "c07",
    "time": "2026-03-09T18:30:00Z",
    "phone number": "+13055551234",
    "choice": "inbound",
    "status": "completed",
    "true or false": True,
}
REQUEST_ID = "7d1f6a52-0c3e-4f0a-9a55-2f1f4f1c9b7e"


def metric_example(metric: Plain) -> int | float:
    """A value that the metric could have."""
    return BY_UNIT[metric["unit"]]


def report_example(described: Described) -> Plain:
    """The answer to the request that the examples of its parameters make up, if that finds a single group."""
    examples = {row["name"]: row["example"] for row in described["parameters"]}
    metrics = {row["name"]: metric_example(row) for row in described["metrics"]}
    totals = {name: metrics[name] for name in examples["metrics"].split(",")}
    group = {name: examples[name] for name in examples["group_by"].split(",")}
    return {"data": {"data": [{**group, **totals}], "totals": totals, "count": 1}}


def values_example(described: Described) -> Plain:
    """The only value that the examples of the parameters make up."""
    examples = {row["name"]: row["example"] for row in described["valuing"]}
    return {"data": {"values": [{"value": examples["search"], "count": BY_UNIT["calls"]}], "more": False}}


def calls_example(described: Described) -> Plain:
    """The last page of a list, with one call."""
    call = {field["name"]: BY_TYPE.get(field["type"]) for field in described["fields"]}
    return {"data": {"calls": [call], "next_cursor": None}}


def catalog_example(described: Described) -> Plain:
    """The catalog, with the first entry of each list."""
    return {"data": {part: described[part][:1] for part in SHOWN}}


def refusal_examples(described: Described) -> dict[str, Plain]:
    """Bodies of refusals by status."""
    refusals: tuple[CalltallyError, ...] = (_misspelt(described), Unauthorized(), Forbidden(ACTIONS["report"]))
    answers = (*map(error_response, refusals), internal_error(REQUEST_ID), stopping_error())
    return {str(answer.status_code): json.loads(bytes(answer.body)) for answer in answers}


def refusal_example(refusal: CalltallyError) -> Plain:
    """The body of a refusal."""
    body: Plain = json.loads(bytes(error_response(refusal).body))
    return body


def _misspelt(described: Described) -> InvalidRequest:
    """What is said of the required parameter's example without its last letter."""
    [row] = [row for row in described["parameters"] if row["required"]]
    given = row["example"][:-1]
    message = f"{row['name']}: {shown(given)} is not a {row['of']}{suggestion(given, [row['example']])}"
    return InvalidRequest((Problem(row["name"], message),))
