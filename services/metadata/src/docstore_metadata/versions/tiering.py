"""Marks the contents of versions that were replaced long ago, for the bucket's lifecycle to move to a colder class.

A mark is a tag of the object: no byte moves, and what the store knows of classes is its own affair. Only whole objects
that one version alone refers to: blocks and packs are shared with contents that are current. Each version is asked
about once, when its time comes; twice, as after a crash, does no harm, so instances need not agree.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from docstore_contents.reader import is_whole
from docstore_contents.s3.store import ObjectNotFound
from docstore_metadata.storage import Store
from docstore_metadata.tree.rules import Node
from docstore_metadata.versions.pruning import cooled_versions
from docstore_metadata.versions.rules import Version
from docstore_platform.mongo import ASCENDING, IndexModel, UpdateOne

log = structlog.get_logger(__name__)

OLD_CONTENT = {"docstore-content": "old-version"}
"""The tag that the lifecycle rule looks for."""
MIN_BYTES = 128 << 10
"""S3 moves nothing smaller: it would cost more than it saves."""
PAGE = 20

Now = Callable[[], Awaitable[datetime]]


class Tags(Protocol):
    async def tag(self, key: str, tags: dict[str, str]) -> None:
        """Give an object these tags; ObjectNotFound if there is none."""
        ...


class StorageTiering:
    """Any number of instances may look. `now` decides what is old."""

    def __init__(self, store: Store, objects: Tags, *, days: int, now: Now) -> None:
        self._store = store
        self._objects = objects
        self._days = days
        self._now = now

    async def create_indexes(self) -> None:
        if "cold_due" not in await self._store.nodes.index_information():
            files = {"replaced_from": {"$exists": True}, "cold_from": {"$exists": False}}
            await self._store.nodes.update_many(files, [{"$set": {"cold_from": "$replaced_from"}}])
        await self._store.nodes.create_indexes(
            [
                IndexModel(
                    [("cold_from", ASCENDING)],
                    name="cold_due",
                    partialFilterExpression={"cold_from": {"$exists": True}},
                )
            ]
        )

    async def cool(self) -> int:
        """Mark what is old of one page of files; of how many files something was due."""
        now = await self._now()
        due = {"cold_from": {"$lte": now - timedelta(days=self._days)}}
        files = await self._store.find_page(due, [("cold_from", 1)], PAGE)
        if not files:
            return 0
        histories: dict[str, list[Version]] = {file.id: [] for file in files}
        for version in await self._store.versions_of(files, None):
            histories[version.node_id].append(version)
        old: list[Version] = []
        updates: list[UpdateOne] = []
        for file in files:
            assert file.cold_from is not None
            cooled, later = cooled_versions(histories[file.id], file.cold_from, self._days, now)
            old += cooled
            updates.append(_asked(file, later))
        await asyncio.gather(*(self._mark(key) for key in await self._alone(old)))
        await self._store.nodes.bulk_write(updates, ordered=False)
        return len(files)

    async def _alone(self, versions: Sequence[Version]) -> list[str]:
        """Keys of those contents that are objects of their own, of this version alone, and large enough."""
        keys = {
            version.object_key for version in versions if version.size >= MIN_BYTES and is_whole(version.object_key)
        }
        rows = self._store.objects.find({"_id": {"$in": sorted(keys)}, "refs": 1}, {"_id": 1})
        return [row["_id"] async for row in rows]

    async def _mark(self, key: str) -> None:
        try:
            await self._objects.tag(key, OLD_CONTENT)
        except ObjectNotFound:
            log.info("an old content has gone meanwhile", key=key)


def _asked(file: Node, later: datetime | None) -> UpdateOne:
    """Its next old version is due later; unless a new version has come to be the first one meanwhile."""
    update = {"$set": {"cold_from": later}} if later else {"$unset": {"cold_from": ""}}
    return UpdateOne({"_id": file.id, "version": file.version}, update)
