"""What the indexer asks of the metadata service."""

from collections.abc import Sequence
from typing import Any, Protocol

from docstore_events.files import FileState
from docstore_indexer.entries import File
from docstore_indexer.states import file_of
from docstore_platform.internal import ServiceClient

Json = dict[str, Any]


class Metadata(Protocol):
    """Both raise problem 503 if metadata can't be reached."""

    async def readable(self, account_id: str, file_ids: Sequence[str]) -> dict[str, Json]:
        """By id, as the public API shows them, those that the account may read and that are not in the trash."""
        ...

    async def page(self, after: str, limit: int) -> list[File]:
        """All files and folders by id, those in the trash too; empty: there are no more."""
        ...


class MetadataClient:
    def __init__(self, client: ServiceClient) -> None:
        self._client = client

    async def readable(self, account_id: str, file_ids: Sequence[str]) -> dict[str, Json]:
        body = {"account_id": account_id, "ids": list(file_ids)}
        answer = await self._client.call("POST", "/internal/files/lookup", body)
        return {file["id"]: file for file in answer["files"]}

    async def page(self, after: str, limit: int) -> list[File]:
        answer = await self._client.call("GET", f"/internal/files?after={after}&limit={limit}")
        return [
            file_of(FileState.model_validate(item["file"]), item["revision"], trashed=item["trashed"])
            for item in answer["items"]
        ]
