"""Queue of jobs: work that continues after the response to a request, such as walks through folders."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple, NotRequired, Protocol, TypedDict

from docstore_events.transaction import Transaction
from docstore_metadata.documents import index
from docstore_metadata.tree.rules import Node
from docstore_platform.clock import Clock, utc_now
from docstore_platform.ids import new_id
from docstore_platform.mongodb.client import Collection, Database, Session
from docstore_work.backoff import backoff
from docstore_work.lease_queue import Lease, LeaseLost, LeaseQueue

JobKind = Literal["settle", "purge", "grant", "decline", "take_over"]
"""`settle` and `purge` walk through a folder; `purge` also deletes a file with a long history.

`grant` continues to grant an account the shares with its address, `decline` to remove the actor's shares with the
account that has blocked them, `take_over` ends what was shared from an account before another person took it over:
their only step is the account.
"""
FIRST_PAUSE_SECONDS = 2.0
MAX_PAUSE_SECONDS = 300.0


class StepDocument(TypedDict):
    folder: NotRequired[str]
    file: NotRequired[str]
    """In place of `folder`. A release that can't purge a single file fails at such a step, and leaves the job."""
    after: tuple[int, str] | None
    exhausted: bool


class JobDocument(TypedDict):
    kind: JobKind
    owner: str
    actor: str
    by_link: NotRequired[str]
    """Absent unless a visitor of a link acts."""
    before: NotRequired[datetime]
    """Of `take_over` alone."""
    steps: list[StepDocument]


class Step(NamedTuple):
    """A folder on a walk, or a file that is purged by itself."""

    node_id: str
    after: tuple[int, str] | None = None
    """Creation time (milliseconds) and id of the last child that is done."""
    exhausted: bool = False
    is_folder: bool = True

    def document(self) -> StepDocument:
        rest: StepDocument = {"after": self.after, "exhausted": self.exhausted}
        return {"folder": self.node_id, **rest} if self.is_folder else {"file": self.node_id, **rest}


@dataclass(slots=True)
class Job:
    """A walk: its steps are the folders that are left, the deepest last."""

    id: str
    kind: JobKind
    owner_id: str
    actor_id: str
    lease: Lease
    steps: list[Step]
    by_link: str = ""
    """What histories call the visitor of a link who acts, in place of the account."""
    before: datetime | None = None
    """The job concerns what was made before this moment; None: everything."""


class Jobs(Protocol):
    wakeup_name: str
    """Wakes the worker. The removal of unreferenced contents waits for it, too."""

    async def add(
        self,
        kind: JobKind,
        node: Node,
        actor_id: str,
        transaction: Transaction,
        *,
        by_link: str = "",
        before: datetime | None = None,
    ) -> None:
        """Start a walk from a folder or file once the transaction is committed; with `before`, at that moment."""

    async def any_open(self, owner_id: str, session: Session) -> bool:
        """Whether a job of this account is not yet completed."""

    async def claim(self) -> Job | None:
        """Lease a job that is due; accounts take turns."""

    async def save(self, job: Job, session: Session) -> None:
        """Store the progress of a job, or remove it if it is completed, in the step's transaction. Raises LeaseLost."""

    async def postpone(self, job: Job) -> None:
        """Retry later, with a growing delay, unless another instance has taken it over."""


class MongoJobs:
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
        await self._jobs.create_indexes([index("due", "due_at"), index("turns", "owner", "due_at")])

    async def add(
        self,
        kind: JobKind,
        node: Node,
        actor_id: str,
        transaction: Transaction,
        *,
        by_link: str = "",
        before: datetime | None = None,
    ) -> None:
        job: JobDocument = {
            "kind": kind,
            "owner": node.owner_id,
            "actor": actor_id,
            "steps": [Step(node.id, is_folder=node.is_folder).document()],
        }
        if by_link:
            job["by_link"] = by_link
        if before is not None:
            job["before"] = before
        await self._queue.add(new_id(), {**job}, at=before, session=transaction.session)
        transaction.wake_after(self.wakeup_name)

    async def any_open(self, owner_id: str, session: Session) -> bool:
        return await self._jobs.find_one({"owner": owner_id}, {"_id": 1}, session=session) is not None

    async def claim(self) -> Job | None:
        lease = await self._queue.claim()
        return None if lease is None else _job_of(lease)

    async def save(self, job: Job, session: Session) -> None:
        if job.steps:
            await self._queue.renew(job.lease, {"steps": [step.document() for step in job.steps]}, session=session)
        else:
            await self._queue.complete(job.lease, session=session)

    async def postpone(self, job: Job) -> None:
        pause = backoff(job.lease.attempts, first=FIRST_PAUSE_SECONDS, longest=MAX_PAUSE_SECONDS)
        with suppress(LeaseLost):
            await self._queue.postpone(job.lease, pause)


def _job_of(lease: Lease) -> Job:
    row = lease.document
    steps = [_step_of(step) for step in row["steps"]]
    by_link, before = row.get("by_link", ""), row.get("before")
    return Job(lease.id, row["kind"], row["owner"], row["actor"], lease, steps, by_link, before)


def _step_of(row: StepDocument) -> Step:
    after = (row["after"][0], row["after"][1]) if row["after"] else None
    if "file" in row:
        return Step(row["file"], after, row["exhausted"], is_folder=False)
    return Step(row["folder"], after, row["exhausted"])
