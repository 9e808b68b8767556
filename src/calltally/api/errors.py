"""Errors as responses: the one place where status codes and error bodies are decided."""

from typing import Any, cast

from httptools import HttpParserError, HttpParserInvalidMethodError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.types import Scope

from calltally.errors import (
    CallsUnreadable,
    CalltallyError,
    Damaged,
    FolderUnusable,
    Forbidden,
    Forged,
    InvalidBody,
    InvalidRequest,
    NotFound,
    StorageFull,
    TooLarge,
    Unauthorized,
    Unavailable,
    UnsupportedMedia,
)

__all__ = [
    "ERRORS",
    "STOPPING",
    "error_response",
    "internal_error",
    "not_http",
    "response_to",
    "retry_after",
    "stopping_error",
]

# Status and type by class; what is not listed is a defect and answers 500.
ERRORS: dict[type[CalltallyError], tuple[int, str]] = {
    InvalidRequest: (400, "invalid_parameter"),
    InvalidBody: (400, "invalid_body"),
    Unauthorized: (401, "unauthorized"),
    Forbidden: (403, "forbidden"),
    Forged: (403, "forbidden"),
    NotFound: (404, "not_found"),
    TooLarge: (413, "too_large"),
    UnsupportedMedia: (415, "unsupported_media_type"),
    Unavailable: (503, "unavailable"),
    CallsUnreadable: (503, "unavailable"),
    Damaged: (503, "unavailable"),
    StorageFull: (507, "storage_full"),
    FolderUnusable: (503, "unavailable"),
}
STOPPING = "The server is stopping; try again soon"
HTTP_ERRORS = {404: "not_found", 405: "method_not_allowed"}
LONG_WAIT = 60  # seconds, where somebody has to do something first


def error_body(status: int, kind: str, message: str, **more: Any) -> dict[str, Any]:
    """The body of every error."""
    return {"error": {"code": str(status), "type": kind, "message": message, **more}}


def internal_error(request_id: str) -> Response:
    """What is said of a defect: nothing of the inside, but where the log has it."""
    message = f"Something went wrong here; the server's log has it under request id {request_id}"
    return JSONResponse(error_body(500, "internal", message), 500)


def stopping_error() -> Response:
    """What is said to those whose requests a stopping server no longer waits for."""
    return error_response(Unavailable(STOPPING, 5))


def not_http(error: BaseException | None) -> dict[str, Any]:
    """What is said of bytes that are no HTTP request, or one of a method that HTTP does not have."""
    why = "percent-encode what is not ASCII (ü is %C3%BC), in at most 65535 bytes of address"
    if isinstance(error, HttpParserInvalidMethodError):
        why = "it begins with no method that there is, such as GET or POST, in capital letters"
    elif type(error) is HttpParserError:  # of its headers, its length, or a chunk
        why = f"what reads it says: {error}"
    message = f"request: it is not HTTP; {why}"
    problem = {"param": "request", "message": message}
    return error_body(400, "invalid_parameter", message, param="request", details=[problem])


def response_to(error: Exception, scope: Scope) -> Response | None:
    """What is said of an error that a request came to; None: it was not raised on purpose."""
    if type(error) in ERRORS:
        return error_response(cast("CalltallyError", error))
    return _http(error, scope) if isinstance(error, HTTPException) else None


def error_response(error: CalltallyError) -> Response:
    """What is said of an error that was raised on purpose."""
    status, kind = ERRORS[type(error)]
    more: dict[str, Any] = {}
    headers = retry_after(error)
    if isinstance(error, InvalidRequest):
        details = [{"param": problem.param, "message": problem.message} for problem in error.problems]
        more = {"param": details[0]["param"], "details": details}
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(error_body(status, kind, error.message, **more), status, headers)


def retry_after(error: CalltallyError) -> dict[str, str]:
    """The header that says when the same request may work; empty where no time helps."""
    status, _ = ERRORS[type(error)]
    if status != 503:
        return {}
    return {"Retry-After": str(error.retry_after if isinstance(error, Unavailable) else LONG_WAIT)}


def _http(error: HTTPException, scope: Scope) -> Response:
    path = scope["path"][:200]  # not the URL's: that is put together with whatever Host was sent
    messages = {404: f"There is nothing at {path}", 405: f"{path} does not take {scope['method']}"}
    headers = dict(error.headers or {})
    if "Allow" in headers:
        headers["Allow"] = ", ".join(sorted(headers["Allow"].split(", ")))
    kind = HTTP_ERRORS[error.status_code]
    return JSONResponse(error_body(error.status_code, kind, messages[error.status_code]), error.status_code, headers)
