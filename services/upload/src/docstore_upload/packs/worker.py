"""What happens to packs when no client asks for it: completing, expiring, checking, cleaning up, rewriting."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

import structlog

from docstore_contents.deletion_hold import IsHeld
from docstore_contents.packs import MAX_INDEX_BYTES, MAX_PACK_BYTES
from docstore_contents.s3.store import ObjectNotFound, ObjectStore, ObjectStoreError
from docstore_platform.clock import Clock
from docstore_platform.problems import Problem
from docstore_upload.lifecycle.final_check import FinalCheck
from docstore_upload.lifecycle.rules import ENDED, INCOMPLETE, next_look
from docstore_upload.lifecycle.tombstones import put_tombstones
from docstore_upload.lifecycle.worker import DueWork, Step
from docstore_upload.metrics import compacted_bytes_total
from docstore_upload.packs.complete import PackCompleter
from docstore_upload.packs.ports import Packs
from docstore_upload.packs.rules import Pack, compacted
from docstore_upload.packs.views import CONTENT_TYPE
from docstore_upload.settings import UploadSettings

log = structlog.get_logger(__name__)


class PackWorker(DueWork[Pack]):
    """Each step takes packs that are due; one that fails leaves its pack due again at the end of the lease."""

    name = "packs"
    batch = 20
    """Each may be 16 MiB in memory while it is verified or rewritten."""

    def __init__(
        self,
        packs: Packs,
        completer: PackCompleter,
        final_check: FinalCheck[Pack],
        store: ObjectStore,
        is_held: IsHeld,
        settings: UploadSettings,
        clock: Clock,
    ) -> None:
        super().__init__(settings, clock)
        self._packs = packs
        self._completer = completer
        self._final_check = final_check
        self._store = store
        self._is_held = is_held

    async def claim_due(self, limit: int) -> list[Pack]:
        return await self._packs.claim_due(limit)

    def step(self, due: Pack) -> Step[Pack]:
        if due.state == "completed" and not due.settled:
            return self._final_check.check
        return self._one_by_one

    async def _one_by_one(self, packs: Sequence[Pack]) -> None:
        for pack in packs:
            try:
                await self._next(pack)(pack)
            except ObjectStoreError as error:
                log.warning("pack_store_unavailable", pack_id=pack.id, error=str(error))

    def _next(self, pack: Pack) -> Callable[[Pack], Awaitable[None]]:
        if pack.is_open or pack.state == "committing":
            return self._complete
        if pack.state in ENDED or not pack.live:
            return self._unless_held(self._clear)
        return self._unless_held(self._compact) if pack.is_mostly_dead() else self._rest

    def _unless_held(self, let_go: Callable[[Pack], Awaitable[None]]) -> Callable[[Pack], Awaitable[None]]:
        """While a backup copies what is there, the pack stays as it is and is due again at the end of its lease."""

        async def step(pack: Pack) -> None:
            if not await self._is_held():
                await let_go(pack)

        return step

    async def _complete(self, pack: Pack) -> None:
        """Complete what a client sent and left; expire what never came; look at the rest later."""
        now = self._clock()
        try:
            await self._completer.complete(pack, "workflow")
        except Problem as problem:
            if problem.code == INCOMPLETE.code and now >= pack.expires_at:
                await self._completer.end(pack, "expired", by="workflow")
            elif pack.is_open and (problem.code == INCOMPLETE.code or problem.status >= 500):
                await self._packs.plan(pack, self._next_look(pack, now))

    def _next_look(self, pack: Pack, now: datetime) -> datetime:
        first, longest = self._settings.check_first_seconds, self._settings.check_longest_seconds
        return next_look(pack.attempts, pack.expires_at, now, first=first, longest=longest)

    async def _clear(self, pack: Pack) -> None:
        """Delete the object of an ended or empty pack; once more when no URL works any more, a tombstone till then."""
        now = self._clock()
        if now < pack.expires_at:
            await put_tombstones(self._store, [pack.object_key])
        else:
            await self._store.delete(pack.object_key)
        if now >= pack.expires_at + timedelta(seconds=self._settings.sweep_seconds):
            await self._packs.plan(pack, None, purge_at=now + timedelta(days=self._settings.kept_days))
        else:
            await self._packs.plan(pack, pack.last_sweep_at(now, self._settings.sweep_seconds))

    async def _compact(self, pack: Pack) -> None:
        """Rewrite it under its key with the slices that live. Who is reading holds on to the ETag, and asks again.

        Of several, one that comes late finds another ETag: what it took for living may be dead, or all of it deleted.
        """
        try:
            before = await self._store.get_tail(pack.object_key, MAX_PACK_BYTES + MAX_INDEX_BYTES)
            content = before.data
            kept = await asyncio.to_thread(compacted, content, pack.live)
        except (ObjectNotFound, ValueError) as error:
            log.error("pack_damaged", pack_id=pack.id, error=str(error))
            await self._packs.plan(pack, None)
            return
        if len(kept) < len(content):
            await self._store.put(pack.object_key, kept, content_type=CONTENT_TYPE, etag=before.etag)
            compacted_bytes_total.inc(len(content) - len(kept))
        await self._packs.plan(pack, self._forget_at(pack), attempts=0, object_bytes=len(kept))

    async def _rest(self, pack: Pack) -> None:
        forget_at = self._forget_at(pack)
        if forget_at is not None and forget_at <= self._clock():
            await self._packs.forget(pack)
        else:
            await self._packs.plan(pack, forget_at, attempts=0)

    def _forget_at(self, pack: Pack) -> datetime | None:
        if pack.answers is None or pack.completed_at is None:
            return None
        return pack.completed_at + timedelta(days=self._settings.kept_days)
