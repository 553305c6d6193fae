"""Send answers over ASGI, for every module of the gateway."""

from collections.abc import Iterable

from starlette.types import Send

from docstore_platform.errors import DomainError
from docstore_platform.problems import problem_of

HeaderList = list[tuple[bytes, bytes]]


OF_A_BODY = frozenset((b"content-length", b"content-type", b"transfer-encoding"))
"""Headers about a request's body: another request that is made in the client's name, without it, must not have them.

A service waits for as many bytes as are announced, and takes them from the next request on the connection.
"""


async def answer(send: Send, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> None:
    """Send one complete answer."""
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def answer_problem(send: Send, error: DomainError) -> None:
    response = problem_of(error).response()
    await answer(send, response.status_code, response.raw_headers, bytes(response.body))
