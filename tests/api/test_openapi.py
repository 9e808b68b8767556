"""The OpenAPI document against the standard, the routes, and what is really answered."""

from typing import Any

import pytest
from openapi_spec_validator import validate as validate_document
from starlette.testclient import TestClient

from calltally.api import openapi
from calltally.api.app import ROUTES
from calltally.catalog import CATALOG as DECLARED
from tests.api.conftest import CATALOG, REPORT, Asker, Door, calls
from tests.api.schemas import validate_response
from tests.strategies import METRIC_NAMES

LIST = "/api/v1/calls"
PARAMETERS: list[dict[str, Any]] = openapi()["paths"][REPORT]["get"]["parameters"]


def test_it_is_what_is_served_and_valid(door: Door) -> None:
    served = door.client.get("/openapi.json")
    assert served.json() == openapi()
    validate_document(served.json())


def test_every_route_is_in_it_and_nothing_else() -> None:
    documented = {path: set(item) - {"parameters"} for path, item in openapi()["paths"].items()}
    assert {
        route.path_format: {m.lower() for m in (route.methods or ()) if m != "HEAD"} for route in ROUTES
    } == documented


def test_every_parameter_of_a_list_is_in_it() -> None:
    paths = openapi()["paths"]
    assert [row["name"] for row in paths[LIST]["get"]["parameters"]] == list(DECLARED.listing)
    for path in (f"{LIST}.csv", f"{LIST}.ndjson"):
        wanted = [row.name for row in DECLARED.listing.values() if row.filter]
        assert [row["name"] for row in paths[path]["get"]["parameters"]] == wanted


def test_every_parameter_is_in_it_in_the_order_of_the_table() -> None:
    assert [parameter["name"] for parameter in PARAMETERS] == list(DECLARED.parameters)
    assert [parameter["name"] for parameter in PARAMETERS if parameter.get("required")] == ["group_by"]


@pytest.mark.parametrize("parameter", PARAMETERS, ids=lambda parameter: str(parameter["name"]))
def test_examples_and_defaults_are_accepted(few: Asker, parameter: dict[str, Any]) -> None:
    values = [parameter["example"], *([parameter["schema"]["default"]] if "default" in parameter["schema"] else [])]
    for value in values:
        name = parameter["name"]
        written = ",".join(map(str, value)) if isinstance(value, list) else value
        few.report(f"{name}={written}" if name == "group_by" else f"group_by=source&{name}={written}")


@pytest.mark.parametrize("name", ["direction", "qualified", "sort_order"])
def test_every_listed_word_is_accepted(few: Asker, name: str) -> None:
    [words] = [parameter["schema"]["enum"] for parameter in PARAMETERS if parameter["name"] == name]
    for word in words:
        few.report(f"group_by=source&{name}={word}")


EVERYTHING = f"metrics={','.join(METRIC_NAMES)}"


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        *(
            (REPORT, f"group_by={group_by}&{EVERYTHING}", 200)
            for group_by in ("source,date,hour_of_day", "week,month,day_of_week", "status,direction,ai_category")
        ),
        (REPORT, f"group_by=date&{EVERYTHING}&source=nobody", 200),
        (REPORT, "group_by=sorce&limit=0&x=1", 400),
        (LIST, "", 200),
        (LIST, "limit=2", 200),
        (LIST, "limit=0&source=", 400),
        (CATALOG, "", 200),
        ("/api/v1/session", "", 200),
        ("/openapi.json", "", 200),
        ("/healthz", "", 200),
        ("/readyz", "", 200),
    ],
)
def test_real_answers_are_as_it_says(few: Asker, path: str, query: str, status: int) -> None:
    response = few.get(query, path)
    assert response.status_code == status
    validate_response(path, status, response.json())
    documented = openapi()["paths"][path]["get"]["responses"][str(status)].get("headers", {})
    assert {name.lower() for name in documented} <= set(response.headers)


@pytest.mark.parametrize("path", [REPORT, LIST, f"{LIST}.csv", CATALOG])
def test_real_refusals_are_as_it_says(door: Door, path: str) -> None:
    client: TestClient = door.client
    for response in (client.get(path), client.post(path), door.asker(door.business(), "write").get("", path)):
        assert response.status_code in (401, 403, 405)
        validate_response(path, response.status_code, response.json())


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    """Each operation, with its path and method."""
    return [
        (path, method, operation)
        for path, item in openapi()["paths"].items()
        for method, operation in item.items()
        if method != "parameters"
    ]


def examples() -> list[tuple[str, str, str, Any]]:
    """Each example answer, with its path, method and status."""
    return [
        (path, method, status, response["content"]["application/json"]["example"])
        for path, method, operation in operations()
        for status, response in operation["responses"].items()
        if "example" in response.get("content", {}).get("application/json", {})
    ]


def test_example_answers_are_as_it_says() -> None:
    found = examples()
    assert {(path, "get", "200") for path in (REPORT, LIST, CATALOG, "/healthz", "/readyz")} <= {
        each[:3] for each in found
    }
    for path, method, status, body in found:
        validate_response(path, int(status), body, method)


def test_the_example_report_answers_the_example_request(door: Door) -> None:
    example = dict(openapi()["paths"][REPORT]["get"]["responses"]["200"]["content"]["application/json"]["example"])
    source = {parameter["name"]: parameter["example"] for parameter in PARAMETERS}["source"][0]
    asker = door.asker(door.business(calls({"source": source, "qualified": True})))
    asked = {p["name"]: ",".join(p["example"]) for p in PARAMETERS if p["name"] in {"group_by", "metrics"}}
    real = asker.report("&".join(f"{name}={value}" for name, value in asked.items()))
    shown = example["data"]
    assert [list(row) for row in real["data"]] == [list(row) for row in shown["data"]]
    assert list(real["totals"]) == list(shown["totals"])
    assert (real["count"], real["data"][0]["source"]) == (shown["count"], shown["data"][0]["source"])


def test_example_refusals_are_real(few: Asker, door: Door) -> None:
    shown = {status: body for path, _, status, body in examples() if path == REPORT}
    [word] = next(parameter["example"] for parameter in PARAMETERS if parameter.get("required"))
    assert few.get(f"group_by={word[:-1]}").json() == shown["400"]
    assert door.client.get(REPORT).json() == shown["401"]
    assert door.asker(door.business(), "write").get().json() == shown["403"]


def test_example_catalog_is_the_start_of_the_real_one(few: Asker) -> None:
    [shown] = [body["data"] for path, _, status, body in examples() if (path, status) == (CATALOG, "200")]
    assert {part: rows[:1] for part, rows in few.get("", CATALOG).json()["data"].items()} == shown


def test_every_name_to_choose_is_described() -> None:
    for parameter in PARAMETERS[:2]:
        items = parameter["schema"]["items"]
        assert list(items["x-enumDescriptions"]) == items["enum"]


def test_every_operation_has_a_declared_tag_and_a_summary() -> None:
    declared = {tag["name"] for tag in openapi()["tags"]}
    found = [operation for _, _, operation in operations()]
    assert {tag for operation in found for tag in operation["tags"]} == declared
    assert len({operation["summary"] for operation in found}) == len(found)
