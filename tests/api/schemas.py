"""Bodies held against the schemas of the OpenAPI document."""

from typing import Any

from jsonschema import Draft202012Validator

from calltally.api import openapi

__all__ = ["validate", "validate_response"]


def validate(body: object, schema: dict[str, Any]) -> None:
    """Nothing, if the body is as the schema says."""
    whole = {**schema, "components": openapi()["components"]}
    Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(body)


def validate_response(path: str, status: int, body: object, method: str = "get") -> None:
    """Nothing, if the document has this status for the path, and the body is as it says."""
    response = openapi()["paths"][path][method]["responses"][str(status)]
    validate(body, response["content"]["application/json"]["schema"])
