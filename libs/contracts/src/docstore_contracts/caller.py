"""Base of the clients of internal APIs, and the types that several APIs share."""

from typing import Annotated, Any, Protocol, final

from pydantic import ConfigDict, Field, WithJsonSchema, with_config
from typing_extensions import TypedDict

MAX_ITEMS = 1000
"""Items in one request."""

Id = Annotated[str, Field(min_length=1, max_length=64)]
Timestamp = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
"""A time in a response, RFC 3339."""


class Caller(Protocol):
    """Sends requests to one service: `docstore_platform.service.client.ServiceClient`, or a fake of that service."""

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """Return the JSON response; raise the other service's error, or Unavailable if it is unreachable."""


class Client:
    """Base of the clients. Their methods raise what `Caller.call` raises."""

    def __init__(self, caller: Caller) -> None:
        self._call = caller.call


@with_config(ConfigDict(extra="allow"))
class ProblemJson(TypedDict):
    """RFC 9457. A code may have members of its own."""

    type: str
    title: str
    status: int
    code: str
    detail: str


@final
class ItemRefused(TypedDict):
    """Response to one item of several that was refused; the others are not affected."""

    problem: ProblemJson
