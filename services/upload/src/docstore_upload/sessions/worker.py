"""The durable upload workflow: what happens to an upload without a client's request."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from docstore_contents.s3.store import ObjectStoreError
from docstore_platform.clock import Clock
from docstore_platform.problems import Problem
from docstore_upload.lifecycle.final_check import FinalCheck
from docstore_upload.lifecycle.rules import ENDED, INCOMPLETE, OPEN, next_look
from docstore_upload.lifecycle.worker import DueWork, Step
from docstore_upload.sessions.complete import Completer
from docstore_upload.sessions.ports import Recheck, Uploads
from docstore_upload.sessions.rules import Upload
from docstore_upload.sessions.termination import Termination, sweep_pauses
from docstore_upload.sessions.verify import Verifier
from docstore_upload.settings import UploadSettings

log = structlog.get_logger(__name__)


class SessionWorker(DueWork[Upload]):
    """Completes, expires, checks and cleans up after uploads."""

    name = "uploads"
    batch = 500

    def __init__(
        self,
        uploads: Uploads,
        completer: Completer,
        verifier: Verifier,
        termination: Termination,
        final_check: FinalCheck[Upload],
        settings: UploadSettings,
        clock: Clock,
    ) -> None:
        super().__init__(settings, clock)
        self._uploads = uploads
        self._completer = completer
        self._verifier = verifier
        self._termination = termination
        self._final_check = final_check

    async def claim_due(self, limit: int) -> list[Upload]:
        return await self._uploads.claim_due(limit)

    def step(self, due: Upload) -> Step[Upload]:
        if due.state in OPEN:
            return self._look
        if due.state == "committing":
            return self._commit
        is_over = due.state in ENDED or due.settled
        return self._sweep if is_over else self._final_check.check

    async def _look(self, uploads: Sequence[Upload]) -> None:
        """Complete what a client sent and left; expire what never came; look at the rest later."""
        outcomes = await self._completer.complete(uploads, "workflow")
        now, expired, later = self._clock(), [], []
        for upload in uploads:
            outcome = outcomes.get(upload.id)
            if not isinstance(outcome, Problem):
                continue
            if outcome.code == INCOMPLETE.code and now >= upload.expires_at:
                expired.append(upload.id)
            elif outcome.code == INCOMPLETE.code or outcome.status >= 500:
                later.append(Recheck(upload, self._next_look(upload, now)))
        if expired:
            await self._termination.end(expired, "expired", start=OPEN, by="workflow")
        await self._uploads.recheck(later, now)
        await self._end_oversent([each.upload for each in later])

    async def _end_oversent(self, uploads: Sequence[Upload]) -> None:
        """Abort those for which more was sent than they ever need."""
        for upload in uploads:
            try:
                refusal = await self._verifier.oversent(upload)
            except ObjectStoreError as error:
                log.warning("sent_bytes_unknown", upload_id=upload.id, error=str(error))
                continue
            if refusal is not None:
                await self._termination.end([upload.id], "aborted", start=OPEN, refusal=refusal, by="workflow")

    def _next_look(self, upload: Upload, now: datetime) -> datetime:
        first, longest = self._settings.check_first_seconds, self._settings.check_longest_seconds
        if upload.method == "credentials":
            longest = first  # nothing else bounds what is sent
        return next_look(upload.attempts, upload.expires_at, now, first=first, longest=longest)

    async def _commit(self, uploads: Sequence[Upload]) -> None:
        """Take up commits that were begun; those that fail again are due again when their lease ends."""
        await self._completer.complete(uploads, "workflow")

    async def _sweep(self, uploads: Sequence[Upload]) -> None:
        """Delete what was sent beside any committed object; then plan the next look, for bytes that come in late."""
        await self._plan_sweeps(await self._termination.sweep(uploads))

    async def _plan_sweeps(self, uploads: Sequence[Upload]) -> None:
        now, pauses, seconds = self._clock(), sweep_pauses(self._settings), self._settings.sweep_seconds
        rechecks = [Recheck(upload, upload.next_sweep_at(now, pauses, seconds, is_swept=True)) for upload in uploads]
        await self._uploads.recheck(rechecks, now + timedelta(days=self._settings.kept_days))
