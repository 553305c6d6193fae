"""Expiry and abortion of uploads: one event, then deletion of what was sent.

What was sent is deleted again once no URL works any more. Until then a tombstone lies where a URL for a first write
works.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Literal

import structlog

from docstore_contents.s3.store import ObjectStore, ObjectStoreError
from docstore_events.transaction import Transaction, Transactor
from docstore_events.uploads import UploadAborted, UploadExpired
from docstore_platform.clock import Clock
from docstore_upload.blocks.service import BlockService
from docstore_upload.lifecycle.rules import Actor, Pauses, Refusal, State
from docstore_upload.lifecycle.tombstones import put_tombstones
from docstore_upload.metrics import ended_total
from docstore_upload.sessions.ports import Uploads
from docstore_upload.sessions.rules import Upload
from docstore_upload.settings import UploadSettings

log = structlog.get_logger(__name__)


class Termination:
    """Expires and aborts uploads. The events make quota give their reservations back."""

    def __init__(
        self, uploads: Uploads, transactor: Transactor, blocks: BlockService, store: ObjectStore, clock: Clock
    ) -> None:
        self._uploads = uploads
        self._transactor = transactor
        self._blocks = blocks
        self._store = store
        self._clock = clock

    async def end(
        self,
        ids: Sequence[str],
        state: Literal["expired", "aborted"],
        *,
        start: Collection[State],
        refusal: Refusal | None = None,
        by: Actor = "client",
    ) -> list[Upload]:
        """End those that are in a state of `start`, whoever else tries; answers the ones this call has ended.

        Clean-up is due at once. It is tried here; if it fails or we die, the workflow does it.
        """
        now = self._clock()

        async def work(transaction: Transaction) -> list[Upload]:
            current = await self._uploads.by_ids(ids, transaction.session)
            ended = [upload for upload in current.values() if upload.state in start]
            if ended:
                await self._uploads.end([upload.id for upload in ended], state, refusal, now, transaction.session)
            for upload in ended:
                transaction.publish(_event(upload, state, refusal))
            return ended

        ended = await self._transactor.run(work)
        for upload in ended:
            ended_total.labels(state, upload.method, by).inc()
        await self.clean(ended)
        return ended

    async def clean(self, uploads: Sequence[Upload]) -> list[Upload]:
        """Delete what was sent; deleting it again does no harm. Answers those for which the store did so."""
        return await self._each(uploads, self._delete)

    async def clean_incoming(self, uploads: Sequence[Upload]) -> list[Upload]:
        """Of completed uploads, delete what the client sent beside the object that is committed."""
        return await self._each([upload for upload in uploads if upload.is_copied], self._delete_sent)

    async def sweep(self, uploads: Sequence[Upload]) -> list[Upload]:
        """Delete whatever there is of these uploads, but what is committed. Lists their prefixes: background only."""
        return await self._each(uploads, self._sweep)

    async def _each(self, uploads: Sequence[Upload], delete: Callable[[Upload], Awaitable[None]]) -> list[Upload]:
        outcomes = await asyncio.gather(*(delete(upload) for upload in uploads), return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, ObjectStoreError):
                log.warning("upload_cleanup_failed", error=str(outcome))
            elif isinstance(outcome, BaseException):
                raise outcome
        return [upload for upload, outcome in zip(uploads, outcomes, strict=True) if outcome is None]

    async def _delete(self, upload: Upload) -> None:
        if upload.multipart_id is not None:
            await self._store.abort_multipart(upload.object_key, upload.multipart_id)
        if upload.method == "blocks":  # one that was refused after it was claimed
            await self._blocks.release([upload.object_key])
        if upload.is_sent_by_put and self._clock() < upload.usable_until:
            await put_tombstones(self._store, [upload.object_key])
            return
        for key in {upload.sent_key, upload.object_key}:
            await self._store.delete(key)

    async def _delete_sent(self, upload: Upload) -> None:
        await self._store.delete(upload.sent_key)

    async def _sweep(self, upload: Upload) -> None:
        completed = upload.state == "completed"
        if not completed:
            await self._delete(upload)
        if upload.may_have_strays:
            await self._store.clear(upload.prefix, frozenset({upload.object_key} if completed else ()))


def sweep_pauses(settings: UploadSettings) -> Pauses:
    """Between looks for what comes in after an upload's end."""
    return Pauses(settings.check_first_seconds, settings.check_longest_seconds)


def _event(upload: Upload, state: State, refusal: Refusal | None) -> UploadExpired | UploadAborted:
    revision, size = upload.revision + 1, upload.size
    if state == "expired":
        return UploadExpired(
            revision=revision,
            upload_id=upload.id,
            account_id=upload.owner_id,
            path=upload.path,
            size=size,
            method=upload.method,
        )
    return UploadAborted(
        revision=revision,
        upload_id=upload.id,
        account_id=upload.owner_id,
        path=upload.path,
        size=size,
        method=upload.method,
        reason=refusal.code if refusal else "given_up",
    )
