"""A work queue in a MongoDB collection: workers claim due documents, each under a lease.

A queued document has these fields beside its own:

| field | meaning |
|---|---|
| `due_at` | when a worker may claim it; a claim moves it to the end of the lease |
| `lease_owner` | token of the claim that holds it; missing or null without a lease |
| `lease_until` | end of that lease |
| `attempts` | claims since it was queued or last made progress |

When a worker dies, its documents are due again at the end of their leases. The database's clock alone decides what is
due, so a worker with a wrong clock neither takes a lease too early nor keeps it too long. A worker that was paused
beyond its lease gets LeaseLost at its next write, once another one has claimed the document; with `session` that
aborts the whole transaction. So work may be started twice, but is committed once.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from docstore_platform.clock import unix_time
from docstore_platform.ids import new_id
from docstore_platform.mongodb.client import ASCENDING, Collection, Document, Session, UpdateOne
from docstore_work.lease_documents import EVER, Lease, LeaseDocuments, literal
from docstore_work.metrics import lease_events_total, wait_seconds
from docstore_work.renewal import renewing

__all__ = ["Lease", "LeaseLost", "LeaseQueue"]


class LeaseLost(Exception):
    """Another worker has claimed the document, or it was queued again or removed meanwhile."""


@dataclass(eq=False)
class LeaseQueue(LeaseDocuments):
    """Claims documents of `collection` for `lease_seconds` each; `name` is its label in metrics."""

    collection: Collection
    name: str
    _last_accounts: dict[str, str] = field(default_factory=dict, init=False)

    async def add(
        self, id_: Any, fields: Mapping[str, Any], *, at: datetime | None = None, session: Session = None
    ) -> None:
        """Queue a document, due at a moment or at once; an existing one is replaced, and its holder loses it."""
        document = [{"$literal": {"_id": id_, **fields, "attempts": 0}}, {self.due_field: at or self.now()}]
        await self.collection.update_one(
            {"_id": id_}, [{"$replaceWith": {"$mergeObjects": document}}], upsert=True, session=session
        )

    async def ensure(self, id_: Any, fields: Mapping[str, Any]) -> None:
        """Queue a document, due at once, unless it exists; for recurring work."""
        new = {"$literal": {"_id": id_, **fields, "attempts": 0}}
        merged = [new, {self.due_field: self.now()}, "$$ROOT"]
        await self.collection.update_one({"_id": id_}, [{"$replaceWith": {"$mergeObjects": merged}}], upsert=True)

    async def add_once(self, id_: Any, fields: Mapping[str, Any]) -> None:
        """Queue a document, due at once, unless it exists, queued or kept; for repeated requests."""
        new = {"$mergeObjects": [{"$literal": {"_id": id_, **fields, "attempts": 0}}, {self.due_field: self.now()}]}
        await self.collection.update_one({"_id": id_}, self.unless_stored(id_, new), upsert=True)

    async def add_held(self, id_: Any, fields: Mapping[str, Any]) -> Lease | None:
        """Add a document under a lease of the caller's, for work that has begun; None if it exists."""
        owner = new_id()
        document = {"_id": id_, **fields, "lease_owner": owner, "attempts": 1}
        new = {"$mergeObjects": [{"$literal": document}, self.lease_end()]}
        outcome = await self.collection.update_one({"_id": id_}, self.unless_stored(id_, new), upsert=True)
        return None if outcome.upserted_id is None else Lease(id_, owner, 1, document)

    async def claim(self, where: Document | None = None) -> Lease | None:
        """Claim a due document until its lease ends; None if there is none."""
        for turn in self._turns(where):
            owner = new_id()
            before = await self.collection.find_one_and_update(
                {**(where or {}), **turn, **self.claimable()}, self.taking(owner), sort=self.order()
            )
            if before is not None:
                return self._claimed(where, before, {**before, "attempts": before.get("attempts", 0) + 1}, owner)
        return None

    async def claim_batch(self, limit: int, where: Document | None = None) -> list[Lease]:
        """Claim up to `limit` due documents; with turns, of one account or a few."""
        for turn in self._turns(where):
            due = {**(where or {}), **turn, **self.claimable()}
            chosen = self.collection.find(due, {self.due_field: 1, "lease_owner": 1, self.account_field or "_id": 1})
            rows = await chosen.sort(self.order()).limit(limit).to_list(limit)
            if not rows:
                continue
            owner, before = new_id(), {row["_id"]: row for row in rows}
            await self.collection.update_many({**due, "_id": {"$in": list(before)}}, self.taking(owner))
            mine = self.collection.find({"_id": {"$in": list(before)}, "lease_owner": owner})
            claimed = {row["_id"]: row async for row in mine}
            if claimed:
                return [self._claimed(where, before[id_], claimed[id_], owner) for id_ in before if id_ in claimed]
        return []

    async def renew(self, lease: Lease, progress: Mapping[str, Any] | None = None, *, session: Session = None) -> None:
        """Renew the lease; `progress` is stored and resets the attempts. Raises LeaseLost."""
        change = self.lease_end()
        if progress is not None:
            change |= {**literal(progress), "attempts": 0}
        await self._update(lease, [{"$set": change}], "renewed", session)

    @asynccontextmanager
    async def renewing(self, lease: Lease) -> AsyncIterator[None]:
        """Renew the lease while the block runs, for work that may outlast it; a lost one shows at the next write."""

        async def renew() -> bool:
            try:
                await self.renew(lease)
            except LeaseLost:
                return False
            return True

        async with renewing(self.name, self.lease_seconds, renew):
            yield

    async def complete(self, lease: Lease, keep: Mapping[str, Any] | None = None, *, session: Session = None) -> None:
        """Delete the document, or with `keep` store these fields and remove it from the queue. Raises LeaseLost."""
        if keep is None:
            outcome = await self.collection.delete_one(self.held(lease), session=session)
            self._check(outcome.deleted_count, "completed")
            return
        await self._update(lease, self.completing(keep), "completed", session)

    async def complete_batch(self, done: Sequence[tuple[Lease, Mapping[str, Any]]], *, session: Session = None) -> None:
        """Remove the documents from the queue, each with fields to store. Raises LeaseLost if one of them is lost."""
        writes = [UpdateOne(self.held(lease), self.completing(keep)) for lease, keep in done]
        if not writes:
            return
        outcome = await self.collection.bulk_write(writes, ordered=False, session=session)
        lease_events_total.labels(self.name, "completed").inc(outcome.matched_count)
        if outcome.matched_count < len(writes):
            lease_events_total.labels(self.name, "lost").inc(len(writes) - outcome.matched_count)
            raise LeaseLost

    def count_completed(self, documents: int) -> None:
        """Count documents that their holder has removed by a condition of its own."""
        lease_events_total.labels(self.name, "completed").inc(documents)

    async def postpone(
        self,
        lease: Lease,
        seconds: float,
        changes: Mapping[str, Any] | None = None,
        *,
        counted: bool = True,
        session: Session = None,
    ) -> None:
        """Release it, due again after so many seconds; `counted`: this attempt counts. Raises LeaseLost."""
        await self._update(lease, self.postponing(seconds, changes, counted=counted), "postponed", session)

    async def postpone_batch(
        self, leases: Sequence[Lease], seconds: float, changes: Mapping[str, Any] | None = None, *, counted: bool = True
    ) -> None:
        """Release those still held, due again after so many seconds; `counted`: this attempt counts."""
        update = self.postponing(seconds, changes, counted=counted)
        outcome = await self.collection.update_many(self.held_among(leases), update)
        lease_events_total.labels(self.name, "postponed").inc(outcome.matched_count)
        lease_events_total.labels(self.name, "lost").inc(len(leases) - outcome.matched_count)

    async def release(self, lease: Lease, *, session: Session = None) -> None:
        """Release it untried, due at once. Raises LeaseLost."""
        await self.postpone(lease, 0.0, counted=False, session=session)

    async def release_all(self) -> int:
        """Make all claimed documents due, at the start of a service's only instance."""
        fields = ["lease_owner", *self.legacy()]
        claimed = {self.due_field: {"$gt": EVER}, "$or": [{name: {"$nin": [None, ""]}} for name in fields]}
        outcome = await self.collection.update_many(claimed, self.releasing())
        return int(outcome.modified_count)

    async def due_in(self, where: Document | None = None) -> float | None:
        """Return the seconds until the next document is due, 0 if one is; None if none is queued."""
        rows = self.collection.aggregate(
            [
                {"$match": {**(where or {}), self.due_field: {"$gt": EVER}}},
                {"$sort": {self.due_field: ASCENDING}},
                {"$limit": 1},
                {"$project": {"wait": {"$subtract": [f"${self.due_field}", self.now()]}}},
            ]
        )
        async for row in rows:
            return max(0.0, float(row["wait"]) / 1000)
        return None

    async def _update(self, lease: Lease, update: Sequence[Document], event: str, session: Session) -> None:
        outcome = await self.collection.update_one(self.held(lease), update, session=session)
        self._check(outcome.matched_count, event)

    def _check(self, matched: int, event: str) -> None:
        lease_events_total.labels(self.name, event if matched else "lost").inc()
        if not matched:
            raise LeaseLost

    def _turns(self, where: Document | None) -> list[Document]:
        """Filters to try in turn: accounts after the one served last, then from the first on.

        Each `where` is a queue of its own with its own turns.
        """
        if not self.account_field:
            return [{}]
        last = self._last_accounts.get(repr(where), "")
        behind: list[Document] = [{self.account_field: {"$gt": last}}]
        return [*behind, {}] if last else behind

    def _claimed(self, where: Document | None, before: Document, document: Document, owner: str) -> Lease:
        if self.account_field:
            self._last_accounts[repr(where)] = before[self.account_field]
        retaken = before.get("lease_owner") is not None
        lease_events_total.labels(self.name, "retaken" if retaken else "claimed").inc()
        due_at = before[self.due_field] + self.age
        wait_seconds.labels(self.name).observe(max(0.0, unix_time() - due_at.timestamp()))
        return Lease(before["_id"], owner, document["attempts"], document)
