"""Tags the contents of versions that were replaced long ago: the bucket's lifecycle rule moves them to a colder class.

No byte moves here. Only whole objects with a single reference are tagged: blocks and packs are shared with current
contents. Each version is checked once, when it is due. Twice, as after a crash, does no harm: no lease is needed.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

import structlog

from docstore_contents.reader import is_whole
from docstore_contents.s3.store import ObjectNotFound, ObjectStore
from docstore_metadata.changes.pruning import cooled_versions
from docstore_metadata.tree.rules import Node, Version
from docstore_metadata.versions.repository import OldContents, Versions

log = structlog.get_logger(__name__)

OLD_CONTENT = {"docstore-content": "old-version"}
"""The tag that the lifecycle rule looks for."""
MIN_BYTES = 128 << 10
"""S3 moves no smaller objects: it would cost more than it saves."""
PAGE = 20

Now = Callable[[], Awaitable[datetime]]


class StorageTiering:
    """Any number of instances may run it. `now` decides what is old."""

    def __init__(self, contents: OldContents, versions: Versions, objects: ObjectStore, *, days: int, now: Now) -> None:
        self._contents = contents
        self._versions = versions
        self._objects = objects
        self._days = days
        self._now = now

    async def cool(self) -> int:
        """Tag the old contents of one page of files; returns the number of files."""
        now = await self._now()
        files = await self._contents.files_due(now - timedelta(days=self._days), PAGE)
        if not files:
            return 0
        histories = await self._versions.of(files, None)
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
        """Keys of those contents that are whole objects with a single reference, and large enough."""
        keys = {
            version.object_key for version in versions if version.size >= MIN_BYTES and is_whole(version.object_key)
        }
        return await self._contents.unshared(keys)

    async def _mark(self, key: str) -> None:
        try:
            await self._objects.tag(key, OLD_CONTENT)
        except ObjectNotFound:
            log.info("old_content_gone", key=key)
