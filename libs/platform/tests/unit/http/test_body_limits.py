"""Bodies are refused by their size before they are read, and by their nesting before they are parsed."""

import asyncio
from typing import Any

import orjson
import pytest
from fastapi import FastAPI, Request
from starlette.types import Message

from docstore_platform.http.body_limits import (
    BATCH_BYTES,
    INTERNAL_BYTES,
    MAX_DEPTH,
    REPLICATION_BYTES,
    SMALL_BYTES,
    UNAUTHENTICATED_BYTES,
    BodyLimit,
    body_limit,
    is_nested_too_deeply,
)
from docstore_platform.http.problems import install_problem_handlers
from docstore_platform.http.request_models import RequestModel
from docstore_platform.security.tokens import unauthorized


class Credentials(RequestModel):
    email: str
    password: str


def app() -> FastAPI:
    app = FastAPI()
    app.add_middleware(BodyLimit)
    install_problem_handlers(app)

    @app.post("/v1/sessions")
    async def log_in(body: Credentials) -> str:
        return body.email

    @app.post("/v1/uploads/batch")
    async def batch(body: Credentials) -> str:
        return body.email

    @app.post("/internal/replication/accounts")
    async def receive(_: Request) -> str:
        raise unauthorized("This is not signed.")

    return app


class Sent:
    """One request straight to the app: its answer, and how much of its body was read."""

    def __init__(self, *parts: bytes, announced: int | None = None) -> None:
        self.parts = list(parts)
        self.announced = announced
        self.read = 0
        self.status = 0
        self.body = b""

    async def receive(self) -> Message:
        if self.read == len(self.parts):
            await asyncio.Event().wait()
        self.read += 1
        return {"type": "http.request", "body": self.parts[self.read - 1], "more_body": self.read < len(self.parts)}

    async def send(self, message: Message) -> None:
        self.status = message.get("status", self.status)
        self.body += message.get("body", b"")

    async def to(self, path: str) -> Any:
        length = (b"transfer-encoding", b"chunked")
        if self.announced is not None:
            length = (b"content-length", str(self.announced).encode())
        scope: dict[str, Any] = {
            "type": "http",
            "method": "POST",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": [(b"content-type", b"application/json"), length],
            "http_version": "1.1",
            "scheme": "http",
        }
        await app()(scope, self.receive, self.send)
        return orjson.loads(self.body)


@pytest.mark.parametrize(
    ("path", "limit"),
    [
        ("/v1/sessions", UNAUTHENTICATED_BYTES),
        ("/v1/sessions/refresh", UNAUTHENTICATED_BYTES),
        ("/v1/links/token/open", UNAUTHENTICATED_BYTES),
        ("/l/token", UNAUTHENTICATED_BYTES),
        ("/v1/listing", SMALL_BYTES),
        ("/v1/folders", SMALL_BYTES),
        ("/v1/uploads/batch", BATCH_BYTES),
        ("/v1/uploads/0190/complete", BATCH_BYTES),
        ("/v1/uploads/0190/abort/complete", SMALL_BYTES),
        ("/internal/commits", INTERNAL_BYTES),
        ("/internal/replication/accounts", REPLICATION_BYTES),
    ],
)
def test_each_route_takes_what_it_needs(path: str, limit: int) -> None:
    """What needs no login takes least, batches most."""
    assert body_limit(path) == limit


async def test_a_large_body_is_refused_unread() -> None:
    """By its Content-Length alone."""
    sent = Sent(b"x", announced=UNAUTHENTICATED_BYTES + 1)
    assert (await sent.to("/v1/sessions"))["code"] == "too_large"
    assert (sent.status, sent.read) == (413, 0)


async def test_a_body_of_unknown_length_is_read_up_to_the_limit() -> None:
    """What follows the part that is too much is not asked for."""
    sent = Sent(*[b" " * 1024] * 100)
    assert (await sent.to("/v1/sessions"))["code"] == "too_large"
    assert (sent.status, sent.read) == (413, UNAUTHENTICATED_BYTES // 1024 + 1)


async def test_a_body_within_the_limit_arrives() -> None:
    """In as many parts as it comes."""
    sent = Sent(b'{"email": "a@example.org", ', b'"password": "secret"}')
    assert await sent.to("/v1/sessions") == "a@example.org"


@pytest.mark.parametrize(
    ("body", "deep"),
    [
        (b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, False),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), True),
        (b'{"a":[' * 17 + b"]}" * 17, True),
        (b"[" * 5000, True),
        (b"[" + b",".join([b"{}"] * 500) + b"]", False),
        (b'{"path": "' + b"[" * 500 + b'"}', False),
        (b'{"path": "\\"' + b"[" * 500 + b'\\\\"}', False),
        (b'["]",' * 40 + b"1" + b"]" * 40, True),
    ],
)
def test_the_depth_of_json_is_bounded(body: bytes, deep: bool) -> None:
    """Brackets of strings do not count, neither to open nor to close."""
    assert is_nested_too_deeply(body) is deep


async def test_json_that_is_nested_too_deeply_is_refused() -> None:
    """Before any parser sees it."""
    answer = await Sent(b'{"email": ' + b"[" * 40 + b"]" * 40 + b"}").to("/v1/sessions")
    assert (answer["status"], answer["code"]) == (422, "nested_too_deeply")


async def test_the_signature_of_another_region_is_checked_first() -> None:
    """401 for a forged call of a megabyte of brackets: they are not counted for a stranger."""
    answer = await Sent(b"[" * REPLICATION_BYTES).to("/internal/replication/accounts")
    assert (answer["status"], answer["code"]) == (401, "unauthorized")


@pytest.mark.parametrize("path", ["/v1/sessions", "/v1/uploads/batch"])
@pytest.mark.parametrize("count", [30, 500])
async def test_many_unknown_fields_make_a_short_answer(path: str, count: int) -> None:
    """At most ten errors are returned, and they don't contain the input."""
    body = orjson.dumps({f"{n} {'secret' * 2}": 1 for n in range(count)})
    sent = Sent(body)
    answer = await sent.to(path)
    assert answer["code"] == "invalid_request"
    assert len(answer["errors"]) <= 10
    assert b"secret" not in sent.body
    assert len(sent.body) < 2000


async def test_a_misspelt_field_is_named() -> None:
    """Who sent it is to find it."""
    body = orjson.dumps({"email": "a@example.org", "password": "x", "base_versoin": 1})
    answer = await Sent(body).to("/v1/sessions")
    assert answer["errors"][0]["field"] == "body.base_versoin"
