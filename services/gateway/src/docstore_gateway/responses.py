"""Responses over ASGI, for every module of the gateway."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson
from starlette.types import Message, Send

from docstore_platform.errors import DomainError
from docstore_platform.http.problems import error_of, problem_of

HeaderList = list[tuple[bytes, bytes]]


BODY_HEADERS = frozenset((b"content-length", b"content-type", b"transfer-encoding"))
"""Headers of a request's body, to be removed from another request that is made on the client's behalf without one.

A service waits for the announced bytes and would take them from the next request on the connection.
"""


async def send_response(send: Send, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> None:
    """Send a complete response."""
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})
    await send({"type": "http.response.body", "body": body, "more_body": False})


@dataclass(slots=True)
class CapturedResponse:
    """A response held back: to be read, changed or sent on."""

    status: int = 0
    headers: HeaderList = field(default_factory=list)
    body: bytes = b""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message["headers"])
        else:
            self.body += message.get("body", b"")

    async def send_to(self, send: Send, extra: HeaderList | None = None) -> None:
        await send_response(send, self.status, [*self.headers, *(extra or [])], self.body)

    def header(self, name: bytes) -> str:
        return next((value.decode("latin-1") for key, value in self.headers if key.lower() == name), "")

    def json(self) -> Any:
        """Return the JSON; raise a DomainError if it is an error."""
        content = orjson.loads(self.body) if self.body else None
        if self.status < 400:
            return content
        problem = {"code": "", "detail": "No reason was given.", **(content if isinstance(content, dict) else {})}
        wait = self.header(b"retry-after")
        raise error_of(problem | {"status": self.status}, wait or None)


async def send_problem(send: Send, error: DomainError) -> None:
    response = problem_of(error).response()
    await send_response(send, response.status_code, response.raw_headers, bytes(response.body))
