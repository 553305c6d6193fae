"""Search for strays (orphaned objects): objects in the store that no record refers to.

Uploads, blocks and packs clean up after themselves; this is the safety net. It goes through the bucket page by page and
asks the database about each key. Leftovers of uploads are deleted after a day. Blocks and packs without a row are
counted, and deleted only if the operator enables it: with an emptied or restored database, every one would look like
that. Metadata deletes objects of forgotten uploads, except where only a client writes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from docstore_contents.s3.store import ObjectStore, StoredObject, UnfinishedUpload
from docstore_platform.clock import Clock
from docstore_upload.blocks.ports import Blocks
from docstore_upload.lifecycle.rules import COMMITTING, OPEN
from docstore_upload.metrics import GAUGES, unclaimed_deleted_total
from docstore_upload.packs.ports import Packs
from docstore_upload.sessions.ports import Uploads
from docstore_upload.sessions.rules import Upload
from docstore_upload.settings import UploadSettings
from docstore_upload.strays.rules import _BLOCK_KEY, _PACK_KEY, _UPLOAD_KEY, Known, Place
from docstore_work.wakeup import wake

log = structlog.get_logger(__name__)
ROOT = "accounts/"
PAGE = 1000


class Passes(Protocol):
    """Stores the progress of the pass."""

    async def take(self) -> Place | None:
        """Lease the next page, if one is due."""

    async def move(self, place: Place, due_at: datetime) -> None: ...

    async def finish(self, place: Place, due_at: datetime) -> None:
        """Store what a pass has found, and when the next one begins."""


@dataclass(slots=True)
class StraySweep:
    """Any number of instances may run it: one of them processes a page."""

    passes: Passes
    uploads: Uploads
    blocks: Blocks
    packs: Packs
    store: ObjectStore
    settings: UploadSettings
    clock: Clock

    async def sweep(self) -> int:
        """Process one page, if one is due; return how many strays it had."""
        now = self.clock()
        place = await self.passes.take()
        if place is None:
            return 0
        page, left_over, unknown = await self.look(place.after, PAGE)
        doomed = left_over + (unknown if self.settings.delete_unknown else [])
        if left_over or unknown:
            first = (left_over + unknown)[0].key
            log.warning("strays_found", left_over=len(left_over), unknown=len(unknown), first=first)
        await self.discard(doomed)
        found = Place(
            page[-1].key if page else "",
            place.left_over_bytes + sum(stray.size for stray in left_over),
            place.unknown_bytes + sum(stray.size for stray in unknown),
            place.lease_owner,
        )
        if len(page) == PAGE:
            await self.passes.move(found, now + timedelta(seconds=self.settings.stray_page_delay_seconds))
        else:
            await self._abort_forgotten(now)
            await self.passes.finish(found, now + timedelta(seconds=self.settings.stray_pass_delay_seconds))
            wake(GAUGES)
        return len(left_over) + len(unknown)

    async def look(self, after: str, limit: int) -> tuple[list[StoredObject], list[StoredObject], list[StoredObject]]:
        """Return a page of objects, and which of them are leftovers of uploads and which are unknown."""
        page = await self.store.list_page(ROOT, after=after, limit=limit)
        left_over, unknown = await self._strays(page, self.clock())
        return page, left_over, unknown

    async def discard(self, strays: Sequence[StoredObject]) -> None:
        """Have objects deleted."""
        now = self.clock()
        await self.blocks.discard({stray.key: now for stray in strays}, now)
        unclaimed_deleted_total.labels("object").inc(len(strays))

    async def _strays(
        self, page: Sequence[StoredObject], now: datetime
    ) -> tuple[list[StoredObject], list[StoredObject]]:
        before = now - timedelta(seconds=self.settings.stray_grace_seconds)
        old = [stored for stored in page if stored.modified_at < before]
        known = await self._known([stored.key for stored in old]) if old else Known()
        verdicts = [(known.verdict(stored.key), stored) for stored in old]
        left_over = [stored for verdict, stored in verdicts if verdict == "left_over"]
        return left_over, [stored for verdict, stored in verdicts if verdict == "unknown"]

    async def _known(self, keys: Sequence[str]) -> Known:
        uploads = {match[1] for key in keys if (match := _UPLOAD_KEY.fullmatch(key))}
        packs = {match[1] for key in keys if (match := _PACK_KEY.fullmatch(key))}
        blocks = [(match[1], match[2]) for key in keys if (match := _BLOCK_KEY.fullmatch(key))]
        return Known(
            await self.uploads.by_ids(list(uploads)) if uploads else {},
            {
                *(await self.packs.keys_of(list(packs)) if packs else ()),
                *(await self.blocks.keys_of(blocks) if blocks else ()),
                *await self.blocks.discarded_among(keys),
            },
        )

    async def _abort_forgotten(self, now: datetime) -> None:
        """Abort abandoned multipart uploads: left by a crash, or started with credentials."""
        before = now - timedelta(seconds=self.settings.stray_grace_seconds)
        unfinished = [each for each in await self.store.unfinished_uploads(ROOT) if each.begun_at < before]
        ids = {match[1] for each in unfinished if (match := _UPLOAD_KEY.fullmatch(each.key))}
        uploads = await self.uploads.by_ids(list(ids)) if ids else {}
        for each in unfinished:
            if not _is_continued(each, uploads):
                unclaimed_deleted_total.labels("multipart").inc()
                await self.store.abort_multipart(each.key, each.upload_id)


def _is_continued(unfinished: UnfinishedUpload, uploads: Mapping[str, Upload]) -> bool:
    match = _UPLOAD_KEY.fullmatch(unfinished.key)
    upload = uploads.get(match[1]) if match else None
    if upload is None or upload.state not in (*OPEN, *COMMITTING):
        return False
    return upload.method == "credentials" or upload.multipart_id == unfinished.upload_id
