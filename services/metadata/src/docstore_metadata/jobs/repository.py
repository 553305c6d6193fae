"""Work that goes on after a request is answered: walks through folders, each a document in a work queue."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from docstore_metadata.tree.rules import Node
from docstore_platform.clock import Clock, utc_now
from docstore_platform.ids import new_id
from docstore_platform.mongo import ASCENDING, Collection, Database, Document, IndexModel, Session
from docstore_work.backoff import backoff
from docstore_work.lease_queue import Lease, LeaseLost, LeaseQueue
from docstore_work.wakeup import wake

JobKind = Literal["settle", "purge", "grant", "decline"]
"""`grant` is no walk: it goes on giving a new account what was shared with its address; its one step is the account.
Nor is `decline`: it goes on removing what its actor shares with the account that has blocked them."""
FIRST_PAUSE_SECONDS = 2.0
MAX_PAUSE_SECONDS = 300.0


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
    lease: Lease
    steps: list[Step]


class Jobs:
    """The queue of walks."""

    def __init__(self, database: Database, *, lease_seconds: float, clock: Clock = utc_now) -> None:
        self._jobs: Collection = database["jobs"]
        self._queue = LeaseQueue(
            self._jobs,
            "metadata jobs",
            lease_seconds=lease_seconds,
            account_field="owner",
            legacy_owner="lease",
            clock=clock,
        )
        self.wakeup_name = f"jobs:{self._jobs.full_name}"

    async def create_indexes(self) -> None:
        turns = IndexModel([("owner", ASCENDING), ("due_at", ASCENDING)], name="turns")
        await self._jobs.create_indexes([IndexModel("due_at", name="due"), turns])

    async def add(self, kind: JobKind, folder: Node, actor_id: str, session: Session) -> None:
        """Have a folder walked through once the transaction is committed."""
        steps = [_step_document(Step(folder.id))]
        job = {"kind": kind, "owner": folder.owner_id, "actor": actor_id, "steps": steps}
        await self._queue.add(new_id(), job, session=session)

    async def any_open(self, owner_id: str, session: Session) -> bool:
        """Whether a walk through folders of this account is still to be done."""
        return await self._jobs.find_one({"owner": owner_id}, {"_id": 1}, session=session) is not None

    def wake(self) -> None:
        wake(self.wakeup_name)

    async def claim(self) -> Job | None:
        """A job that is due, for this instance alone until its lease ends; accounts take turns."""
        lease = await self._queue.claim()
        return None if lease is None else _job_of(lease)

    async def save(self, job: Job, session: Session) -> None:
        """Store how far a job is, or remove it if it is done, in the transaction of that step. Raises LeaseLost."""
        if job.steps:
            steps = [_step_document(step) for step in job.steps]
            await self._queue.renew(job.lease, {"steps": steps}, session=session)
        else:
            await self._queue.complete(job.lease, session=session)

    async def postpone(self, job: Job) -> None:
        """Try again later, each time after longer, unless another instance has it by now."""
        pause = backoff(job.lease.attempts, first=FIRST_PAUSE_SECONDS, longest=MAX_PAUSE_SECONDS)
        with suppress(LeaseLost):
            await self._queue.postpone(job.lease, pause)


def _step_document(step: Step) -> Document:
    return {"folder": step.folder_id, "after": step.after, "exhausted": step.exhausted}


def _job_of(lease: Lease) -> Job:
    row = lease.document
    steps = [Step(step["folder"], step["after"], step["exhausted"]) for step in row["steps"]]
    return Job(lease.id, row["kind"], row["owner"], row["actor"], lease, steps)
