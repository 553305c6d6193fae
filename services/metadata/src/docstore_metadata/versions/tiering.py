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
from docstore_metadata.tree.rules import Node
from docstore_metadata.versions.pruning import cooled_versions
from docstore_metadata.versions.repository import OldContents, Versions
from docstore_metadata.versions.rules import Version

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

    def __init__(self, contents: OldContents, versions: Versions, objects: Tags, *, days: int, now: Now) -> None:
        self._contents = contents
        self._versions = versions
        self._objects = objects
        self._days = days
        self._now = now

    async def cool(self) -> int:
        """Mark what is old of one page of files; of how many files something was due."""
        now = await self._now()
        files = await self._contents.files_due(now - timedelta(days=self._days), PAGE)
        if not files:
            return 0
        histories: dict[str, list[Version]] = {file.id: [] for file in files}
        for version in await self._versions.of(files, None):
            histories[version.node_id].append(version)
        old: list[Version] = []
        moments: list[tuple[Node, datetime | None]] = []
        for file in files:
            assert file.cold_from is not None
            cooled, later = cooled_versions(histories[file.id], file.cold_from, self._days, now)
            old += cooled
            moments.append((file, later))
        await asyncio.gather(*(self._mark(key) for key in await self._alone(old)))
        await self._contents.done_until(moments)
        return len(files)

    async def _alone(self, versions: Sequence[Version]) -> list[str]:
        """Keys of those contents that are objects of their own, of this version alone, and large enough."""
        keys = {
            version.object_key for version in versions if version.size >= MIN_BYTES and is_whole(version.object_key)
        }
        return await self._contents.unshared(keys)

    async def _mark(self, key: str) -> None:
        try:
            await self._objects.tag(key, OLD_CONTENT)
        except ObjectNotFound:
            log.info("old_content_gone", key=key)
