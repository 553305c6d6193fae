"""Small files that a client writes at the same time: they go into one pack, and share its writes (group commit)."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from docstore_contents.packs import MAX_SLICE_BYTES
from docstore_gateway.dav.protocol.calls import Api
from docstore_gateway.dav.protocol.headers import Target
from docstore_gateway.dav.protocol.resources import Resource, parent_of
from docstore_gateway.dav.uploads.uploading import Uploader, placed_in, with_content
from docstore_gateway.proxy.object_urls import ObjectUrls
from docstore_platform.errors import Conflict, DomainError, Forbidden, Invalid, NotFound, unavailable
from docstore_platform.http.problems import error_of
from docstore_platform.security.tokens import Principal
from docstore_work.batcher import Batcher

MAX_BYTES = MAX_SLICE_BYTES
MOST = 128
"""Files in one pack: at most 8 MiB, which the gateway holds twice while it sends them."""
MAX_CLIENTS = 1000
REFUSALS = (Conflict, Forbidden, Invalid, NotFound)
"""Of a file at its path. A lookup of its folder finds it elsewhere, or tells what is wrong as WebDAV does."""


@dataclass(frozen=True, slots=True)
class SmallFile:
    """A file to be stored, at most MAX_BYTES."""

    api: Api
    target: Target
    wanted: Mapping[str, Any]
    """What its upload is initiated with, but for its place."""
    content: bytes

    async def parent(self) -> Resource | DomainError:
        try:
            return await parent_of(self.api, self.target)
        except DomainError as error:
            return error


class SmallFiles:
    """Stores small files of all clients. A client that writes one after the other never waits for another file."""

    def __init__(self, urls: ObjectUrls) -> None:
        self._urls = urls
        self._clients: OrderedDict[Principal, Batcher[SmallFile, Any]] = OrderedDict()

    async def store(self, client: Principal, file: SmallFile) -> Any:
        """Return the stored file as the API shows it."""
        batcher = self._clients.pop(client, None) or Batcher("small files", self._store, largest=MOST)
        self._clients[client] = batcher
        if len(self._clients) > MAX_CLIENTS:
            self._clients.popitem(last=False)
        return await batcher.run(file)

    async def _store(self, files: Sequence[SmallFile]) -> list[Any]:
        """The stored file, or the error, of each file of one client.

        Folders are not looked up first: where one is not in the client's tree, metadata refuses the file.
        """
        outcomes = await self._together(files)
        refused = [n for n, outcome in enumerate(outcomes) if isinstance(outcome, REFUSALS)]
        again = await self._by_folders([files[n] for n in refused])
        for n, outcome in zip(refused, again, strict=True):
            outcomes[n] = outcome
        return outcomes

    async def _together(self, files: Sequence[SmallFile]) -> list[Any]:
        """The outcomes of files stored by their paths."""
        if len(files) == 1:
            return [await self._alone(files[0], _at_path(files[0]))]
        try:
            return await self._pack(files)
        except Exception as error:  # noqa: BLE001 - whatever failed, the callers get it
            return [error] * len(files)

    async def _by_folders(self, files: Sequence[SmallFile]) -> list[Any]:
        """The outcomes of files whose folders are looked up: they may be shared ones, which WebDAV alone shows."""
        folders = {file.target.parent: file for file in files}
        found = await asyncio.gather(*(file.parent() for file in folders.values()))
        parents = dict(zip(folders, found, strict=True))
        return await asyncio.gather(*(self._in_folder(file, parents[file.target.parent]) for file in files))

    async def _in_folder(self, file: SmallFile, parent: Resource | DomainError) -> Any:
        if isinstance(parent, DomainError):
            return parent
        return await self._alone(file, placed_in(parent, file.target, file.wanted))

    async def _alone(self, file: SmallFile, wanted: Mapping[str, Any]) -> Any:
        try:
            return await Uploader(file.api, self._urls).small(wanted, file.content)
        except Exception as error:  # noqa: BLE001 - whatever failed, the caller gets it
            return error

    async def _pack(self, files: Sequence[SmallFile]) -> list[Any]:
        """Store files as one pack; an error for each that is refused."""
        api = files[0].api
        wishes = [{**_at_path(file), **with_content(file.content)} for file in files]
        pack = await api.send("upload", "POST", "/v1/packs", {"files": wishes, "notify": False})
        if pack["id"] is not None and pack["state"] != "completed":
            raise unavailable("Metadata")
        return [item["file"] if "file" in item else error_of(item["problem"]) for item in pack["files"]]


def _at_path(file: SmallFile) -> dict[str, Any]:
    """What an upload to the file's path is initiated with; a PUT creates no folders (RFC 4918, 9.7.1)."""
    return {**file.wanted, "path": file.target.path, "create_folders": False}
