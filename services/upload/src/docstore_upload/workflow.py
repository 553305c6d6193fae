"""The durable upload workflow: what happens to an upload when no client asks for it.

It is data: each session says when it is to be looked at next. Any instance picks up what is due, moving that moment
on by a lease; whoever dies with work in hand leaves it to be due again. Every step may be taken twice.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

import structlog

from docstore_platform.clock import Clock
from docstore_platform.problems import Problem
from docstore_upload.complete import Completer
from docstore_upload.domain import ENDED, INCOMPLETE, OPEN, Upload, backoff
from docstore_upload.ending import Ending
from docstore_upload.final_check import FinalCheck
from docstore_upload.settings import UploadSettings
from docstore_upload.storage import Recheck, Uploads

log = structlog.get_logger(__name__)

BATCH = 500


class Workflow:
    """Looks at what is due, for as long as the service runs."""

    def __init__(
        self,
        uploads: Uploads,
        completer: Completer,
        ending: Ending,
        final_check: FinalCheck,
        settings: UploadSettings,
        clock: Clock,
    ) -> None:
        self._uploads = uploads
        self._completer = completer
        self._ending = ending
        self._final_check = final_check
        self._settings = settings
        self._clock = clock

    async def run(self) -> None:
        """Until cancelled. A failure costs one round: what was in hand is due again after its lease."""
        while True:
            try:
                taken = await self.run_once()
            except Exception as error:  # noqa: BLE001 - the workflow outlives whatever one round fails with
                log.warning("upload workflow tries again", error=repr(error))
                taken = 0
            if taken < BATCH:
                await asyncio.sleep(self._settings.poll_seconds)

    async def run_once(self) -> int:
        """Take what is due; answers how many uploads that were."""
        now = self._clock()
        due = await self._uploads.claim_due(now, BATCH, now + timedelta(seconds=self._settings.lease_seconds))
        by_step: defaultdict[Callable[[Sequence[Upload]], Awaitable[None]], list[Upload]] = defaultdict(list)
        for upload in due:
            by_step[self._step(upload)].append(upload)
        outcomes = await asyncio.gather(*(step(uploads) for step, uploads in by_step.items()), return_exceptions=True)
        failed = next((outcome for outcome in outcomes if isinstance(outcome, BaseException)), None)
        if failed is not None:
            raise failed
        return len(due)

    def _step(self, upload: Upload) -> Callable[[Sequence[Upload]], Awaitable[None]]:
        if upload.state in OPEN:
            return self._look
        if upload.state == "committing":
            return self._commit
        if upload.state in ENDED:
            return self._sweep
        return self._tidy if upload.settled else self._final_check.check

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
                later.append(Recheck(upload, self._next_look(upload, now), upload.attempts + 1))
        if expired:
            await self._ending.end(expired, "expired", start=OPEN, by="workflow")
        await self._uploads.recheck(later, now)

    def _next_look(self, upload: Upload, now: datetime) -> datetime:
        settings = self._settings
        pause = backoff(upload.attempts + 1, settings.check_first_seconds, settings.check_longest_seconds)
        planned = now + timedelta(seconds=pause)
        return min(planned, upload.expires_at) if upload.expires_at > now else planned

    async def _commit(self, uploads: Sequence[Upload]) -> None:
        """Take up commits that were begun; those that fail again are due again when their lease ends."""
        await self._completer.complete(uploads, "workflow")

    async def _sweep(self, uploads: Sequence[Upload]) -> None:
        """Delete what was sent to an ended upload; then plan the last look, for bytes that come in late."""
        now = self._clock()
        swept = await self._ending.sweep(uploads)
        rechecks = []
        for upload in swept:
            last = upload.last_sweep_at(now, self._settings.sweep_seconds) if not upload.attempts else None
            rechecks.append(Recheck(upload, last, upload.attempts + 1))
        await self._uploads.recheck(rechecks, now + timedelta(days=self._settings.kept_days))

    async def _tidy(self, uploads: Sequence[Upload]) -> None:
        """Of settled uploads, delete what may have been sent beside the object that is committed."""
        rechecks = [Recheck(upload, None, upload.attempts) for upload in await self._ending.sweep(uploads)]
        await self._uploads.recheck(rechecks, self._clock() + timedelta(days=self._settings.kept_days))
