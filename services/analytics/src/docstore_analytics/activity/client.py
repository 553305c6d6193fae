"""Client of the metadata service."""

from collections.abc import Sequence
from typing import Any

from docstore_platform.internal import ServiceClient


class MetadataFiles:
    """Rights to files. Problem 503 if they can't be had."""

    def __init__(self, client: ServiceClient) -> None:
        self._client = client

    async def readable(self, account_id: str, file_ids: Sequence[str]) -> dict[str, str]:
        body = {"account_id": account_id, "ids": list(file_ids)}
        answer: dict[str, Any] = await self._client.call("POST", "/internal/files/lookup", body)
        return {file["id"]: file["permission"] for file in answer["files"]}
