"""Longer work as documents: a plan's backlog, a rebuild. One instance at a time does a job, under a lease."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

from docstore_platform.clock import Clock, utc_now
from docstore_platform.ids import new_id
from docstore_platform.mongo import Collection, Database, Document, IndexModel, ReturnDocument, Session

JobKind = Literal["plan", "rebuild"]
MAX_PAUSE_SECONDS = 60.0


class LeaseLost(Exception):
    """Another instance has taken the job over, or it was asked for again."""


@dataclass(slots=True)
class Job:
    """`cursor` is how far it has come; `progress` what there is to tell of it."""

    id: str
    lease: str
    attempts: int
    cursor: str = ""
    progress: dict[str, Any] = field(default_factory=dict)


def plan_job(account_id: str) -> str:
    return f"plan:{account_id}"


REBUILD = "rebuild"


class Jobs:
    """`jobs`: open ones have `due_at`."""

    def __init__(self, database: Database, *, lease_seconds: float, clock: Clock = utc_now) -> None:
        self._jobs: Collection = database["jobs"]
        self._lease = timedelta(seconds=lease_seconds)
        self._clock = clock

    async def create_indexes(self) -> None:
        await self._jobs.create_indexes([IndexModel([("kind", 1), ("due_at", 1)]), IndexModel("event_ids")])

    async def request(
        self, job_id: str, kind: JobKind, *, event_ids: Sequence[str] = (), session: Session | None = None, **told: Any
    ) -> None:
        """Have a job done from its beginning; whoever is at it loses it."""
        begin = {"kind": kind, "due_at": self._clock(), "lease": None, "attempts": 0, "cursor": "", "progress": told}
        update: Document = {"$set": begin, "$addToSet": {"event_ids": {"$each": list(event_ids)}}}
        await self._jobs.update_one({"_id": job_id}, update, upsert=True, session=session)

    async def claim(self, kind: JobKind) -> Job | None:
        """A job that is due, for the caller until its lease ends."""
        now = self._clock()
        row = await self._jobs.find_one_and_update(
            {"kind": kind, "due_at": {"$lte": now}},
            {"$set": {"lease": new_id(), "due_at": now + self._lease}, "$inc": {"attempts": 1}},
            sort=[("due_at", 1)],
            return_document=ReturnDocument.AFTER,
        )
        return row and Job(row["_id"], row["lease"], row["attempts"], row["cursor"], row["progress"])

    async def save(self, job: Job) -> None:
        """Note how far it has come and hold on to it. Raises LeaseLost."""
        change: Document = {
            "cursor": job.cursor,
            "progress": job.progress,
            "due_at": self._clock() + self._lease,
            "attempts": 1,
        }
        await self._set(job, change)

    async def finish(self, job: Job) -> None:
        """It is done; what there is to tell of it stays. Raises LeaseLost."""
        change: Document = {"progress": job.progress, "due_at": None, "event_ids": [], "lease": None}
        await self._set(job, change)

    async def put_off(self, job: Job) -> None:
        """Try it again later, each time after longer."""
        pause = timedelta(seconds=min(0.5 * 2 ** min(job.attempts, 20), MAX_PAUSE_SECONDS))
        await self._jobs.update_one(
            {"_id": job.id, "lease": job.lease},
            {"$set": {"due_at": self._clock() + pause, "lease": None, "progress": job.progress}},
        )

    async def _set(self, job: Job, change: Document) -> None:
        outcome = await self._jobs.update_one({"_id": job.id, "lease": job.lease}, {"$set": change})
        if not outcome.matched_count:
            raise LeaseLost

    async def release_all(self) -> None:
        """What a process that died had claimed is due."""
        await self._jobs.update_many({"lease": {"$ne": None}}, {"$set": {"due_at": self._clock(), "lease": None}})

    async def due_kinds(self) -> list[JobKind]:
        """Kinds of which a job is due."""
        return list(await self._jobs.distinct("kind", {"due_at": {"$lte": self._clock()}}))

    async def is_open(self, job_id: str) -> bool:
        return await self._jobs.find_one({"_id": job_id, "due_at": {"$ne": None}}, {"_id": 1}) is not None

    async def progress(self, job_id: str) -> dict[str, Any]:
        """What was last told of a job; empty if there was none."""
        row = await self._jobs.find_one({"_id": job_id}, {"progress": 1})
        return dict(row["progress"]) if row else {}

    async def unsettled(self, event_ids: set[str]) -> set[str]:
        """Of the events, those whose jobs are still open."""
        rows = self._jobs.find({"due_at": {"$ne": None}, "event_ids": {"$in": list(event_ids)}}, {"event_ids": 1})
        return {event_id async for row in rows for event_id in row["event_ids"]} & event_ids
