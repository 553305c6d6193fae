"""Parts of a video under conversion, stored beside its rendition: the next attempt continues behind the last one."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from docstore_contents.s3.objects import ObjectInfo
from docstore_contents.s3.store import ObjectNotFound
from docstore_media.rendering.failures import storing
from docstore_media.rendering.videos import append_file
from docstore_media.rules import Variant, VideoPart
from docstore_platform.ids import new_id

PART_TYPE = "video/mp2t"
MAX_PART_BYTES = 1 << 30
"""Half a minute of video has some ten megabytes."""


class Objects(Protocol):
    """The processed bucket."""

    async def put(self, key: str, data: bytes, *, content_type: str) -> ObjectInfo: ...

    async def put_file(self, key: str, path: Path, *, content_type: str) -> None: ...

    async def download(self, key: str, path: Path, max_bytes: int) -> int: ...

    async def delete(self, key: str) -> None: ...

    async def delete_many(self, keys: Iterable[str]) -> None: ...


class Records(Protocol):
    """Where parts are recorded."""

    async def record_parts(self, variant: Variant, parts: Sequence[VideoPart]) -> None:
        """Raises LeaseLost."""


class StoredParts:
    """Those of one video, each under a name of its own: a worker that has lost its lease overwrites none.

    Recorded before they are stored, so that a crash leaves no object that is never deleted, and after.
    """

    def __init__(self, records: Records, objects: Objects, variant: Variant) -> None:
        self._records = records
        self._objects = objects
        self._variant = variant
        self._parts = list(variant.parts)

    async def fetch(self, target: Path) -> float:
        """Write the stored ones to `target`, up to the first that is missing; return the second they end at."""
        end = 0.0
        for number, part in enumerate(self._parts):
            if not part.is_stored:
                continue
            path = target.with_name(part.name)
            try:
                await self._objects.download(self._variant.part_key(part), path, MAX_PART_BYTES)
            except ObjectNotFound:
                self._parts[number:] = [replace(lost, is_stored=False) for lost in self._parts[number:]]
                break
            await asyncio.to_thread(append_file, path, target)
            path.unlink()
            end = part.end
        return end

    async def keep(self, path: Path, end: float) -> None:
        """Store and record the next one. Raises NotStored, LeaseLost."""
        part = VideoPart(new_id(), end)
        self._parts.append(part)
        await self._records.record_parts(self._variant, self._parts)
        with storing():
            await self._objects.put_file(self._variant.part_key(part), path, content_type=PART_TYPE)
        self._parts[-1] = replace(part, is_stored=True)
        await self._records.record_parts(self._variant, self._parts)
