"""Small files that a client writes at the same time: they go into one pack, and share its writes (group commit)."""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from docstore_contents.packs import MAX_SLICE_BYTES, Slice, index_bytes
from docstore_gateway.dav.protocol.calls import Api
from docstore_gateway.dav.protocol.headers import Target
from docstore_gateway.dav.protocol.resources import Resource, parent_of
from docstore_gateway.dav.uploads.uploading import Uploader, placed_in
from docstore_gateway.proxy.object_urls import ObjectUrls
from docstore_platform.errors import DomainError
from docstore_platform.http.problems import error_of
from docstore_platform.security.tokens import Principal
from docstore_work.batcher import Batcher

MAX_BYTES = MAX_SLICE_BYTES
MOST = 128
"""Files in one pack: at most 8 MiB, which the gateway holds twice while it sends them."""
MAX_CLIENTS = 1000


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
        """The stored file, or the error, of each file of one client."""
        folders = {file.target.parent: file for file in files}
        found = await asyncio.gather(*(file.parent() for file in folders.values()))
        parents = dict(zip(folders, found, strict=True))
        placed = [(file, parents[file.target.parent]) for file in files]
        own = [n for n, (_, parent) in enumerate(placed) if _is_own(parent)]
        groups = [own, *([n] for n in range(len(files)) if n not in own)]
        stored = await asyncio.gather(*(self._group([placed[n] for n in group]) for group in groups))
        outcomes = {
            n: each for group, some in zip(groups, stored, strict=True) for n, each in zip(group, some, strict=True)
        }
        return [outcomes[n] for n in range(len(files))]

    async def _group(self, files: Sequence[tuple[SmallFile, Resource | DomainError]]) -> list[Any]:
        """The outcomes of files that can be stored together."""
        there = [(file, parent) for file, parent in files if isinstance(parent, Resource)]
        if not there:
            return [error for _, error in files]
        try:
            if len(there) > 1:
                return await self._pack(there)
            [(file, parent)] = there
            return [
                await Uploader(file.api, self._urls).small(placed_in(parent, file.target, file.wanted), file.content)
            ]
        except Exception as error:  # noqa: BLE001 - whatever failed, the callers get it
            return [error] * len(there)

    async def _pack(self, files: Sequence[tuple[SmallFile, Resource]]) -> list[Any]:
        """Store files as one pack; an error for each that is refused."""
        api = files[0][0].api
        wishes = [
            {
                **placed_in(parent, file.target, file.wanted),
                "size": len(file.content),
                "sha256": hashlib.sha256(file.content).hexdigest(),
            }
            for file, parent in files
        ]
        pack = await api.send("upload", "POST", "/v1/packs", {"files": wishes, "notify": False})
        outcomes = {n: error_of(item["problem"]) for n, item in enumerate(pack["files"]) if "problem" in item}
        slices = [Slice(**item) for item in pack["files"] if "problem" not in item]
        if slices:
            content = b"".join([*(files[each.number][0].content for each in slices), index_bytes(slices)])
            for item in await self._send(api, pack, content):
                outcomes[item["number"]] = item["file"] if "file" in item else error_of(item["problem"])
        return [outcomes[n] for n in range(len(files))]

    async def _send(self, api: Api, pack: Any, content: bytes) -> Any:
        """Send a pack's bytes and commit it; the outcome of each slice."""
        route = f"/v1/packs/{pack['id']}"
        try:
            await self._urls.put(pack["put"]["url"], pack["put"]["headers"], content, len(content))
        except BaseException:
            with suppress(DomainError):
                await asyncio.shield(api.send("upload", "DELETE", route))
            raise
        return (await api.send("upload", "POST", f"{route}/complete"))["files"]


def _is_own(parent: Resource | DomainError) -> bool:
    """Whether files may go into it as a pack: packs go into the client's own tree only."""
    return isinstance(parent, Resource) and parent.is_own
