"""Queue of jobs: work that continues after the response to a request, such as walks through folders."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, NamedTuple, NotRequired, Protocol, TypedDict

from docstore_events.transaction import Transaction
from docstore_metadata.documents import index
from docstore_metadata.tree.rules import Node
from docstore_platform.clock import Clock, utc_now
from docstore_platform.ids import new_id
from docstore_platform.mongodb.client import Collection, Database, Session
from docstore_work.backoff import backoff
from docstore_work.lease_queue import Lease, LeaseLost, LeaseQueue

JobKind = Literal["settle", "purge", "grant", "decline"]
"""`settle` and `purge` walk through a folder. `grant` continues to grant an account the shares with its address,
`decline` to remove the actor's shares with the account that has blocked them: their only step is the account."""
FIRST_PAUSE_SECONDS = 2.0
MAX_PAUSE_SECONDS = 300.0


class StepDocument(TypedDict):
    folder: str
    after: tuple[int, str] | None
    exhausted: bool


class JobDocument(TypedDict):
    kind: JobKind
    owner: str
    actor: str
    by_link: NotRequired[str]
    """Absent unless a visitor of a link acts."""
    steps: list[StepDocument]


class Step(NamedTuple):
    """A folder on a walk."""

    folder_id: str
    after: tuple[int, str] | None = None
    """Creation time (milliseconds) and id of the last child that is done."""
    exhausted: bool = False

    def document(self) -> StepDocument:
        return {"folder": self.folder_id, "after": self.after, "exhausted": self.exhausted}


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


class Jobs(Protocol):
    wakeup_name: str
    """Wakes the worker. The removal of unreferenced contents waits for it, too."""

    async def add(
        self, kind: JobKind, folder: Node, actor_id: str, transaction: Transaction, *, by_link: str = ""
    ) -> None:
        """Start a walk through a folder once the transaction is committed."""

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
        self, kind: JobKind, folder: Node, actor_id: str, transaction: Transaction, *, by_link: str = ""
    ) -> None:
        job: JobDocument = {
            "kind": kind,
            "owner": folder.owner_id,
            "actor": actor_id,
            "steps": [Step(folder.id).document()],
        }
        if by_link:
            job["by_link"] = by_link
        await self._queue.add(new_id(), {**job}, session=transaction.session)
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
    steps = [
        Step(step["folder"], tuple(step["after"]) if step["after"] else None, step["exhausted"])
        for step in row["steps"]
    ]
    return Job(lease.id, row["kind"], row["owner"], row["actor"], lease, steps, row.get("by_link", ""))
