"""What notify asks of the metadata service."""

from collections.abc import Sequence
from typing import Any, Protocol

from docstore_platform.internal import ServiceClient


class Files(Protocol):
    """Rights to files. Problem 503 if they can't be had."""

    async def readable(self, account_id: str, file_id: str) -> bool:
        """Whether the account may read the file, and it is not in the trash."""
        ...

    async def permissions(self, items: Sequence[tuple[str, str]]) -> list[str | None]:
        """What each account may do with each file, in the trash or not; None for nothing."""
        ...


class MetadataFiles:
    def __init__(self, client: ServiceClient) -> None:
        self._client = client

    async def readable(self, account_id: str, file_id: str) -> bool:
        body = {"account_id": account_id, "ids": [file_id]}
        answer: dict[str, Any] = await self._client.call("POST", "/internal/files/lookup", body)
        return bool(answer["files"])

    async def permissions(self, items: Sequence[tuple[str, str]]) -> list[str | None]:
        asked = [{"account_id": account_id, "file_id": file_id} for account_id, file_id in items]
        answer: dict[str, Any] = await self._client.call("POST", "/internal/access", {"items": asked})
        permissions: list[str | None] = answer["permissions"]
        return permissions
