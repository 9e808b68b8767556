"""What the parts of the OpenAPI document are made of: answers, headers, errors, objects."""

from typing import Any

from calltally.api.examples import refusal_example, refusal_examples
from calltally.api.parameters import no_such_parameters
from calltally.catalog import CATALOG, describe
from calltally.errors import InvalidRequest

__all__ = ["ERRORS", "NO_PARAMETERS", "Plain", "closed_object", "errors", "headers", "response"]

Plain = dict[str, Any]

NO_PARAMETERS = no_such_parameters(["limit"])

ERRORS = {
    "400": "The request does not hold; every problem is listed",
    "401": "The key is missing, malformed, unknown or revoked",
    "403": "The key lacks the scope that is named",
    "404": "There is no such thing, or it is another business's",
    "405": "The method is not one of those in `Allow`",
    "413": "More was sent than is taken at once; the message names the cap",
    "415": "What was sent is in a form that is not read; the message names those that are",
    "500": "A defect; the log has it under the request id",
    "503": "Overloaded, or out of time; see `Retry-After`",
    "507": "There is no room left on the disk: free some and try again",
}


def response(description: str, schema: str, *named: str, example: Plain | None = None) -> Plain:
    """An answer of this schema of the document, with these headers of it."""
    content: Plain = {"schema": {"$ref": f"#/components/schemas/{schema}"}}
    if example:
        content["example"] = example
    return {
        "description": description,
        "headers": headers(*named),
        "content": {"application/json": content},
    }


def headers(*names: str) -> Plain:
    """These headers of the document."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def errors(*codes: str, invalid: InvalidRequest | None = None) -> Plain:
    """Answers that are errors, by status; `invalid` is an example of what does not hold, other than a report's."""
    examples = refusal_examples(describe(CATALOG))
    if invalid:
        examples |= {"400": refusal_example(invalid)}
    return {code: response(ERRORS[code], "Error", "X-Request-Id", example=examples.get(code)) for code in codes}


def closed_object(properties: Plain) -> Plain:
    """An object that has all of these and nothing else."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
