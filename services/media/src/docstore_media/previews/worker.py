"""Background work of media: renders pictures and deletes unused ones.

Everything may run twice: a rendition stays pending until its pictures are stored, under names of its own.
"""

import asyncio
import time
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Protocol

import structlog

from docstore_contents.s3.store import ObjectInfo, ObjectStoreError
from docstore_events.envelope import seal
from docstore_events.transaction import Transaction, Transactor
from docstore_media import metrics
from docstore_media.previews.outcomes import Outcome, outcome_event
from docstore_media.previews.repository import Previews
from docstore_media.previews.service import REMOVE_WAKEUP, RENDER_WAKEUP, RETRY_WAKEUP
from docstore_media.rendering.failures import (
    LEASE_SHARE,
    MAX_ATTEMPTS,
    failure_reason,
    is_temporary,
    pause_of,
    storing,
)
from docstore_media.rendering.renderer import Renderer
from docstore_media.rules import PICTURE_TYPE, PIXELS, RenderFailed, Rendition, Size
from docstore_work.wakeup import wake

log = structlog.get_logger(__name__)


class Pictures(Protocol):
    """The processed bucket."""

    async def put(self, key: str, data: bytes, *, content_type: str) -> ObjectInfo: ...

    async def put_file(self, key: str, path: Path, *, content_type: str) -> None: ...

    async def delete(self, key: str) -> None: ...


class Variants(Protocol):
    """Other pictures of the same contents."""

    async def discard(self, rendition_id: str) -> None:
        """Remove those of a rendition."""


@dataclass(slots=True)
class RenderingWorker:
    """Each call processes one due item, if any, and returns whether there was one."""

    previews: Previews
    renderer: Renderer
    pictures: Pictures
    variants: Variants
    transactor: Transactor
    _: KW_ONLY
    lease_seconds: float

    async def render(self) -> bool:
        """Render one content, store its pictures, and publish them for each of its versions."""
        rendition = await self.previews.claim("pending") if self.renderer.ready else None
        if rendition is None:
            return False
        try:
            async with asyncio.timeout(self.lease_seconds * LEASE_SHARE):
                outcome = await self._outcome(rendition)
        except Exception as error:  # whatever a content causes, the queue continues with the next one
            passes = is_temporary(error)
            if passes or rendition.attempts < MAX_ATTEMPTS:
                await self._postpone(rendition, error, faultless=passes)
            else:
                log.error("rendition_failed", rendition=rendition.id, exc_info=error)
                await self._conclude(rendition, Outcome(failure_reason(error)))
        else:
            await self._conclude(rendition, outcome)
        return True

    async def remove(self) -> bool:
        """Delete the pictures of one unused rendition."""
        rendition = await self.previews.claim("removing")
        if rendition is None:
            return False
        try:
            async with asyncio.timeout(self.lease_seconds * LEASE_SHARE):
                await asyncio.gather(*(self.pictures.delete(rendition.object_key(size)) for size in PIXELS))
        except (ObjectStoreError, TimeoutError) as error:
            await self._postpone(rendition, error, faultless=False)
        else:
            await self.variants.discard(rendition.id)
            await self.previews.remove(rendition)
        return True

    async def wake_due(self) -> bool:
        """Wake the loops with due work: retries, and work of other instances."""
        for state in await self.previews.due():
            wake(RENDER_WAKEUP if state == "pending" else REMOVE_WAKEUP)
        return False

    async def _outcome(self, rendition: Rendition) -> Outcome:
        if rendition.attempts > MAX_ATTEMPTS:  # earlier attempts have crashed their process
            return Outcome("parser_crashed")
        started, outcome = time.perf_counter(), "unavailable"
        try:
            made = await self.renderer.render(rendition, await self.previews.object_keys(rendition.id))
            await asyncio.gather(*(self._store(rendition, size, data) for size, data in made.pictures.items()))
            outcome = "ok"
            return Outcome(facts=made.facts)
        except RenderFailed as error:
            outcome = error.reason
            return Outcome(error.reason)
        finally:
            metrics.rendering_seconds.labels(rendition.kind.value, outcome).observe(time.perf_counter() - started)

    async def _store(self, rendition: Rendition, size: Size, data: bytes) -> None:
        with storing():
            await self.pictures.put(rendition.object_key(size), data, content_type=PICTURE_TYPE)

    async def _conclude(self, rendition: Rendition, outcome: Outcome) -> None:
        async def work(transaction: Transaction) -> bool:
            sources = await self.previews.conclude(rendition, outcome, transaction.session)
            for source in sources or []:
                event = outcome_event(source, outcome)
                transaction.publish(event, cause=seal(event, source="media", traceparent=rendition.traceparent))
            return sources is not None

        if not await self.transactor.run(work):  # all its versions were deleted meanwhile: remove it now
            await self.previews.postpone(rendition, 0, faultless=False)
            wake(REMOVE_WAKEUP)

    async def _postpone(self, rendition: Rendition, error: Exception, *, faultless: bool) -> None:
        log.info("rendition_postponed", rendition_id=rendition.id, error=repr(error))
        await self.previews.postpone(rendition, pause_of(rendition, faultless=faultless), faultless=faultless)
        wake(RETRY_WAKEUP)
