"""Checks page by page whether the pictures of renditions are in the bucket."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from docstore_contents.s3.store import ObjectInfo
from docstore_contracts.consistency import CheckPage, CheckRequest, page_of
from docstore_contracts.inconsistency import Inconsistency
from docstore_media.consistency.repository import StoredRendition, StoredRenditions
from docstore_media.previews.service import RENDER_WAKEUP
from docstore_media.rules import PIXELS, rendition_key
from docstore_platform.clock import Clock
from docstore_work.wakeup import wake


class Pictures(Protocol):
    """The processed bucket."""

    async def head_many(self, keys: Sequence[str]) -> list[ObjectInfo | None]: ...


class LostPictures(Protocol):
    async def render_again(self, now: datetime, ids: Sequence[str]) -> None:
        """Queue the pictures of these renditions."""


@dataclass(slots=True)
class PreviewConsistency:
    """`reads`: from a secondary."""

    reads: StoredRenditions
    primary: StoredRenditions
    previews: LostPictures
    pictures: Pictures
    clock: Clock

    async def check(self, request: CheckRequest) -> CheckPage:
        """Ready renditions against the bucket of previews. A repair renders what is missing again."""
        found = await self.reads.page(request["after"], request["limit"])
        lost = await self._lost([each for each in found if each.is_ready])
        if lost:
            lost = [each for each in await self.primary.by_ids([each.id for each in lost]) if each.is_ready]
        if lost and request["repair"]:
            await self.previews.render_again(self.clock(), [each.id for each in lost])
            wake(RENDER_WAKEUP)
        detail = "a picture of it is not in the bucket of previews"
        wrong = [Inconsistency("picture_missing", each.id, each.owner_id, detail, repairable=True) for each in lost]
        return page_of(request, [each.id for each in found], wrong)

    async def _lost(self, renditions: list[StoredRendition]) -> list[StoredRendition]:
        keys = [rendition_key(each.owner_id, each.id, size) for each in renditions for size in PIXELS]
        missing = {key for key, info in zip(keys, await self.pictures.head_many(keys), strict=True) if info is None}
        return [
            each
            for each in renditions
            if any(rendition_key(each.owner_id, each.id, size) in missing for size in PIXELS)
        ]
