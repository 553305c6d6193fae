"""Responses with a ZIP: whole, or a range where the checksums of what precedes it are known."""

import asyncio
from array import array
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping
from contextlib import ExitStack, aclosing
from dataclasses import dataclass, field
from typing import Any

import structlog
from fastapi.responses import Response

from docstore_contents.reader import Contents
from docstore_contents.s3.store import ObjectStoreError
from docstore_metadata.downloads.delivery import content_headers, content_stream, first_of, wanted_range
from docstore_metadata.downloads.rules import ByteRange
from docstore_metadata.downloads.slots import Slots
from docstore_metadata.zips.plan import ZipPlan
from docstore_metadata.zips.reader import ZipReader
from docstore_metadata.zips.repository import ZipProgress
from docstore_platform.clock import Clock
from docstore_platform.http.read_header import with_read_files

log = structlog.get_logger(__name__)

ZIP_TYPE = "application/zip"
EACH = 4
TOTAL = 32


def zip_slots() -> Slots:
    return Slots("ZIP downloads", code="too_many_zips", each=EACH, total=TOTAL)


@dataclass(slots=True)
class ZipDelivery:
    """Responds to requests for ZIPs. An interrupted one can be continued for a day, if it would be the same again."""

    contents: Contents
    progress: ZipProgress
    clock: Clock
    slots: Slots = field(default_factory=zip_slots)
    _saving: set[asyncio.Task[None]] = field(default_factory=set)

    async def respond(
        self,
        caller: str,
        name: str,
        make_plan: Callable[[], Coroutine[Any, Any, ZipPlan]],
        request_headers: Mapping[str, str],
    ) -> Response:
        """The ZIP to this caller. Raises what `make_plan` raises, and Problem 500 if its first bytes can't be read.

        If later ones can't, the connection ends before the announced length.
        """
        with ExitStack() as held:
            held.enter_context(self.slots.taken(caller))
            plan = await make_plan()
            headers = content_headers(name, f'"{plan.digest}"') | {"content-type": ZIP_TYPE}
            byte_range = wanted_range(request_headers, headers, plan.size)
            if isinstance(byte_range, Response):
                return byte_range
            reader = ZipReader(self.contents, plan, await self.progress.find(plan.digest, plan.entries))
            if byte_range is not None and not await asyncio.to_thread(reader.can_begin_at, byte_range.start):
                byte_range = None
            parts = self._parts(reader, byte_range or ByteRange(0, plan.size), held.pop_all())
            stream = content_stream(await first_of(parts), parts, byte_range, plan.size, headers)
            return with_read_files(stream, plan.read_ids if byte_range is None or byte_range.start == 0 else [])

    async def _parts(self, reader: ZipReader, wanted: ByteRange, slot: ExitStack) -> AsyncGenerator[bytes]:
        is_complete = False
        with slot:
            try:
                async with aclosing(reader.parts(wanted)) as parts:
                    async for part in parts:
                        yield part
                is_complete = True
            except ObjectStoreError as error:
                log.error("zip_broken_off", error=repr(error), entries=reader.plan.entries, size=reader.plan.size)
                raise
            finally:
                if not is_complete:
                    self._save(reader.plan, reader.checksums)

    def _save(self, plan: ZipPlan, checksums: "array[int]") -> None:
        """Keep what a continuation needs; by a task of its own, since this one may be cancelled."""
        task = asyncio.create_task(self.progress.save(plan.digest, checksums, self.clock()))
        self._saving.add(task)
        task.add_done_callback(self._saving.discard)
