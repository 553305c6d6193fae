"""What media asks of the metadata service."""

from typing import Any, Protocol

from docstore_platform.internal import ServiceClient

Json = dict[str, Any]


class Metadata(Protocol):
    async def readable(self, account_id: str, file_id: str) -> Json | None:
        """The file as the public API shows it to the account; None if it may not read it, or it is in the trash.

        Problem 503 if metadata can't be reached.
        """
        ...


class MetadataClient:
    def __init__(self, client: ServiceClient) -> None:
        self._client = client

    async def readable(self, account_id: str, file_id: str) -> Json | None:
        body = {"account_id": account_id, "ids": [file_id]}
        answer = await self._client.call("POST", "/internal/files/lookup", body)
        return next(iter(answer["files"]), None)
