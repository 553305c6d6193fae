"""Background worker that does the jobs that are due."""

from collections.abc import Awaitable, Callable

import structlog

from docstore_metadata.jobs.repository import Job, Jobs
from docstore_work.lease_queue import LeaseLost


class JobWorker:
    """Does jobs that are due; what fails is tried again."""

    def __init__(self, jobs: Jobs, walk: Callable[[Job], Awaitable[None]]) -> None:
        self._jobs = jobs
        self._walk = walk

    async def work(self) -> bool:
        """Do one job; whether one was due."""
        job = await self._jobs.claim()
        if job is None:
            return False
        try:
            await self._walk(job)
            self._jobs.wake()  # what it purged may have left objects to remove
        except LeaseLost:
            log.info("metadata_job_taken_over", job_id=job.id)
        except Exception:  # whatever it is, the job is due again later; the loop logs the error
            await self._jobs.postpone(job)
            raise
        return True


log = structlog.get_logger(__name__)
