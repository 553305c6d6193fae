"""Operations on files and folders, without their contents."""

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Unpack

from docstore_client.errors import ApiError
from docstore_client.list_options import ListOptions, parameters
from docstore_client.models import (
    File,
    Media,
    Page,
    ReadCredentials,
    Retrieval,
    Version,
)
from docstore_client.operations.routes import Routes
from docstore_client.paging import iterate


class FileOperations(Routes):
    async def list_page(
        self,
        path: str | None = None,
        *,
        parent_id: str | None = None,
        limit: int = 500,
        cursor: str | None = None,
        **options: Unpack[ListOptions],
    ) -> Page[File]:
        """Return a page of a folder; of the root if neither path nor id is given."""
        if path is None and parent_id is None:
            path = "/"
        query = {"path": path, "parent_id": parent_id, "limit": limit, "cursor": cursor, **parameters(options)}
        return await self._get(Page[File], "/v1/files", **query)

    async def list_folder(
        self, path: str | None = None, *, parent_id: str | None = None, **options: Unpack[ListOptions]
    ) -> list[File]:
        """Return all that is in a folder."""
        return [file async for file in self.iterate_folder(path, parent_id=parent_id, **options)]

    async def iterate_folder(
        self, path: str | None = None, *, parent_id: str | None = None, **options: Unpack[ListOptions]
    ) -> AsyncIterator[File]:
        """Iterate over a folder, page by page."""
        async for file in iterate(self.list_page, path, parent_id=parent_id, **options):
            yield file

    async def get(self, file_id: str) -> File:
        return await self._get(File, f"/v1/files/{file_id}")

    async def get_by_path(self, path: str, *, parent_id: str | None = None) -> File:
        return await self._get(File, "/v1/files/by-path", path=path, parent_id=parent_id)

    async def find(self, path: str, *, parent_id: str | None = None) -> File | None:
        """Return the file or folder at a path; None if there is none."""
        try:
            return await self.get_by_path(path, parent_id=parent_id)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    async def make_folder(self, path: str, *, parent_id: str | None = None) -> File:
        """Return the folder; create it and missing parents if necessary."""
        body = {"path": path} if parent_id is None else {"path": path, "parent_id": parent_id}
        return await self._send(File, "POST", "/v1/folders", body)

    async def change(
        self,
        file_id: str,
        *,
        name: str | None = None,
        parent_id: str | None = None,
        tags: Iterable[str] | None = None,
        metadata: Mapping[str, str] | None = None,
        etag: str = "",
    ) -> File:
        """Rename, move, tag or replace the custom metadata; with `etag` only if the file is unchanged."""
        wanted = {
            "name": name,
            "parent_id": parent_id,
            "tags": None if tags is None else list(tags),
            "metadata": None if metadata is None else dict(metadata),
        }
        body = {field: value for field, value in wanted.items() if value is not None}
        return await self._send(File, "PATCH", f"/v1/files/{file_id}", body, etag)

    async def copy(self, file_id: str, path: str, *, parent_id: str | None = None) -> File:
        body = {"path": path} if parent_id is None else {"path": path, "parent_id": parent_id}
        return await self._send(File, "POST", f"/v1/files/{file_id}/copy", body)

    async def delete(self, file_id: str, *, etag: str = "") -> None:
        """Move to the trash."""
        await self._connection.call("DELETE", f"/v1/files/{file_id}", etag=etag)

    async def trash(self, cursor: str | None = None) -> Page[File]:
        return await self._get(Page[File], "/v1/trash", cursor=cursor)

    async def restore(self, file_id: str) -> File:
        """Restore from the trash."""
        return await self._send(File, "POST", f"/v1/files/{file_id}/restore")

    async def purge(self, file_id: str) -> None:
        """Delete from the trash forever."""
        await self.call("DELETE", f"/v1/trash/{file_id}")

    async def versions(self, file_id: str, cursor: str | None = None) -> Page[Version]:
        """List versions, newest first."""
        return await self._get(Page[Version], f"/v1/files/{file_id}/versions", cursor=cursor)

    async def restore_version(self, file_id: str, number: int) -> File:
        return await self._send(File, "POST", f"/v1/files/{file_id}/versions/{number}/restore")

    async def retrieval(self, file_id: str, version: int | None = None) -> Retrieval:
        """Whether a content can be read, or must be retrieved from cold storage first."""
        return await self._get(Retrieval, f"/v1/files/{file_id}/retrieval", version=version)

    async def read_credentials(self, file_id: str) -> ReadCredentials:
        """Get temporary credentials, by which any S3 tool reads the whole objects of a folder that you own."""
        return await self._send(ReadCredentials, "POST", f"/v1/files/{file_id}/credentials")

    async def retrieve(self, file_id: str, version: int | None = None) -> Retrieval:
        """Request the retrieval of a content from cold storage; a notification follows when it can be read."""
        query = "" if version is None else f"?version={version}"
        return await self._send(Retrieval, "POST", f"/v1/files/{file_id}/retrieval{query}")

    async def media(self, file_id: str) -> Media:
        """What is known of the file's content: size in pixels, camera, time and place of a photo, pages."""
        return await self._get(Media, f"/v1/files/{file_id}/media")
