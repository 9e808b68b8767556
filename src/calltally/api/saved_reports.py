"""`/api/v1/reports`: the reports that a business has saved."""

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from calltally.accounts import (
    Actor,
    Business,
    SavedReport,
    change_saved_report,
    delete_saved_report,
    list_saved_reports,
    report_name_problem,
    rfc3339,
    save_report,
)
from calltally.api.cookies import VARY
from calltally.api.receiving import invalid_body, read_fields
from calltally.api.services import Services, permitted
from calltally.errors import InvalidBody, InvalidRequest, Problem
from calltally.query import normal_request

__all__ = [
    "FIELDS",
    "PRIVATE",
    "add_report",
    "change_report",
    "delete_report",
    "list_reports",
    "read_name",
    "read_request",
]

FIELDS = ("name", "request")
PRIVATE = {"Cache-Control": "no-store", "Vary": VARY}


async def list_reports(request: Request) -> Response:
    """The saved reports of the business, by name."""
    services, actor = await permitted(request, "save_reports")
    found = await run_in_threadpool(_listed, services, actor.business)
    return JSONResponse({"data": {"reports": found}}, headers=PRIVATE)


async def add_report(request: Request) -> Response:
    """A new saved report."""
    services, actor = await permitted(request, "save_reports")
    problems: list[Problem] = []
    given = await read_fields(request, FIELDS, problems)
    made = await run_in_threadpool(_added, given, problems, actor, services)
    return JSONResponse({"data": _described(made, None)}, 201, PRIVATE)


async def change_report(request: Request) -> Response:
    """A saved report, with another name or another request."""
    services, actor = await permitted(request, "save_reports")
    problems: list[Problem] = []
    given = await read_fields(request, FIELDS, problems)
    if not (given or problems):
        raise invalid_body(f"has neither {' nor '.join(FIELDS)}")
    changed = await run_in_threadpool(_changed, given, problems, request.path_params["id"], actor, services)
    return JSONResponse({"data": changed}, headers=PRIVATE)


async def delete_report(request: Request) -> Response:
    """Nothing, once a saved report is deleted."""
    services, actor = await permitted(request, "save_reports")
    await run_in_threadpool(delete_saved_report, services.control, actor.business.id, request.path_params["id"])
    return Response(status_code=204)


def read_name(given: object, problems: list[Problem]) -> str:
    """A name as it is kept; what is wrong with it is added to the problems."""
    if not isinstance(given, str):
        problems.append(Problem("name", f"name: {'is required' if given is None else 'is not a text'}"))
        return ""
    name = given.strip()
    problems += filter(None, [report_name_problem(name)])
    return name


def read_request(given: object, business: Business, problems: list[Problem]) -> str:
    """A request as it is kept; what is wrong with it is added to the problems."""
    if not isinstance(given, str):
        problems.append(Problem("request", f"request: {'is required' if given is None else 'is not a text'}"))
        return ""
    try:
        return normal_request(given, business)
    except InvalidRequest as error:
        problems += [Problem("request", f"request: {problem.message}") for problem in error.problems]
        return ""


def _listed(services: Services, business: Business) -> list[dict[str, Any]]:
    return [_described(report, _problem(report, business)) for report in list_saved_reports(services.control, business)]


def _added(given: dict[str, object], problems: list[Problem], actor: Actor, services: Services) -> SavedReport:
    read = _read({name: given.get(name) for name in FIELDS}, problems, actor.business)
    try:
        return save_report(services.control, actor.business.id, read["name"], read["request"], services.now())
    except InvalidRequest as error:
        raise InvalidBody(error.problems) from error


def _changed(
    given: dict[str, object], problems: list[Problem], report_id: str, actor: Actor, services: Services
) -> dict[str, Any]:
    read = _read(given, problems, actor.business)
    try:
        report = change_saved_report(services.control, actor.business.id, report_id, services.now(), **read)
    except InvalidRequest as error:
        raise InvalidBody(error.problems) from error
    return _described(report, _problem(report, actor.business))


def _read(given: dict[str, object], problems: list[Problem], business: Business) -> dict[str, str]:
    """The fields that are given, as they are kept.

    Raises:
        InvalidBody: with the problems that there are, and everything that is wrong with the fields.
    """
    read = {}
    if "name" in given:
        read["name"] = read_name(given["name"], problems)
    if "request" in given:
        read["request"] = read_request(given["request"], business, problems)
    if problems:
        raise InvalidBody(tuple(problems))
    return read


def _problem(report: SavedReport, business: Business) -> str | None:
    """Why a report that was saved cannot be asked for any more; None: it can."""
    try:
        normal_request(report.request, business)
    except InvalidRequest as error:
        return error.message
    return None


def _described(report: SavedReport, problem: str | None) -> dict[str, Any]:
    return {
        "id": report.id,
        "name": report.name,
        "request": report.request,
        "problem": problem,
        "created_at": rfc3339(report.created_at),
        "updated_at": rfc3339(report.updated_at),
    }
