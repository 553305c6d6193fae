"""Use cases of indexing: queue changed files, and accounts whose plan has changed."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from docstore_events.transaction import Transaction, Transactor
from docstore_indexer.indexing.job_repository import REBUILD, JobKind, Jobs, plan_job
from docstore_indexer.indexing.repository import MongoEntries
from docstore_indexer.indexing.rules import Entry, FileChange, Plan, WorkQueue, newest, wakeup_name
from docstore_indexer.indexing.text_repository import MongoAccounts
from docstore_work.wakeup import wake

PLAN_WAKEUP = "index:plan"
REBUILD_WAKEUP = "index:rebuild"
JOB_WAKEUPS: dict[JobKind, str] = {"plan": PLAN_WAKEUP, "rebuild": REBUILD_WAKEUP, "account": REBUILD_WAKEUP}


@dataclass(slots=True)
class Batch:
    """The newest state of each file and plan in a batch of events."""

    files: dict[str, FileChange] = field(default_factory=dict)
    plans: dict[str, tuple[Plan, int, str]] = field(default_factory=dict)
    """Plan, revision and event by account."""

    def add_file(self, change: FileChange) -> None:
        file_id = change.file.file_id
        self.files[file_id] = newest(self.files.get(file_id), change)

    def add_plan(self, account_id: str, plan: Plan, revision: int, event_id: str) -> None:
        _, known, _ = self.plans.get(account_id, ("free", 0, ""))
        if revision > known:
            self.plans[account_id] = plan, revision, event_id


@dataclass(slots=True)
class IndexService:
    """Queues files, plan changes and rebuilds, and reports unacknowledged events."""

    entries: MongoEntries
    accounts: MongoAccounts
    jobs: Jobs
    transactor: Transactor

    async def begin(self) -> None:
        """Make all work due at the start of the only instance: what is leased was a dead process's."""
        await self.entries.count_crashes()
        await self.entries.release_all()
        await self.jobs.release_all()

    async def apply(self, batch: Batch, transaction: Transaction) -> None:
        """Store newer states and queue them."""
        session = transaction.session
        if batch.files:
            known = await self.entries.revisions(batch.files, session)
            fresh = [change for key, change in batch.files.items() if change.file.revision > known.get(key, 0)]
            await self.entries.record(fresh, session)
            transaction.wake_after(wakeup_name(WorkQueue.QUICK))
        if batch.plans:
            await self._apply_plans(batch, transaction)

    async def _apply_plans(self, batch: Batch, transaction: Transaction) -> None:
        session = transaction.session
        known = await self.accounts.plans(batch.plans, session)
        changed: dict[str, tuple[Plan, int]] = {}
        for account_id, (plan, revision, event_id) in batch.plans.items():
            old_plan, old_revision = known.get(account_id, ("free", 0))
            if revision <= old_revision:
                continue
            changed[account_id] = plan, revision
            if plan != old_plan:
                await self.jobs.request(plan_job(account_id), "plan", event_ids=[event_id], session=session)
                transaction.wake_after(PLAN_WAKEUP)
        if changed:
            await self.accounts.put(changed, session)

    async def change_languages(self, account_id: str, languages: Sequence[str]) -> None:
        """Store an account's languages; what was recognized in others is read again, as a backlog."""

        async def work(transaction: Transaction) -> None:
            session = transaction.session
            known = (await self.accounts.languages([account_id], session)).get(account_id, ())
            if tuple(languages) == known:
                return
            await self.accounts.put_languages(account_id, languages, session)
            plan, _ = (await self.accounts.plans([account_id], session)).get(account_id, ("free", 0))
            if plan == "premium":
                await self.jobs.request(plan_job(account_id), "plan", session=session)
                transaction.wake_after(PLAN_WAKEUP)

        await self.transactor.run(work)

    async def take_over(self, changes: Sequence[FileChange], gone: Sequence[Entry]) -> None:
        """Store what a rebuild found in metadata: files without an event, and deleted files."""

        async def work(transaction: Transaction) -> None:
            await self.apply(Batch({change.file.file_id: change for change in changes}), transaction)

        if changes:
            await self.transactor.run(work)
        if gone:
            await self.entries.mark_purged([entry.file.file_id for entry in gone])

    async def wake_due(self) -> bool:
        """Wake the loops with due work: retries, and work of other instances."""
        for queue in await self.entries.due_queues():
            wake(wakeup_name(queue))
        for kind in await self.jobs.due_kinds():
            wake(JOB_WAKEUPS[kind])
        return False

    async def pending_events(self, event_ids: set[str]) -> set[str]:
        """Return those of the handled events that are not in the index yet."""
        return await self.entries.pending_events(event_ids) | await self.jobs.pending_events(event_ids)

    async def request_rebuild(self, reason: str) -> None:
        """Rebuild the index from metadata, unless a rebuild is running."""
        if not await self.jobs.is_open(REBUILD):
            await self.jobs.request(REBUILD, "rebuild", state="waiting", reason=reason)
