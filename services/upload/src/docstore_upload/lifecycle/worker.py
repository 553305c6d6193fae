"""Background work on documents that say when they are due."""

import asyncio
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Generic, TypeVar

import structlog

from docstore_platform.clock import Clock
from docstore_upload.settings import UploadSettings

log = structlog.get_logger(__name__)
D = TypeVar("D")
Step = Callable[[Sequence[D]], Awaitable[None]]


class DueWork(ABC, Generic[D]):
    """Looks at what is due, for as long as the service runs."""

    name: str
    batch: int
    """How many are taken at once."""

    def __init__(self, settings: UploadSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock

    @abstractmethod
    async def claim_due(self, now: datetime, limit: int, lease_until: datetime) -> list[D]:
        """Up to `limit` that are due, for this caller alone until `lease_until`; then they are due again."""

    @abstractmethod
    def step(self, due: D) -> Step[D]:
        """What is to be done next with this one."""

    async def run(self) -> None:
        """Until cancelled. A failure costs one round: what was in hand is due again after its lease."""
        while True:
            try:
                taken = await self.run_once()
            except Exception as error:  # noqa: BLE001 - the work outlives whatever one round fails with
                log.warning("due_work_failed", work=self.name, error=repr(error))
                taken = 0
            if taken < self.batch:
                await asyncio.sleep(self._settings.poll_seconds)

    async def run_once(self) -> int:
        """Take what is due; answers how many that were."""
        now = self._clock()
        due = await self.claim_due(now, self.batch, now + timedelta(seconds=self._settings.lease_seconds))
        by_step: defaultdict[Step[D], list[D]] = defaultdict(list)
        for one in due:
            by_step[self.step(one)].append(one)
        outcomes = await asyncio.gather(*(step(taken) for step, taken in by_step.items()), return_exceptions=True)
        failed = next((outcome for outcome in outcomes if isinstance(outcome, BaseException)), None)
        if failed is not None:
            raise failed
        return len(due)
