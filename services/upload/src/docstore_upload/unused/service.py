"""Use cases of unused contents: they become unused, are used again, or are retrieved first."""

from collections.abc import Sequence
from dataclasses import dataclass

from docstore_contents.block_list import is_blocks, parse
from docstore_contents.packs import pack_of
from docstore_contents.s3.store import ObjectNotFound, ObjectStore
from docstore_platform.clock import Clock
from docstore_upload.cold_objects.service import ColdObjectService
from docstore_upload.unused.ports import Content, UnusedContents


@dataclass(frozen=True, slots=True)
class Retrieval:
    """Contents that still wait for an object; `progressed`: the next steps can be taken at once."""

    waiting: Sequence[str]
    progressed: bool


@dataclass(slots=True)
class UnusedContentService:
    contents: UnusedContents
    objects: ColdObjectService
    store: ObjectStore
    clock: Clock

    async def become_unused(self, turns: Sequence[tuple[str, int]]) -> None:
        """Let the objects move that only unused contents need. A turn that is not the latest has no effect."""
        for key, turn in turns:
            content = await self._content(key)
            if content is not None:
                await self.contents.become_unused(content, turn, self.clock())

    async def use(self, keys: Sequence[str]) -> list[str]:
        """Record that contents are read; return those that must be retrieved first, which stay unused."""
        archived: list[str] = []
        for key in await self.contents.to_check(keys):
            content = await self._content(key)
            if content is not None and not await self.contents.use(content):
                archived.append(key)
        return archived

    async def retrieve(self, keys: Sequence[str]) -> Retrieval:
        """Take the next steps to make contents readable. Repeat it until none is waiting: they are in use then."""
        waiting: list[str] = []
        progressed = False
        for key in await self.use(keys):
            content = await self._content(key)
            if content is not None:
                progressed = await self.objects.retrieve(content.object_keys) or progressed
                waiting.append(key)
        return Retrieval(waiting, progressed)

    async def forget(self, keys: Sequence[str]) -> None:
        """Forget deleted contents. The references of a list are given back with its blocks'."""
        await self.contents.forget([key for key in keys if not is_blocks(key)], self.clock())

    async def _content(self, key: str) -> Content | None:
        """The content with its objects; None if it was deleted."""
        if not is_blocks(key):
            return Content(key, pack_of(key))
        account_id = await self.contents.blocks_account(key)
        if account_id is None:
            return None
        try:
            blocks = parse(await self.store.get(key))
        except ObjectNotFound:
            return None
        return Content(key, account_id=account_id, blocks={block.hash: block.key for block in blocks})
