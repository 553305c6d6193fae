"""Helpers for unit tests of packs."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Protocol

import orjson
from upload_world import World

from docstore_contents.packs import MAX_INDEX_BYTES, index_bytes, read_index
from docstore_upload.packs.rules import Pack
from docstore_upload.packs.validation import read_file

FILES = {"/a/1.txt": b"one", "/a/2.txt": b"", "/a/b/3.txt": b"three"}


class PackWorld:
    """The use cases of packs, as tests call them."""

    def __init__(self, world: World) -> None:
        self.world, self.store, self.services, self.packs = world, world.store, world.services, world.packs
        self.service, self.completer, self.worker = world.pack_service, world.pack_completer, world.pack_worker
        self.release = world.unreferenced.release

    async def initiate(self, contents: Mapping[str, bytes], **extra: Any) -> Any:
        files = [wish(path, content) | extra for path, content in contents.items()]
        return await self.service.initiate(self.world.person, [read_file(file) for file in files])

    async def send(self, pack: Any, contents: Sequence[bytes]) -> str:
        """Answers the key of the pack."""
        stored = self.packs.stored[pack["id"]]
        accepted = [contents[place["number"]] for place in pack["files"] if "number" in place]
        self.store.objects[stored.object_key] = b"".join(accepted) + index_bytes(stored.slices())
        return stored.object_key

    async def complete(self, pack: Any) -> list[Any]:
        answer: list[Any] = orjson.loads(await self.service.complete(self.world.person, pack["id"]))
        await self.world.drain()
        return answer

    async def finished(self, contents: Mapping[str, bytes], sent: Sequence[bytes] | None = None) -> Pack:
        """A pack that is sent, completed and settled; `sent`: other contents than declared."""
        pack = await self.initiate(contents)
        await self.send(pack, sent or list(contents.values()))
        await self.complete(pack)
        self.world.pass_time(60)
        await self.worker.run_once()
        await self.worker.run_once()
        return self.packs.stored[pack["id"]]

    def published(self, pack_id: str) -> list[str]:
        return self.world.published(pack_id)


class MakePacks(Protocol):
    def __call__(self, **settings: float) -> PackWorld: ...


def wish(path: str, content: bytes) -> dict[str, Any]:
    return {"path": path, "size": len(content), "sha256": sha256(content).hexdigest()}


def slice_of(content: bytes, number: int) -> bytes:
    found = read_index(content[-MAX_INDEX_BYTES:], len(content))[number]
    return content[found.offset : found.offset + found.size]
