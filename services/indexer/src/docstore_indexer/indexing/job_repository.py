"""Long-running jobs as documents: plan changes and rebuilds, whole or of one account. Each runs under a lease."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from docstore_indexer.indexing.rules import RETRY_WAKEUP
from docstore_platform.mongodb.client import Collection, Database, Document, IndexModel, Session
from docstore_work.backoff import backoff
from docstore_work.lease_queue import Lease, LeaseLost, LeaseQueue
from docstore_work.wakeup import wake

JobKind = Literal["plan", "rebuild", "account"]
MAX_PAUSE_SECONDS = 60.0


@dataclass(slots=True)
class Job:
    """`cursor`: how far it is; `progress`: shown as its status."""

    id: str
    lease: Lease
    cursor: str = ""
    progress: dict[str, Any] = field(default_factory=dict)


def plan_job(account_id: str) -> str:
    return f"plan:{account_id}"


def account_job(account_id: str) -> str:
    return f"account:{account_id}"


REBUILD = "rebuild"


class Jobs:
    """Collection `jobs`: open ones have `due_at`."""

    def __init__(self, database: Database, *, lease_seconds: float) -> None:
        self._jobs: Collection = database["jobs"]
        self._queue = LeaseQueue(self._jobs, "indexer jobs", lease_seconds=lease_seconds, legacy_owner="lease")

    async def create_indexes(self) -> None:
        await self._jobs.create_indexes([IndexModel([("kind", 1), ("due_at", 1)]), IndexModel("event_ids")])

    async def request(
        self,
        job_id: str,
        kind: JobKind,
        *,
        event_ids: Sequence[str] = (),
        session: Session | None = None,
        **progress: Any,
    ) -> None:
        """Queue a job from its start; an instance that runs it loses its lease."""
        begin: Document = {"kind": kind, "attempts": 0, "cursor": "", "progress": progress}
        begin |= {"lease_owner": None, "lease": None}
        events = {"event_ids": {"$each": list(event_ids)}}
        update: Document = {"$set": begin, "$currentDate": {"due_at": True}, "$addToSet": events}
        await self._jobs.update_one({"_id": job_id}, update, upsert=True, session=session)

    async def claim(self, kind: JobKind) -> Job | None:
        """Lease a due job."""
        lease = await self._queue.claim({"kind": kind})
        return None if lease is None else Job(lease.id, lease, lease.document["cursor"], lease.document["progress"])

    async def save(self, job: Job) -> None:
        """Store the job's progress and renew the lease. Raises LeaseLost."""
        await self._queue.renew(job.lease, {"cursor": job.cursor, "progress": job.progress})

    async def finish(self, job: Job) -> None:
        """Remove the job from the queue; its progress stays. Raises LeaseLost."""
        await self._queue.complete(job.lease, {"progress": job.progress, "event_ids": []})

    async def postpone(self, job: Job) -> None:
        """Retry the job later, with exponential delay, unless another instance has it by now."""
        pause = backoff(job.lease.attempts, first=1.0, longest=MAX_PAUSE_SECONDS)
        with suppress(LeaseLost):
            await self._queue.postpone(job.lease, pause, {"progress": job.progress})
        wake(RETRY_WAKEUP)

    async def release_all(self) -> None:
        """Make jobs due that a dead process had leased."""
        await self._queue.release_all()

    async def due_kinds(self) -> list[JobKind]:
        """Return the kinds of due jobs."""
        return [kind for kind in get_args(JobKind) if await self._queue.due_in({"kind": kind}) == 0]

    async def is_open(self, job_id: str) -> bool:
        return await self._jobs.find_one({"_id": job_id, "due_at": {"$ne": None}}, {"_id": 1}) is not None

    async def progress(self, job_id: str) -> dict[str, Any]:
        """Return the progress last stored of a job; empty if there was none."""
        row = await self._jobs.find_one({"_id": job_id}, {"progress": 1})
        return dict(row["progress"]) if row else {}

    async def pending_events(self, event_ids: set[str]) -> set[str]:
        """Return those of the events whose jobs are still open."""
        rows = self._jobs.find({"due_at": {"$ne": None}, "event_ids": {"$in": list(event_ids)}}, {"event_ids": 1})
        return {event_id async for row in rows for event_id in row["event_ids"]} & event_ids
