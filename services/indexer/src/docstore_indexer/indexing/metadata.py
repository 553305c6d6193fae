"""Client of the metadata service, and its files as the indexer keeps them."""

from collections.abc import Sequence
from typing import Any, Protocol

from docstore_events.files import FileState
from docstore_indexer.indexing.rules import File
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


def file_of(state: FileState, revision: int, *, trashed: bool = False, purged: bool = False) -> File:
    return File(
        file_id=state.file_id,
        revision=revision,
        owner_id=state.owner_id,
        readers=state.readers,
        kind=state.kind,
        name=state.name,
        tags=state.tags,
        content_type=state.content_type,
        size=state.size,
        version=state.version,
        created_at=state.created_at,
        modified_at=state.modified_at,
        object_key=state.object_key,
        trashed=trashed,
        purged=purged,
    )


def is_root(state: FileState) -> bool:
    """The root folder has no name and nobody searches it."""
    return state.file_id == state.owner_id
