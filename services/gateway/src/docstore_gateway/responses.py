"""Responses over ASGI, for every module of the gateway."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from starlette.types import Message, Send

from docstore_platform.errors import DomainError
from docstore_platform.http.problems import problem_of

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


async def send_problem(send: Send, error: DomainError) -> None:
    response = problem_of(error).response()
    await send_response(send, response.status_code, response.raw_headers, bytes(response.body))
