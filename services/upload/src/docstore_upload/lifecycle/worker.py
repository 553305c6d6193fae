"""Background work on what a LeaseQueue gives: each thing that is due has a next step. Every step may be taken twice."""

import asyncio
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from docstore_platform.clock import Clock
from docstore_upload.settings import UploadSettings
from docstore_work.loop import Loop

D = TypeVar("D")
Step = Callable[[Sequence[D]], Awaitable[None]]


class DueWork(ABC, Generic[D]):
    """Takes what is due, a batch at a time, and takes the next step with each."""

    name: str
    batch: int
    """How many are taken at once."""

    def __init__(self, settings: UploadSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock

    @abstractmethod
    async def claim_due(self, limit: int) -> list[D]:
        """Up to `limit` that are due, for this caller alone until its lease ends; then they are due again."""

    @abstractmethod
    def step(self, due: D) -> Step[D]:
        """What is to be done next with this one."""

    def loop(self) -> Loop:
        """Does this for as long as the service runs. A failure leaves what was taken due again after its lease."""
        seconds = self._settings.poll_seconds
        name = f"upload {self.name}"
        return Loop(name, self.run_once, name.replace(" ", ":"), every_seconds=seconds, retry_seconds=seconds)

    async def run_once(self) -> int:
        """Take what is due; how many that were."""
        due = await self.claim_due(self.batch)
        by_step: defaultdict[Step[D], list[D]] = defaultdict(list)
        for one in due:
            by_step[self.step(one)].append(one)
        outcomes = await asyncio.gather(*(step(taken) for step, taken in by_step.items()), return_exceptions=True)
        failed = next((outcome for outcome in outcomes if isinstance(outcome, BaseException)), None)
        if failed is not None:
            raise failed
        return len(due)
