"""Background work of variants: renders those that readers wait for, and removes those unused for long."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import KW_ONLY, dataclass

import structlog

from docstore_contents.s3.store import ObjectStoreError
from docstore_media import metrics
from docstore_media.previews.repository import Previews
from docstore_media.rendering.failures import (
    LEASE_SHARE,
    MAX_ATTEMPTS,
    failure_reason,
    is_temporary,
    pause_of,
    storing,
)
from docstore_media.rendering.renderer import Renderer
from docstore_media.rendering.videos import Progress
from docstore_media.rules import RenderFailed, Variant
from docstore_media.variants.repository import Variants, Work
from docstore_media.variants.service import CONVERT_WAKEUP, MADE_WAKEUP, REMOVE_WAKEUP, RENDER_WAKEUP
from docstore_media.variants.stored_parts import Objects, StoredParts
from docstore_platform.tasks import end_tasks
from docstore_work.lease_queue import LeaseLost
from docstore_work.wakeup import wake

log = structlog.get_logger(__name__)


PROGRESS_SECONDS = 2.0
"""How often the progress of a conversion is stored."""
_WAKEUPS: dict[Work, str] = {"picture": RENDER_WAKEUP, "video": CONVERT_WAKEUP, "removal": REMOVE_WAKEUP}


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bytes of variants that are kept, of one account and of all."""

    account: int
    total: int


@dataclass(slots=True)
class VariantWorker:
    """`render`, `convert` and `remove` process one due item, if any, and return whether there was one."""

    variants: Variants
    previews: Previews
    renderer: Renderer
    pictures: Objects
    _: KW_ONLY
    lease_seconds: float
    bounds: Bounds

    async def render(self) -> bool:
        """Render and store one picture."""
        return await self._claim_and("picture", self._render)

    async def convert(self) -> bool:
        """Convert and store one video."""
        return await self._claim_and("video", self._convert)

    async def _claim_and(self, work: Work, store: Callable[[Variant], Awaitable[int]]) -> bool:
        variant = await self.variants.claim(work) if self.renderer.ready else None
        if variant is None:
            return False
        reason, size, started = "", 0, time.perf_counter()
        try:
            if variant.attempts > MAX_ATTEMPTS:  # earlier attempts have crashed their process
                raise RenderFailed("parser_crashed")
            size = await store(variant)
        except RenderFailed as error:
            reason = error.reason
        except Exception as error:  # whatever a content causes, the queue continues with the next one
            passes = is_temporary(error)
            if passes or variant.attempts < MAX_ATTEMPTS:
                await self._postpone(variant, error, faultless=passes)
                return True
            log.error("variant_failed", variant=variant.id, exc_info=error)
            reason = failure_reason(error)
        metrics.variant_seconds.labels(variant.kind.value, reason or "ok").observe(time.perf_counter() - started)
        if not await self.variants.conclude(variant, reason, size):  # its content was deleted meanwhile
            await self.variants.postpone(variant, 0, faultless=False)
            wake(REMOVE_WAKEUP)
        elif variant.spec.is_video:
            await self._delete_parts(variant)
        wake(MADE_WAKEUP)
        return True

    async def remove(self) -> bool:
        """Delete the object of one variant."""
        variant = await self.variants.claim("removal")
        if variant is None:
            return False
        try:
            async with asyncio.timeout(self.lease_seconds * LEASE_SHARE):
                await self.pictures.delete(variant.object_key)
                await self.pictures.delete_many(map(variant.part_key, variant.parts))
        except (ObjectStoreError, TimeoutError) as error:
            await self._postpone(variant, error, faultless=False)
        else:
            await self.variants.remove(variant)
        return True

    async def wake_due(self) -> bool:
        """Wake the loops with due work: retries, and work of other instances."""
        for work in await self.variants.due():
            wake(_WAKEUPS[work])
        return False

    async def evict(self) -> None:
        """Keep the variants of each account, and of all, within their bounds: the least recently used ones go."""
        await self.variants.forget_failures()
        stored = await self.variants.stored_bytes()
        for owner_id, size in stored.items():
            if size > self.bounds.account:
                await self.variants.evict(owner_id, size - self.bounds.account)
        excess = sum(min(size, self.bounds.account) for size in stored.values()) - self.bounds.total
        if excess > 0:
            await self.variants.evict(None, excess)
        wake(REMOVE_WAKEUP)

    async def _render(self, variant: Variant) -> int:
        async with asyncio.timeout(self.lease_seconds * LEASE_SHARE):
            keys = await self.previews.object_keys(variant.rendition_id)
            data = await self.renderer.render_variant(variant, keys)
            with storing():
                await self.pictures.put(variant.object_key, data, content_type=variant.spec.content_type)
            return len(data)

    async def _convert(self, variant: Variant) -> int:
        """Convert a video, and renew the lease meanwhile; stop once it has been lost."""
        share = 0.0

        def progress(done: float) -> None:
            nonlocal share
            share = done

        work = asyncio.create_task(self._converted(variant, progress))
        try:
            while not work.done():
                await asyncio.wait({work}, timeout=min(PROGRESS_SECONDS, self.lease_seconds / 4))
                if not work.done() and not await self.variants.renew(variant, round(share, 2)):
                    raise LeaseLost
            return work.result()
        finally:
            await end_tasks([work])

    async def _converted(self, variant: Variant, progress: Progress) -> int:
        keys = await self.previews.object_keys(variant.rendition_id)
        parts = StoredParts(self.variants, self.pictures, variant)
        async with self.renderer.converted(variant, keys, parts, progress) as path:
            with storing():
                await self.pictures.put_file(variant.object_key, path, content_type=variant.spec.content_type)
            return (await asyncio.to_thread(path.stat)).st_size

    async def _postpone(self, variant: Variant, error: Exception, *, faultless: bool) -> None:
        log.info("variant_postponed", variant=variant.id, error=repr(error))
        await self.variants.postpone(variant, pause_of(variant, faultless=faultless), faultless=faultless)

    async def _delete_parts(self, variant: Variant) -> None:
        parts = await self.variants.parts_of(variant.id)
        try:
            await self.pictures.delete_many(map(variant.part_key, parts))
        except ObjectStoreError as error:
            log.warning("video_parts_left", variant=variant.id, error=repr(error))  # until the variant is removed
