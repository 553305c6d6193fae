"""The final check: has everything happened that follows from a completed upload?

quota, the indexer and media must be done with the file's event, notify with upload-completed. What is not is said
again, under its old id, so that whoever has handled it ignores it. After the last attempt the upload is stalled: it is
said, counted and listed, and looked at once in a while until what is missing has happened after all.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from docstore_events.transaction import Transaction, Transactor
from docstore_events.uploads import UploadStalled
from docstore_platform.clock import Clock
from docstore_upload.lifecycle.acknowledgements import (
    ExpectedEvents,
    Republish,
    find_pending_consumers,
    next_final_check,
    republish_pending,
)
from docstore_upload.lifecycle.clients import ServiceClients
from docstore_upload.metrics import stalled
from docstore_upload.sessions.ports import Recheck, Uploads
from docstore_upload.sessions.rules import Upload
from docstore_upload.sessions.termination import sweep_pauses
from docstore_upload.settings import UploadSettings

log = structlog.get_logger(__name__)


class FinalCheck:
    """Checks many completed uploads with one question to each service."""

    def __init__(
        self,
        uploads: Uploads,
        transactor: Transactor,
        services: ServiceClients,
        republish: Republish,
        settings: UploadSettings,
        clock: Clock,
    ) -> None:
        self._uploads = uploads
        self._transactor = transactor
        self._services = services
        self._republish = republish
        self._settings = settings
        self._clock = clock

    async def check(self, uploads: Sequence[Upload]) -> None:
        """Settle, ask again for, or give up these completed uploads."""
        following = {
            upload.id: ExpectedEvents((upload.file_event_id or "",), upload.completed_event_id or "")
            for upload in uploads
        }
        pending = await find_pending_consumers(self._services, following)
        missing = {upload_id: tuple(late) for upload_id, late in pending.items()}
        settled = [upload for upload in uploads if upload.id not in missing]
        late = [upload for upload in uploads if upload.id in missing]
        if settled:
            await self._uploads.settle([upload.id for upload in settled])
        last = self._settings.settle_attempts
        again = [pending[upload.id] for upload in late if upload.attempts < last]
        await republish_pending(self._services, self._republish, again)
        await self._give_up([upload for upload in late if upload.attempts >= last and not upload.missing], missing)
        await self._uploads.recheck([self._next(upload, upload.id in missing) for upload in uploads], self._purge_at())
        if any(upload.missing for upload in settled) or late:
            stalled.set(await self._uploads.count_stalled())

    async def _give_up(self, uploads: Sequence[Upload], missing: dict[str, tuple[str, ...]]) -> None:
        if not uploads:
            return
        ids = [upload.id for upload in uploads]

        async def work(transaction: Transaction) -> None:
            current = await self._uploads.by_ids(ids, transaction.session)
            fresh = [upload for upload in current.values() if not upload.missing]
            await self._uploads.mark_stalled({upload.id: missing[upload.id] for upload in fresh}, transaction.session)
            for upload in fresh:
                transaction.publish(_stalled(upload, missing[upload.id]))

        await self._transactor.run(work)
        log.warning("uploads_stalled", count=len(ids), first=ids[0], missing=missing[ids[0]])

    def _next(self, upload: Upload, is_late: bool) -> Recheck:
        if not is_late:
            pauses, seconds = sweep_pauses(self._settings), self._settings.sweep_seconds
            at = upload.next_sweep_at(self._clock(), pauses, seconds, is_swept=False)
            return Recheck(upload, at, attempts=0)
        return Recheck(upload, next_final_check(upload.attempts, self._clock(), self._settings))

    def _purge_at(self) -> datetime:
        return self._clock() + timedelta(days=self._settings.kept_days)


def _stalled(upload: Upload, missing: tuple[str, ...]) -> UploadStalled:
    assert upload.file is not None
    return UploadStalled(
        revision=upload.revision + 1,
        upload_id=upload.id,
        account_id=upload.owner_id,
        path=upload.file["path"],
        size=upload.size,
        method=upload.method,
        file_id=upload.file["id"],
        missing=missing,
    )
