"""Work that goes on after a request is answered: walks through folders, and objects that are due to be deleted.

Jobs are documents. Any instance claims what is due by a lease; what a dead one held is taken over when the lease ends.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

import structlog

from docstore_events.wakeup import Wakeup, wake
from docstore_metadata.domain import Node
from docstore_metadata.storage import Store
from docstore_platform.clock import Clock, utc_now
from docstore_platform.ids import new_id
from docstore_platform.mongo import Document, ReturnDocument, Session

log = structlog.get_logger(__name__)

JobKind = Literal["settle", "purge", "grant"]
"""`grant` is no walk: it goes on giving a new account what was shared with its address; its one step is the account."""
RETRY_SECONDS = 1.0
MAX_RETRY_SECONDS = 300.0


class LeaseLost(Exception):
    """Another instance has taken the job over."""


@dataclass(slots=True)
class Step:
    """A folder a walk has come to, and the last child it is done with."""

    folder_id: str
    after: list[Any] | None = None
    exhausted: bool = False


@dataclass(slots=True)
class Job:
    """A walk: the folders it is in, the deepest last."""

    id: str
    kind: JobKind
    owner_id: str
    actor_id: str
    lease: str
    attempts: int
    steps: list[Step]


class Jobs:
    """The queue of walks."""

    def __init__(self, store: Store, *, lease_seconds: float, clock: Clock = utc_now) -> None:
        self._store = store
        self._lease_seconds = lease_seconds
        self._clock = clock
        self.wakeup_name = f"jobs:{store.jobs.full_name}"

    async def add(self, kind: JobKind, folder: Node, actor_id: str, session: Session) -> None:
        """Have a folder walked through once the transaction is committed."""
        job = {
            "_id": new_id(),
            "kind": kind,
            "owner": folder.owner_id,
            "actor": actor_id,
            "due_at": self._clock(),
            "attempts": 0,
            "steps": [_step_document(Step(folder.id))],
        }
        await self._store.jobs.insert_one(job, session=session)

    async def any_open(self, owner_id: str, session: Session) -> bool:
        """Whether a walk through folders of this account is still to be done."""
        return await self._store.jobs.find_one({"owner": owner_id}, {"_id": 1}, session=session) is not None

    def wake(self) -> None:
        wake(self.wakeup_name)

    async def claim(self) -> Job | None:
        """A job that is due, for this instance alone until its lease ends."""
        now = self._clock()
        document = await self._store.jobs.find_one_and_update(
            {"due_at": {"$lte": now}},
            {
                "$set": {"due_at": now + timedelta(seconds=self._lease_seconds), "lease": new_id()},
                "$inc": {"attempts": 1},
            },
            sort=[("due_at", 1)],
            return_document=ReturnDocument.AFTER,
        )
        return None if document is None else _job_of(document)

    async def save(self, job: Job, session: Session) -> None:
        """Note how far a job is, or that it is done, in the transaction of that step; LeaseLost if it is not ours."""
        mine = {"_id": job.id, "lease": job.lease}
        if not job.steps:
            outcome = await self._store.jobs.delete_one(mine, session=session)
            held = outcome.deleted_count
        else:
            progress: Document = {
                "steps": [_step_document(step) for step in job.steps],
                "due_at": self._clock() + timedelta(seconds=self._lease_seconds),
                "attempts": 0,
            }
            outcome = await self._store.jobs.update_one(mine, {"$set": progress}, session=session)
            held = outcome.matched_count
        if not held:
            raise LeaseLost

    async def put_off(self, job: Job) -> None:
        """Try again later, each time after longer."""
        delay = min(RETRY_SECONDS * 2 ** min(job.attempts, 20), MAX_RETRY_SECONDS)
        due_at = self._clock() + timedelta(seconds=delay)
        await self._store.jobs.update_one({"_id": job.id, "lease": job.lease}, {"$set": {"due_at": due_at}})


class Worker:
    """Does what is due, until cancelled."""

    def __init__(
        self,
        jobs: Jobs,
        walk: Callable[[Job], Awaitable[None]],
        delete_objects: Callable[[], Awaitable[int]],
        *,
        poll_seconds: float,
    ) -> None:
        self._jobs = jobs
        self._walk = walk
        self._delete_objects = delete_objects
        self._poll_seconds = poll_seconds
        self._wakeup = Wakeup([jobs.wakeup_name])

    async def run(self) -> None:
        try:
            while True:
                try:
                    worked = await self.work_once()
                except Exception as error:  # noqa: BLE001 - whatever fails is still due, and tried again
                    log.warning("background work tries again", error=repr(error))
                    await asyncio.sleep(RETRY_SECONDS)
                    continue
                if not worked:
                    await self._wakeup.wait(self._poll_seconds)
        finally:
            self._wakeup.close()

    async def work_once(self) -> bool:
        """Do one job and one batch of deletions; whether there was anything to do."""
        job = await self._jobs.claim()
        if job is not None:
            try:
                await self._walk(job)
            except LeaseLost:
                log.info("job taken over by another instance", job_id=job.id)
            except Exception:
                await self._jobs.put_off(job)
                raise
        return bool(await self._delete_objects()) or job is not None


def _step_document(step: Step) -> Document:
    return {"folder": step.folder_id, "after": step.after, "exhausted": step.exhausted}


def _job_of(document: Document) -> Job:
    steps = [Step(step["folder"], step["after"], step["exhausted"]) for step in document["steps"]]
    return Job(
        document["_id"],
        document["kind"],
        document["owner"],
        document["actor"],
        document["lease"],
        document["attempts"],
        steps,
    )
