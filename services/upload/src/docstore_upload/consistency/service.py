"""Checks page by page whether transfers end, and whether blocks, packs and objects are there and belong to something.

Pages come from a secondary. What looks wrong there is looked at again, in the primary, before it is reported.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from docstore_contents.block_list import Block
from docstore_contents.packs import pack_key
from docstore_contents.reader import ContentDamaged, unpack
from docstore_contents.s3.store import ObjectInfo, ObjectNotFound, ObjectStore, ObjectStoreError
from docstore_contracts.consistency import CheckPage, CheckRequest, page_of
from docstore_contracts.inconsistency import Inconsistency
from docstore_platform.clock import Clock
from docstore_upload.consistency.ports import DueTransfers, StoredPages
from docstore_upload.consistency.rules import StoredBlock, StoredTransfer, TransferKind
from docstore_upload.strays.service import StraySweep

ARCHIVED = "InvalidObjectState"
PAGE_READ_BYTES = 64 << 20
"""A page ends after the block with which it has read so much."""


@dataclass(slots=True)
class UploadConsistency:
    """`pages`: read from a secondary."""

    pages: StoredPages
    primary: StoredPages
    due: DueTransfers
    strays: StraySweep
    store: ObjectStore
    clock: Clock

    async def uploads(self, request: CheckRequest) -> CheckPage:
        """Uploads that no worker will ever end."""
        found = await self.pages.transfers("uploads", request["after"], request["limit"])
        return page_of(request, [each.id for each in found], await self._endless(request, "uploads", found))

    async def packs(self, request: CheckRequest) -> CheckPage:
        """Packs that no worker will ever end, and those that versions refer to against the object store."""
        found = await self.pages.transfers("packs", request["after"], request["limit"])
        wrong = await self._endless(request, "packs", found)
        missing = await self._missing_packs(found)
        if missing:
            missing = await self._missing_packs(await self.primary.transfers_of("packs", missing))
        accounts = {each.id: each.account_id for each in found}
        wrong += [
            Inconsistency("object_missing", pack_id, accounts[pack_id], "the pack is not in the object store")
            for pack_id in missing
        ]
        return page_of(request, [each.id for each in found], wrong)

    async def _endless(
        self, request: CheckRequest, kind: TransferKind, transfers: Sequence[StoredTransfer]
    ) -> list[Inconsistency]:
        now = self.clock()
        suspects = [each.id for each in transfers if each.without_end(now)]
        if not suspects:
            return []
        again = await self.primary.transfers_of(kind, suspects)
        wrong = [problem for each in again if (problem := each.without_end(now))]
        if request["repair"]:
            await self.due.make_due(kind, [each.id for each in wrong], now)
        return wrong

    async def _missing_packs(self, packs: Sequence[StoredTransfer]) -> list[str]:
        needed = [pack for pack in packs if pack.state == "completed" and pack.live]
        stored = await self.store.head_many([pack_key(pack.account_id, pack.id) for pack in needed])
        return [pack.id for pack, info in zip(needed, stored, strict=True) if info is None]

    async def blocks(self, request: CheckRequest) -> CheckPage:
        """Blocks that lists refer to against the object store."""
        found = await self.pages.blocks(request["after"], request["limit"])
        is_full, unread = len(found) == request["limit"], 0
        damaged: list[Inconsistency] = []
        if request["checksums"]:
            damaged, unread, done = await self._read(found)
            is_full, found = is_full or done < len(found), found[:done]
        wrong = [*await self._of_blocks([each for each in found if each.is_needed]), *damaged]
        if wrong:
            again = await self.primary.blocks_of([each.id for each in wrong])
            needed = {each.id for each in again if each.is_needed}
            wrong = [each for each in wrong if each.id in needed]
        return page_of(request, [each.id for each in found], wrong, unread, is_full=is_full)

    async def _of_blocks(self, blocks: Sequence[StoredBlock]) -> list[Inconsistency]:
        stored = await self.store.head_many([block.key for block in blocks])
        pairs = zip(blocks, stored, strict=True)
        return [problem for block, info in pairs if (problem := _difference(block, info))]

    async def _read(self, blocks: Sequence[StoredBlock]) -> tuple[list[Inconsistency], int, int]:
        """Compare blocks with the hashes in their names until enough is read; what differs, how many were not read, how
        many were looked at."""
        damaged: list[Inconsistency] = []
        unread = done = looked_at = 0
        for block in blocks:
            looked_at += 1
            if not block.is_needed or block.size is None:
                continue
            try:
                frame = await self.store.get(block.key)
                unpack(frame, Block(block.hash, block.size, block.key))
                done += len(frame)
            except ObjectNotFound:
                continue  # missing already
            except ContentDamaged as error:
                damaged.append(Inconsistency("content_damaged", block.id, block.account_id, str(error)))
            except ObjectStoreError as error:
                if error.code != ARCHIVED:
                    raise
                unread += 1
            if done >= PAGE_READ_BYTES:
                break
        return damaged, unread, looked_at

    async def objects(self, request: CheckRequest) -> CheckPage:
        """Objects in the store that nothing refers to. Leftovers of uploads are deleted by a repair.

        Blocks and packs without a record are deleted only where the service may do so: with an emptied or restored
        database, every one would look like that.
        """
        page, left_over, unknown = await self.strays.look(request["after"], request["limit"])
        deletes_unknown = self.strays.settings.delete_unknown
        wrong = [
            Inconsistency("left_over", each.key, "", f"{each.size} bytes of an upload that has ended", repairable=True)
            for each in left_over
        ]
        wrong += [
            Inconsistency("unknown_object", each.key, "", f"{each.size} bytes", repairable=deletes_unknown)
            for each in unknown
        ]
        if request["repair"]:
            await self.strays.discard(left_over + (unknown if deletes_unknown else []))
        return page_of(request, [each.key for each in page], wrong)


def _difference(block: StoredBlock, info: ObjectInfo | None) -> Inconsistency | None:
    found = partial(Inconsistency, id=block.id, account_id=block.account_id)
    if info is None:
        return found("object_missing", detail=f"{block.key} is not in the object store")
    if block.stored_bytes is not None and info.size != block.stored_bytes:
        return found("size_differs", detail=f"{block.key} has {info.size} bytes in place of {block.stored_bytes}")
    return None
