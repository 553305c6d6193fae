"""Errors for clients: application/problem+json (RFC 9457) with a stable `code`."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic_core import PydanticCustomError
from starlette.exceptions import HTTPException

from docstore_contracts.caller import ProblemJson
from docstore_platform.errors import (
    Conflict,
    DomainError,
    Elsewhere,
    Forbidden,
    Gone,
    Invalid,
    Locked,
    NotFound,
    OutOfSpace,
    PreconditionFailed,
    TooLarge,
    TooMany,
    Unauthenticated,
    Unavailable,
    invalid,
    unavailable,
)
from docstore_platform.mongodb.client import PyMongoError, is_passing
from docstore_platform.telemetry.logs import loggable_path

log = structlog.get_logger(__name__)

MAX_ERRORS = 10
"""Validation errors in a response."""
MAX_MESSAGE_CHARS = 300
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")

CODE_BY_STATUS = {
    400: "malformed_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
    429: "rate_limited",
}


STATUSES: Mapping[type[DomainError], int] = {
    Elsewhere: 307,
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    Gone: 410,
    PreconditionFailed: 412,
    TooLarge: 413,
    Invalid: 422,
    Locked: 423,
    TooMany: 429,
    Unavailable: 503,
    OutOfSpace: 507,
}
_ERRORS = {status: error for error, status in STATUSES.items() if error is not Elsewhere}


class Problem(DomainError):
    """An error response with a status and headers of its own."""

    def __init__(
        self, status: int, code: str, detail: str, *, headers: Mapping[str, str] | None = None, **extra: Any
    ) -> None:
        super().__init__(detail, code=code, **extra)
        self.status = status
        self.is_temporary = status >= 500
        self.headers = dict(headers or {})

    def body(self) -> ProblemJson:
        title = self.code.replace("_", " ").capitalize()
        body: ProblemJson = {
            "type": f"urn:docstore:problem:{self.code}",
            "title": title,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
        }
        return body | self.extra  # type: ignore[return-value]

    def response(self) -> Response:
        return Response(orjson.dumps(self.body()), self.status, self.headers, media_type="application/problem+json")


def problem_of(error: DomainError) -> Problem:
    """Map a domain error to an HTTP response."""
    if isinstance(error, Problem):
        return error
    headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
    if isinstance(error, Elsewhere):
        headers |= {"Location": error.location, "Cache-Control": "no-store"}
    status = next(STATUSES[known] for known in type(error).__mro__ if known in STATUSES)
    return Problem(status, error.code, error.detail, headers=headers, **error.extra)


def problem_json(error: DomainError) -> ProblemJson:
    """Return the same as JSON, for one of several results."""
    return problem_of(error).body()


def error_of(body: Mapping[str, Any], retry_after: str | None = None) -> DomainError:
    """Return the domain error of another service's problem response."""
    extra = {name: value for name, value in body.items() if name not in ProblemJson.__annotations__}
    known = _ERRORS.get(body["status"])
    if known is not None:
        return known(body["detail"], code=body["code"], retry_after=retry_after, **extra)
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return Problem(body["status"], body["code"], body["detail"], headers=headers, **extra)


def broken_rule(code: str, message: str) -> PydanticCustomError:
    """Return a validator's error for a rule with its own code, which replaces `invalid_request` in the response."""
    return PydanticCustomError(code, message, {"code": code})


def validation_code(errors: Sequence[Mapping[str, Any]]) -> str:
    """Return the code of a request with these pydantic errors: that of the rule, if all break the same."""
    codes: set[str] = {error.get("ctx", {}).get("code", "invalid_request") for error in errors}
    return codes.pop() if len(codes) == 1 else "invalid_request"


def field_place(place: Sequence[str | int]) -> str:
    """Return the position of a field. Unknown names come from the client: odd ones are not repeated."""
    return ".".join(str(part) if isinstance(part, int) or _PLAIN_NAME.fullmatch(part) else "?" for part in place)


def install_problem_handlers(app: FastAPI) -> None:
    """Make every error of `app` a problem+json response."""

    async def on_domain_error(_: Request, error: Exception) -> Response:
        assert isinstance(error, DomainError)
        return problem_of(error).response()

    async def on_validation(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        errors = [
            {"field": field_place(item["loc"]), "message": item["msg"][:MAX_MESSAGE_CHARS]}
            for item in error.errors()[:MAX_ERRORS]
        ]
        first = f"{errors[0]['field']}: {errors[0]['message']}" if errors else "The request is invalid."
        return problem_of(invalid(first, validation_code(error.errors()), errors=errors)).response()

    async def on_http(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        code = CODE_BY_STATUS.get(error.status_code, f"http_{error.status_code}")
        return Problem(error.status_code, code, str(error.detail), headers=error.headers).response()

    async def on_anything(request: Request, error: Exception) -> Response:
        log.error("request_failed", path=loggable_path(request.url.path), exc_info=error)
        return Problem(500, "internal_error", "Something went wrong. The error was logged.").response()

    async def on_database_error(_: Request, error: Exception) -> Response:
        """An unreachable database is not the request's fault: the client may retry."""
        if is_passing(error):
            log.warning("database_error", error=repr(error))
            return problem_of(unavailable("The database")).response()
        raise error

    app.add_exception_handler(DomainError, on_domain_error)
    app.add_exception_handler(PyMongoError, on_database_error)
    app.add_exception_handler(RequestValidationError, on_validation)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(Exception, on_anything)
