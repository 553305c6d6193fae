"""Tags the contents of versions that were replaced long ago: the bucket's lifecycle rule moves them to a colder class.

No byte moves here. Only whole objects with a single reference are tagged: blocks and packs are shared with current
contents. Each version is checked once, when it is due. Twice, as after a crash, does no harm: no lease is needed.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial

import structlog

from docstore_contents.reader import is_whole
from docstore_contents.s3.store import ObjectNotFound, ObjectStore
from docstore_metadata.tree.rules import Node, Version
from docstore_metadata.versions.repository import OldContents, Versions
from docstore_metadata.versions.rules import first_replaced_since, outdated_first

log = structlog.get_logger(__name__)

OLD_CONTENT = {"docstore-content": "old-version"}
"""The tag that the lifecycle rule looks for."""
MIN_BYTES = 128 << 10
"""S3 moves no smaller objects: it would cost more than it saves."""
PAGE = 20
VERSIONS_PAGE = 500

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
        """Tag old contents of one page of files, a limited number; returns the number of files."""
        now = await self._now()
        files = await self._contents.files_due(now - timedelta(days=self._days), PAGE)
        if not files:
            return 0
        old: list[Version] = []
        checked: list[Node] = []
        for file in files:
            old += await self._next_of(file, now, VERSIONS_PAGE - len(old))
            checked.append(file)
            if len(old) == VERSIONS_PAGE:
                break
        await asyncio.gather(*(self._mark(key) for key in await self._alone(old)))
        await self._contents.done_until(checked)
        return len(checked)

    async def _next_of(self, file: Node, now: datetime, limit: int) -> Sequence[Version]:
        """The next versions of a file that are old; the file is changed to begin after them."""
        assert file.cold_from is not None
        read_after = partial(self._versions.after, file.id)
        begin = file.cold_version or await first_replaced_since(read_after, file.cold_from)
        old = await outdated_first(read_after, self._days, now, limit, begin=begin)
        file.cold_from = old.replaced_from
        file.cold_version = old.next_number if old.replaced_from else 0
        return old.versions

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
