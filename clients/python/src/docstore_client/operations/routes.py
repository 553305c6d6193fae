"""Base class of operations: calls of API routes that return models."""

from collections.abc import Mapping
from typing import Any, TypeVar

from docstore_client.models import Model
from docstore_client.network.connection import Connection

M = TypeVar("M", bound=Model)


class Routes:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def call(self, method: str, path: str, body: Any = None, *, params: Mapping[str, Any] | None = None) -> Any:
        """Call any API route that has no method here."""
        return await self._connection.call(method, path, body, params=params)

    async def _get(self, model: type[M], route: str, **params: Any) -> M:
        return model.model_validate(await self._connection.call("GET", route, params=params))

    async def _send(self, model: type[M], method: str, path: str, body: Any = None, etag: str = "") -> M:
        return model.model_validate(await self._connection.call(method, path, body, etag=etag))
