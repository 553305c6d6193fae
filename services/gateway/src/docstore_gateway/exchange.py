"""Reading a request's body and answering: the small parts of ASGI that the gateway's modules share."""

from collections.abc import Iterable

from starlette.types import Message, Receive, Send

from docstore_platform.body_limits import too_large
from docstore_platform.problems import Problem

HeaderList = list[tuple[bytes, bytes]]

PROBLEM_TYPE = b"application/problem+json"

OF_A_BODY = frozenset((b"content-length", b"content-type", b"transfer-encoding"))
"""Headers about a request's body: another request that is made in the client's name, without it, must not have them.

A service waits for as many bytes as are announced, and takes them from the next request on the connection.
"""


class ClientGone(Exception):
    """The client closed the connection before its request was complete."""


async def read_body(receive: Receive, limit: int) -> bytes:
    """The whole request body; 413 as soon as it is larger than `limit`, ClientGone if it does not all come."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise too_large(limit)
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


def replaying(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives `body` at once and then what the connection has to say."""
    given = False

    async def receive_again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again


async def answer(send: Send, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> None:
    """Send one complete answer."""
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def answer_problem(send: Send, problem: Problem) -> None:
    response = problem.response()
    await answer(send, response.status_code, response.raw_headers, bytes(response.body))
