"""The final check: has everything happened that follows from a completed upload?

quota and the indexer must be done with the file's event, notify with upload-completed. What is not is said again,
under its old id, so that whoever has handled it ignores it. After the last attempt the upload is stalled: it is said,
counted and listed, and looked at once in a while until what is missing has happened after all.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

import structlog

from docstore_events.transaction import Transaction, Transactor
from docstore_events.uploads import UploadStalled
from docstore_platform.clock import Clock
from docstore_upload.domain import Upload, backoff
from docstore_upload.metrics import republished_total, stalled
from docstore_upload.peers import SETTLING, Peers
from docstore_upload.settings import UploadSettings
from docstore_upload.storage import Recheck, Uploads

log = structlog.get_logger(__name__)

Republish = Callable[[Sequence[str]], Awaitable[object]]
"""Says events of this service again."""


class FinalCheck:
    """Checks many completed uploads with one question to each service."""

    def __init__(
        self,
        uploads: Uploads,
        transactor: Transactor,
        peers: Peers,
        republish: Republish,
        settings: UploadSettings,
        clock: Clock,
    ) -> None:
        self._uploads = uploads
        self._transactor = transactor
        self._peers = peers
        self._republish = republish
        self._settings = settings
        self._clock = clock

    async def check(self, uploads: Sequence[Upload]) -> None:
        """Settle, ask again for, or give up these completed uploads."""
        missing = await self._missing(uploads)
        settled = [upload for upload in uploads if upload.id not in missing]
        late = [upload for upload in uploads if upload.id in missing]
        if settled:
            await self._uploads.settle([upload.id for upload in settled])
        last = self._settings.settle_attempts
        await self._say_again([upload for upload in late if upload.attempts + 1 < last], missing)
        await self._give_up([upload for upload in late if upload.attempts + 1 == last], missing)
        await self._uploads.recheck([self._next(upload, upload.id in missing) for upload in uploads], self._purge_at())
        if any(upload.missing for upload in settled) or late:
            stalled.set(await self._uploads.count_stalled())

    async def _missing(self, uploads: Sequence[Upload]) -> dict[str, tuple[str, ...]]:
        """By id of the uploads that are not settled, the services that have not reacted."""
        file_events = [upload.file_event_id or "" for upload in uploads]
        upload_events = [upload.completed_event_id or "" for upload in uploads]
        done = await self._peers.settled(file_events, upload_events)
        missing: dict[str, tuple[str, ...]] = {}
        for upload in uploads:
            late = tuple(
                name
                for name in SETTLING
                if (upload.completed_event_id if name == "notify" else upload.file_event_id) not in done[name]
            )
            if late:
                missing[upload.id] = late
        return missing

    async def _say_again(self, uploads: Sequence[Upload], missing: dict[str, tuple[str, ...]]) -> None:
        for name in SETTLING:
            republished_total.labels(name).inc(sum(name in missing[upload.id] for upload in uploads))
        file_events = [upload.file_event_id or "" for upload in uploads if set(missing[upload.id]) - {"notify"}]
        upload_events = [upload.completed_event_id or "" for upload in uploads if "notify" in missing[upload.id]]
        if file_events:
            await self._peers.republish_file_events(file_events)
        if upload_events:
            await self._republish(upload_events)

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
        log.warning("uploads stalled", count=len(ids), first=ids[0], missing=missing[ids[0]])

    def _next(self, upload: Upload, is_late: bool) -> Recheck:
        if not is_late:
            sweep_at = upload.last_sweep_at(self._clock(), self._settings.sweep_seconds) if upload.is_copied else None
            return Recheck(upload, sweep_at, upload.attempts)
        settings, attempts = self._settings, upload.attempts + 1
        stalls = attempts >= settings.settle_attempts
        longest = settings.settle_longest_seconds
        pause = longest if stalls else backoff(attempts, settings.settle_first_seconds, longest)
        return Recheck(upload, self._clock() + timedelta(seconds=pause), attempts)

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
