"""What the final check does with uploads."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from docstore_events.transaction import Transaction
from docstore_events.uploads import UploadCompleted, UploadStalled
from docstore_platform.clock import Clock
from docstore_upload import metrics
from docstore_upload.lifecycle.final_check import Checked
from docstore_upload.sessions.ports import Recheck, Uploads
from docstore_upload.sessions.rules import Upload
from docstore_upload.sessions.termination import sweep_pauses
from docstore_upload.settings import UploadSettings


class CheckedUploads(Checked[Upload]):
    """A settled upload is swept: its client may have sent more than the object that is committed."""

    completed_event = UploadCompleted
    stalled = metrics.stalled

    def __init__(self, uploads: Uploads, settings: UploadSettings, clock: Clock) -> None:
        self._uploads = uploads
        self._settings = settings
        self._clock = clock

    async def settle(self, items: Sequence[Upload]) -> None:
        await self._uploads.settle([upload.id for upload in items])
        now, pauses, seconds = self._clock(), sweep_pauses(self._settings), self._settings.sweep_seconds
        sweeps = [upload.next_sweep_at(now, pauses, seconds, is_swept=False) for upload in items]
        await self._recheck([Recheck(upload, at, attempts=0) for upload, at in zip(items, sweeps, strict=True)])

    async def look_again(self, items: Mapping[datetime, Sequence[Upload]]) -> None:
        await self._recheck([Recheck(upload, at) for at, uploads in items.items() for upload in uploads])

    async def postpone_uncounted(self, items: Sequence[Upload], at: datetime) -> None:
        await self._recheck([Recheck(upload, at, attempts=upload.attempts - 1) for upload in items])

    async def _recheck(self, rechecks: Sequence[Recheck]) -> None:
        await self._uploads.recheck(rechecks, self._clock() + timedelta(days=self._settings.kept_days))

    async def mark_stalled(self, missing: Mapping[str, Collection[str]], transaction: Transaction) -> None:
        current = await self._uploads.by_ids(list(missing), transaction.session)
        fresh = {upload.id: tuple(missing[upload.id]) for upload in current.values() if not upload.missing}
        await self._uploads.mark_stalled(fresh, transaction.session)
        for upload_id, services in fresh.items():
            transaction.publish(_stalled(current[upload_id], services))

    async def count_stalled(self) -> int:
        return await self._uploads.count_stalled()


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
