"""What analytics does with events: archive, count, write the audit log; for a whole batch in one transaction."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from docstore_analytics.activity import Happened
from docstore_analytics.archive_rows import archive_row
from docstore_analytics.audit_chain import Chain, Entry
from docstore_analytics.domain import Account, Counts, PlanSeen, UsageSeen
from docstore_analytics.storage import Chunk, FileCounts, Store
from docstore_events.audit import ApiCall
from docstore_events.envelope import Envelope
from docstore_events.event import Event
from docstore_events.transaction import Transaction
from docstore_platform.ids import new_id
from docstore_platform.mongo import Session

CHUNK_BYTES = 4 * 2**20
"""A document of the database may have 16 MB."""


@dataclass(slots=True)
class Heard:
    """What a batch of events means. Figures by account are divided by its plan once that is known."""

    rows: list[tuple[datetime, bytes]] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)
    by_account: list[tuple[datetime, str, str, int]] = field(default_factory=list)
    seen: list[PlanSeen | UsageSeen] = field(default_factory=list)
    files: dict[str, FileCounts] = field(default_factory=dict)
    happened: list[Happened] = field(default_factory=list)

    def archive(self, envelope: Envelope[Event]) -> None:
        self.rows.append((envelope.time, archive_row(envelope)))

    def count(self, at: datetime, figure: str, amount: int = 1, by: str = "all") -> None:
        self.counts.add(at, figure, by, amount)

    def count_of(self, account_id: str, at: datetime, figure: str, amount: int = 1) -> None:
        """Count a figure by the plan of this account."""
        self.by_account.append((at, figure, account_id, amount))

    def see(self, seen: PlanSeen | UsageSeen) -> None:
        self.seen.append(seen)

    def file(self, file_id: str) -> FileCounts:
        """What is counted of one file."""
        return self.files.setdefault(file_id, FileCounts())

    def show(self, happened: Happened | None) -> None:
        """Have it in the activity of its file, if it is something that somebody did."""
        if happened is not None:
            self.happened.append(happened)

    def changed(self, envelope: Envelope[Event], actor_id: str, object_id: str, detail: str = "") -> None:
        """Have a change in the audit log."""
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
        """Have a call in the audit log."""
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


class ActivityRows(Protocol):
    async def add(self, happened: Sequence[Happened], session: Session) -> None: ...


class AnalyticsService:
    """Writes what was heard."""

    def __init__(self, store: Store, activity: ActivityRows, chain: Chain) -> None:
        self._store = store
        self._activity = activity
        self._chain = chain

    async def apply(self, heard: Heard, transaction: Transaction) -> None:
        """Write a batch, in its transaction: nothing of it counts twice or is lost."""
        session = transaction.session
        account_ids = {seen.account_id for seen in heard.seen} | {count[2] for count in heard.by_account}
        accounts = await self._store.accounts(account_ids, session) if account_ids else {}
        counts = Counts(heard.counts.by_hour.copy())
        for seen in heard.seen:
            account = accounts.setdefault(seen.account_id, Account())
            if isinstance(seen, PlanSeen):
                account.see_plan(seen, counts)
            else:
                account.see_usage(seen, counts)
        for at, figure, account_id, amount in heard.by_account:
            counts.add(at, figure, accounts.get(account_id, Account()).plan, amount)
        changed = {seen.account_id: accounts[seen.account_id] for seen in heard.seen}
        await self._store.save_accounts(changed, session)
        await self._store.count(counts, session)
        await self._store.count_files(heard.files, session)
        await self._store.add_chunks(chunks_of(heard.rows), session)
        await self._activity.add(heard.happened, session)
        if heard.entries:
            # Last: whoever else extends the chain in this moment makes this transaction begin again.
            head = await self._store.head(session)
            chained = self._chain.append(heard.entries, head)
            await self._store.extend_chain(chained, head, self._chain.head(chained[-1]), session)


def chunks_of(rows: Iterable[tuple[datetime, bytes]]) -> list[Chunk]:
    """The rows by day, in chunks that fit into a document each."""
    open_chunks: dict[str, Chunk] = {}
    chunks: list[Chunk] = []
    for at, line in rows:
        day = at.astimezone(UTC).date().isoformat()
        chunk = open_chunks.get(day)
        if chunk is None or chunk.size + len(line) > CHUNK_BYTES:
            chunk = open_chunks[day] = Chunk(new_id(), day)
            chunks.append(chunk)
        chunk.lines.append(line)
        chunk.size += len(line)
    return chunks
