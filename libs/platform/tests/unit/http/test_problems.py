"""Every error leaves as application/problem+json with a stable code."""

from collections.abc import Mapping
from typing import Any

import orjson
import pytest
from fastapi import FastAPI
from pydantic import BaseModel, Field

from docstore_platform.errors import Elsewhere, Unavailable, invalid, not_found, unavailable
from docstore_platform.http.problems import (
    STATUSES,
    Problem,
    error_of,
    install_problem_handlers,
    problem_json,
    problem_of,
)
from docstore_platform.mongodb.client import OperationFailure
from docstore_platform.service.client import HttpResponse, LocalTransport, register_local_app


class Body(BaseModel):
    size: int = Field(ge=0)
    password: str = ""


def app() -> FastAPI:
    app = FastAPI()
    install_problem_handlers(app)

    @app.get("/refused")
    async def refused() -> None:
        raise Problem(409, "name_taken", "There is one already.", headers={"X-Hint": "h"}, name="a")

    @app.get("/busy")
    async def busy() -> None:
        raise Unavailable("Come back.", code="verifying", retry_after=5, missing=["a"])

    @app.get("/elsewhere")
    async def elsewhere() -> None:
        raise Elsewhere("Ask there.", "https://there.test", code="home_region", region="there")

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("the database's password is hunter2")

    @app.get("/too-long")
    async def too_long() -> None:
        raise OperationFailure("the transaction exceeded the configured lifetime", 290)

    @app.get("/bad-command")
    async def bad_command() -> None:
        raise OperationFailure("unknown operator", 2)

    @app.post("/body")
    async def body(body: Body) -> None: ...

    return app


async def ask(method: str, path: str, body: bytes = b"") -> HttpResponse:
    register_local_app("local:problems", app())
    headers: Mapping[str, str] = {"content-type": "application/json"}
    return await LocalTransport("local:problems").send(method, path, headers, body)


def problem(answer: HttpResponse) -> Any:
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == answer.status
    assert body["type"] == f"urn:docstore:problem:{body['code']}"
    return body


async def test_a_problem_is_answered_with_its_code_and_headers() -> None:
    """RFC 9457's members, the extra ones, and the headers."""
    answer = await ask("GET", "/refused")
    body = problem(answer)
    assert (body["status"], body["code"], body["title"]) == (409, "name_taken", "Name taken")
    assert (body["detail"], body["name"], answer.headers["x-hint"]) == ("There is one already.", "a", "h")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [("GET", "/nowhere", 404, "not_found"), ("DELETE", "/refused", 405, "method_not_allowed")],
)
async def test_the_frameworks_own_errors_look_the_same(method: str, path: str, status: int, code: str) -> None:
    """An unknown route and a wrong method are problems too."""
    assert (lambda body: (body["status"], body["code"]))(problem(await ask(method, path))) == (status, code)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"size": -1}', b'{"size": "x"}', b"\xff"])
async def test_a_body_that_does_not_fit_is_422(body: bytes) -> None:
    """The first error is the detail, all of them are listed."""
    found = problem(await ask("POST", "/body", body))
    assert found["status"] in (400, 422)
    if found["status"] == 422:
        assert found["code"] == "invalid_request"
        assert found["errors"][0]["field"] in found["detail"]


async def test_validation_errors_do_not_echo_input() -> None:
    """A password in a body that does not fit must not end in a log or on a screen."""
    sent = orjson.dumps({"size": -1, "password": "hunter2"})
    assert b"hunter2" not in (await ask("POST", "/body", sent)).body


async def test_an_unforeseen_error_reveals_nothing() -> None:
    """500 without the exception's text; starlette raises it again for the server's log."""
    register_local_app("local:problems", app())
    seen: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        seen.append(message)

    scope = {"type": "http", "method": "GET", "path": "/broken", "raw_path": b"/broken", "query_string": b""}
    with pytest.raises(RuntimeError):
        await app()({**scope, "headers": [], "http_version": "1.1", "scheme": "http"}, receive, send)  # type: ignore[arg-type]
    body = b"".join(message.get("body", b"") for message in seen)
    assert seen[0]["status"] == 500
    assert orjson.loads(body)["code"] == "internal_error"
    assert b"hunter2" not in body


async def test_an_error_of_the_domain_is_answered_with_the_status_of_its_class() -> None:
    """What raises it names its kind and code; the status and the headers are HTTP's."""
    busy, moved = await ask("GET", "/busy"), await ask("GET", "/elsewhere")
    assert (busy.status, busy.headers["retry-after"]) == (503, "5")
    assert (problem(busy)["code"], problem(busy)["missing"]) == ("verifying", ["a"])
    assert (moved.status, moved.headers["location"]) == (307, "https://there.test")
    assert (problem(moved)["code"], problem(moved)["region"]) == ("home_region", "there")


def test_the_common_errors() -> None:
    """Unknown things, parts that are down and broken rules each have their status and code."""
    missing, away = problem_of(not_found("file")), problem_of(unavailable("Quota"))
    assert (missing.status, missing.code) == (404, "not_found")
    assert (away.status, away.headers["Retry-After"]) == (503, "1")
    assert problem_json(invalid("x"))["status"] == 422
    assert problem_json(invalid("x", "bad_path", path="p"))["path"] == "p"


@pytest.mark.parametrize("status", [400, *(status for status in STATUSES.values() if status >= 400), 500, 504])
def test_an_error_of_another_service_is_passed_on_as_it_came(status: int) -> None:
    """Status, code, detail and the rest are the same again; what is a server's fault may pass."""
    body = {"type": "urn:x", "title": "X", "status": status, "code": "some_code", "detail": "Said so.", "limit": 5}
    error = error_of(body, "7")
    passed = problem_of(error)
    assert (passed.status, passed.code, passed.detail) == (status, "some_code", "Said so.")
    assert (passed.headers, passed.extra) == ({"Retry-After": "7"}, {"limit": 5})
    assert error.is_temporary == (status >= 500)


async def test_a_transaction_that_took_too_long_may_be_tried_again() -> None:
    """The database was busy: 503 with Retry-After, where a command that is wrong is an error of ours."""
    answer = await ask("GET", "/too-long")
    assert (answer.status, answer.json()["code"]) == (503, "unavailable")
    assert answer.headers["retry-after"] == "1"
    assert (await ask("GET", "/bad-command")).status == 500
