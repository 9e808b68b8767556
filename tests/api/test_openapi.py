"""The OpenAPI document against the standard, the routes, and what is really answered."""

from typing import Any

import pytest
from openapi_spec_validator import validate as validate_document
from starlette.testclient import TestClient

from calltally.api import openapi
from calltally.api.app import ROUTES
from calltally.catalog import CATALOG as DECLARED
from tests.api.conftest import CATALOG, REPORT, Asker, Door
from tests.api.schemas import validate_response
from tests.strategies import METRIC_NAMES

PARAMETERS: list[dict[str, Any]] = openapi()["paths"][REPORT]["get"]["parameters"]


def test_it_is_what_is_served_and_valid(door: Door) -> None:
    served = door.client.get("/openapi.json")
    assert served.json() == openapi()
    validate_document(served.json())


def test_every_route_is_in_it_and_nothing_else() -> None:
    assert {route.path for route in ROUTES} == set(openapi()["paths"])


def test_every_parameter_is_in_it_in_the_order_of_the_table() -> None:
    assert [parameter["name"] for parameter in PARAMETERS] == list(DECLARED.parameters)
    assert [parameter["name"] for parameter in PARAMETERS if parameter.get("required")] == ["group_by"]


@pytest.mark.parametrize("parameter", PARAMETERS, ids=lambda parameter: str(parameter["name"]))
def test_examples_and_defaults_are_accepted(few: Asker, parameter: dict[str, Any]) -> None:
    values = [parameter["example"], *([parameter["schema"]["default"]] if "default" in parameter["schema"] else [])]
    for value in values:
        name = parameter["name"]
        written = ",".join(value) if isinstance(value, list) else value
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
        (CATALOG, "", 200),
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


@pytest.mark.parametrize("path", [REPORT, CATALOG])
def test_real_refusals_are_as_it_says(door: Door, path: str) -> None:
    client: TestClient = door.client
    for response in (client.get(path), client.post(path), door.asker(door.business(), "write").get("", path)):
        assert response.status_code in (401, 403, 405)
        validate_response(path, response.status_code, response.json())
