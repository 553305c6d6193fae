"""What the indexer makes of events: files that wait for the index, plans whose backlog is to be built or dropped."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from docstore_events.transaction import Transaction, Transactor
from docstore_indexer.indexing.job_repository import REBUILD, JobKind, Jobs, plan_job
from docstore_indexer.indexing.repository import MongoEntries
from docstore_indexer.indexing.rules import Entry, Heard, Lane, Plan, newest, wakeup_name
from docstore_indexer.indexing.text_repository import MongoAccounts
from docstore_platform.clock import Clock, utc_now
from docstore_work.wakeup import wake

PLAN_WAKEUP = "index:plan"
REBUILD_WAKEUP = "index:rebuild"
JOB_WAKEUPS: dict[JobKind, str] = {"plan": PLAN_WAKEUP, "rebuild": REBUILD_WAKEUP}


@dataclass(slots=True)
class News:
    """What a batch of events says of files and of plans."""

    files: dict[str, Heard] = field(default_factory=dict)
    plans: dict[str, tuple[Plan, int, str]] = field(default_factory=dict)
    """By account: plan, revision and event."""

    def add_file(self, heard: Heard) -> None:
        file_id = heard.file.file_id
        self.files[file_id] = newest(self.files.get(file_id), heard)

    def add_plan(self, account_id: str, plan: Plan, revision: int, event_id: str) -> None:
        _, known, _ = self.plans.get(account_id, ("free", 0, ""))
        if revision > known:
            self.plans[account_id] = plan, revision, event_id


class IndexService:
    """The doors' use cases but for searching."""

    def __init__(
        self,
        entries: MongoEntries,
        accounts: MongoAccounts,
        jobs: Jobs,
        transactor: Transactor,
        clock: Clock = utc_now,
    ) -> None:
        self._entries = entries
        self._accounts = accounts
        self._jobs = jobs
        self._transactor = transactor
        self._clock = clock

    async def begin(self) -> None:
        """At start: what a process that died was at is due again."""
        await self._entries.release_all(self._clock())
        await self._jobs.release_all()

    async def apply(self, news: News, transaction: Transaction) -> None:
        """Note what has changed, once and in order: what is older than what is known says nothing."""
        session = transaction.session
        if news.files:
            known = await self._entries.revisions(news.files, session)
            fresh = [heard for key, heard in news.files.items() if heard.file.revision > known.get(key, 0)]
            await self._entries.hear(fresh, self._clock(), session)
            transaction.wake_after(wakeup_name(Lane.QUICK))
        if news.plans:
            await self._apply_plans(news, transaction)

    async def _apply_plans(self, news: News, transaction: Transaction) -> None:
        session = transaction.session
        known = await self._accounts.plans(news.plans, session)
        changed: dict[str, tuple[Plan, int]] = {}
        for account_id, (plan, revision, event_id) in news.plans.items():
            old_plan, old_revision = known.get(account_id, ("free", 0))
            if revision <= old_revision:
                continue
            changed[account_id] = plan, revision
            if plan != old_plan:
                await self._jobs.request(plan_job(account_id), "plan", event_ids=[event_id], session=session)
                transaction.wake_after(PLAN_WAKEUP)
        if changed:
            await self._accounts.put(changed, session)

    async def take_over(self, news: Sequence[Heard], gone: Sequence[Entry]) -> None:
        """What a look at metadata has shown: files that no event told of, and files that are no more."""

        async def work(transaction: Transaction) -> None:
            await self.apply(News({heard.file.file_id: heard for heard in news}), transaction)

        if news:
            await self._transactor.run(work)
        if gone:
            await self._entries.note_purged([entry.file.file_id for entry in gone], self._clock())

    async def wake_due(self) -> bool:
        """Wake whoever has something to do: retries, and what another instance has left."""
        for lane in await self._entries.due_lanes(self._clock()):
            wake(wakeup_name(lane))
        for kind in await self._jobs.due_kinds():
            wake(JOB_WAKEUPS[kind])
        return False

    async def unsettled(self, event_ids: set[str]) -> set[str]:
        """Of handled events, those from which the index does not hold everything yet."""
        return await self._entries.unsettled(event_ids) | await self._jobs.unsettled(event_ids)

    async def request_rebuild(self, reason: str) -> None:
        """Have the index built anew from metadata, unless that is under way already."""
        if not await self._jobs.is_open(REBUILD):
            await self._jobs.request(REBUILD, "rebuild", state="waiting", reason=reason)
