"""Asyncio client of the DocStore API: one method per operation."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from docstore_client.credentials import Credentials, CredentialStore
from docstore_client.downloading.bulk_downloads import BulkDownloads, Wanted
from docstore_client.downloading.downloads import Downloads
from docstore_client.downloading.zip_downloads import download_zip
from docstore_client.errors import DocStoreError
from docstore_client.models import (
    Changes,
    Comparison,
    File,
    Page,
    Snapshot,
)
from docstore_client.models.base import T
from docstore_client.network.connection import Connection
from docstore_client.network.options import DEFAULT, Options
from docstore_client.operations.account import AccountOperations
from docstore_client.operations.files import FileOperations
from docstore_client.operations.notifications import NotificationOperations
from docstore_client.operations.search import SearchOperations
from docstore_client.operations.sharing import SharingOperations
from docstore_client.paging import P, iterate
from docstore_client.sources import Progress, Source
from docstore_client.uploading.uploads import Uploads


def _ignore(_: int) -> None:
    return None


class AsyncClient(
    AccountOperations,
    FileOperations,
    SharingOperations,
    SearchOperations,
    NotificationOperations,
):
    """Client of one gateway and one account; close it, or use it as a context manager.

    A `store` keeps the credentials between runs; stored credentials determine the gateway.
    """

    def __init__(
        self,
        gateway: str,
        credentials: Credentials | None = None,
        *,
        store: CredentialStore | None = None,
        options: Options = DEFAULT,
    ) -> None:
        super().__init__(Connection(gateway, credentials, store, options))
        self._uploads = Uploads(self._connection)
        self._downloads = Downloads(self._connection)
        self._bulk = BulkDownloads(self._connection, self._downloads)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        await self.close()

    async def close(self) -> None:
        await self._connection.close()

    @property
    def credentials(self) -> Credentials | None:
        return self._connection.credentials

    def iterate(self, listing: Callable[P, Awaitable[Page[T]]], *args: P.args, **options: P.kwargs) -> AsyncIterator[T]:
        """Iterate over all items of a list, page by page: `client.iterate(client.links, file.id)`."""
        return iterate(listing, *args, **options)

    async def iterate_call(
        self, path: str, *, params: Mapping[str, Any] | None = None
    ) -> AsyncIterator[dict[str, Any]]:
        """Iterate over a list of any API route that has no method here: `client.iterate_call("/v1/photos")`."""

        async def page(cursor: str | None = None) -> Page[dict[str, Any]]:
            query = {**(params or {}), "cursor": cursor}
            return Page[dict[str, Any]].model_validate(await self.call("GET", path, params=query))

        async for item in iterate(page):
            yield item

    async def upload(self, source: Source, progress: Progress = _ignore) -> File:
        """Upload one file; of a large file, only blocks that the account has not sent before."""
        return await self._uploads.upload(source, progress)

    async def upload_many(self, sources: Sequence[Source], progress: Progress = _ignore) -> list[File | DocStoreError]:
        """Upload files of any size, small ones in packs. Return for each the file or the error."""
        return await self._uploads.upload_many(sources, progress)

    async def download(
        self,
        file: File,
        local: Path,
        *,
        version: int | None = None,
        old: Path | None = None,
        progress: Progress = _ignore,
    ) -> None:
        """Download a file atomically: `local` has the old content, or the new content, verified.

        Reuses blocks of `old`, or of `local` as it is.
        """
        await self._downloads.download(file, local, version=version, old=old, progress=progress)

    async def download_many(
        self, wanted: Sequence[Wanted], progress: Progress = _ignore
    ) -> list[DocStoreError | OSError | None]:
        """Download files of any size, those of one pack with one request. Return for each None or the error."""
        return await self._bulk.download_many(wanted, progress)

    async def download_zip(
        self, file_ids: Sequence[str], local: Path, begun: Callable[[int], Progress] = lambda _: _ignore
    ) -> None:
        """Download up to 200 files and folders, with all that is in them, as one ZIP.

        `begun` receives its length. Continues where the connection broke; starts again if something has changed.
        """
        await download_zip(self._connection, file_ids, local, begun)

    async def changes(self, cursor: str | None = None, *, limit: int = 500, wait: int = 0) -> Changes:
        """Return changes since a cursor, oldest first; "latest": from now on. Waits up to `wait` seconds.

        ApiError `cursor_expired`: start with a snapshot.
        """
        return await self._get(Changes, "/v1/changes", cursor=cursor, limit=limit, wait=wait or None)

    async def snapshot(self, cursor: str | None = None) -> Snapshot:
        return await self._get(Snapshot, "/v1/snapshot", cursor=cursor)

    async def compare(self, entries: Mapping[str, str], path: str = "/", *, parent_id: str | None = None) -> Comparison:
        """Compare up to 10,000 local files (SHA-256 by path, as the API shows it) with a folder."""
        listed = [{"path": at, "sha256": digest} for at, digest in entries.items()]
        body = {"path": path, "parent_id": parent_id, "entries": listed}
        return await self._send(Comparison, "POST", "/v1/compare", body)
