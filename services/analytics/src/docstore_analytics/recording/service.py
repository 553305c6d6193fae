"""Use case of recording: archive, count and audit a batch of events in one transaction."""

from dataclasses import dataclass, field
from datetime import datetime

from docstore_analytics.activity.entries import Activity
from docstore_analytics.activity.repository import ActivityRepository
from docstore_analytics.archive.repository import ArchiveRepository
from docstore_analytics.archive.rows import archive_row, chunks_of
from docstore_analytics.audit.repository import AuditRepository
from docstore_analytics.audit.rules import Chain, Entry
from docstore_analytics.reports.repository import FigureRepository
from docstore_analytics.reports.rules import Account, Counts, FileCounts, PlanSeen, UsageSeen, start_of
from docstore_analytics.storage.repository import StorageRepository
from docstore_analytics.storage.rules import Level
from docstore_events.catalogue.audit import ApiCall
from docstore_events.catalogue.event import Event
from docstore_events.envelope import Envelope
from docstore_events.transaction import Transaction


@dataclass(slots=True)
class Batch:
    """Effects of a batch of events. Figures by account are split by plan once that is known."""

    rows: list[tuple[datetime, bytes]] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)
    by_account: list[tuple[datetime, str, str, int]] = field(default_factory=list)
    seen: list[PlanSeen | UsageSeen] = field(default_factory=list)
    files: dict[str, FileCounts] = field(default_factory=dict)
    activity: list[Activity] = field(default_factory=list)

    def archive(self, envelope: Envelope[Event]) -> None:
        self.rows.append((envelope.time, archive_row(envelope)))

    def count(self, at: datetime, figure: str, amount: int = 1, by: str = "all") -> None:
        self.counts.add(at, figure, by, amount)

    def count_of(self, account_id: str, at: datetime, figure: str, amount: int = 1) -> None:
        """Count a figure by the account's plan."""
        self.by_account.append((at, figure, account_id, amount))

    def see(self, seen: PlanSeen | UsageSeen) -> None:
        self.seen.append(seen)

    def file(self, file_id: str) -> FileCounts:
        """Return the counts of one file."""
        return self.files.setdefault(file_id, FileCounts())

    def show(self, activity: Activity | None) -> None:
        """Add to a file's activity, unless no account acted."""
        if activity is not None:
            self.activity.append(activity)

    def changed(self, envelope: Envelope[Event], actor_id: str, object_id: str, detail: str = "") -> None:
        """Add a change to the audit log."""
        self.entries.append(
            Entry(
                at=envelope.time,
                kind="change",
                action=envelope.event.type,
                actor_id=actor_id,
                object_id=object_id,
                status=0,
                client="",
                session_id="",
                source_id=envelope.id,
                detail=detail,
            )
        )

    def called(self, call: ApiCall) -> None:
        """Add a call to the audit log."""
        self.entries.append(
            Entry(
                at=call.at,
                kind="call",
                action=f"{call.method} {call.route}",
                actor_id=call.account_id,
                object_id=call.object_id,
                status=call.status,
                client=call.client,
                session_id=call.session_id,
                source_id=call.request_id,
                detail=call.path,
            )
        )


@dataclass(slots=True)
class RecordingService:
    figures: FigureRepository
    storage: StorageRepository
    archive: ArchiveRepository
    activity: ActivityRepository
    audit: AuditRepository
    chain: Chain

    async def record(self, batch: Batch, transaction: Transaction) -> None:
        """Write a batch in its transaction, exactly once."""
        account_ids = {seen.account_id for seen in batch.seen} | {count[2] for count in batch.by_account}
        accounts = await self.figures.accounts(account_ids, transaction) if account_ids else {}
        levels: dict[tuple[str, datetime], Level] = {}
        counts = Counts(batch.counts.by_hour.copy())
        for seen in batch.seen:
            account = accounts.setdefault(seen.account_id, Account())
            if isinstance(seen, PlanSeen):
                account.see_plan(seen, counts)
            else:
                account.see_usage(seen, counts)
                if account.usage_revision == seen.revision:
                    levels[seen.account_id, start_of("day", seen.at)] = Level(seen.bytes, seen.documents)
        for at, figure, account_id, amount in batch.by_account:
            counts.add(at, figure, accounts.get(account_id, Account()).plan, amount)
        changed = {seen.account_id: accounts[seen.account_id] for seen in batch.seen}
        await self.figures.save_accounts(changed, transaction)
        await self.figures.count(counts, transaction)
        await self.storage.save(levels, transaction)
        await self.figures.count_files(batch.files, transaction)
        await self.archive.add_chunks(chunks_of(batch.rows), transaction)
        await self.activity.add(batch.activity, transaction)
        if batch.entries:
            # Last, because it conflicts with every concurrent extension of the chain.
            head = await self.audit.head(transaction)
            chained = self.chain.append(batch.entries, head)
            await self.audit.extend_chain(chained, head, self.chain.head(chained[-1]), transaction)
