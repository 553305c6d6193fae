"""A work queue in a MongoDB collection: workers claim due documents, each under a lease.

A queued document has these fields beside its own:

| field | meaning |
|---|---|
| `due_at` | when a worker may claim it; a claim moves it to the end of the lease |
| `lease_owner` | token of the claim that holds it; missing or null if nobody does |
| `lease_until` | end of that lease |
| `attempts` | claims since it was queued or last made progress |

When a worker dies, its documents are due again at the end of their leases. The database's clock alone decides what is
due, so a worker with a wrong clock neither takes a lease too early nor keeps it too long. A worker that was paused
beyond its lease gets LeaseLost at its next write, once another one has claimed the document; with `session` that
aborts the whole transaction. So work may be started twice, but is committed once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from docstore_platform.clock import Clock, unix_time, utc_now
from docstore_platform.ids import new_id
from docstore_platform.mongo import ASCENDING, Collection, Document, Session, UpdateOne
from docstore_work.metrics import lease_events_total, wait_seconds

EVER = datetime(1970, 1, 1, tzinfo=UTC)
_LEASE_FIELDS = ["lease_owner", "lease_until"]


class LeaseLost(Exception):
    """Another worker has claimed the document, or it was queued again or removed meanwhile."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A document that a worker holds, as it was when claimed."""

    id: Any
    owner: str
    attempts: int
    document: Document


class LeaseQueue:
    """Claims documents of `collection` for `lease_seconds` each; `name` is its label in metrics.

    With `account_field`, accounts take turns: each claim goes to the next account by id with due work, so that no
    account waits for the backlog of another. This needs an index on `due_at`, after `account_field` and the fields of
    `where`. A `clock` other than `utc_now` (for tests) replaces the database's. `legacy_owner`: the field in which the
    release before stored its token; instances of both may run side by side. `legacy_null`: that release stored null in
    a free document, where this one removes the field. `due_field`: the stored name of `due_at`, if that release had
    another one, or if the date is a fact with a name of its own: a document is due `age` after it.
    """

    def __init__(
        self,
        collection: Collection,
        name: str,
        *,
        lease_seconds: float,
        account_field: str = "",
        legacy_owner: str = "",
        legacy_null: bool = False,
        due_field: str = "due_at",
        age: timedelta = timedelta(0),
        clock: Clock = utc_now,
    ) -> None:
        self._collection = collection
        self._name = name
        self._lease_seconds = lease_seconds
        self._account_field = account_field
        self._legacy_owner = legacy_owner
        self._legacy_null = legacy_null
        self._due_field = due_field
        self._age = age
        self._clock = None if clock is utc_now else clock
        self._last_accounts: dict[str, str] = {}

    async def add(self, id_: Any, fields: Mapping[str, Any], *, session: Session = None) -> None:
        """Queue a document, due at once; an existing one is replaced, and its holder loses it."""
        document = [{"$literal": {"_id": id_, **fields, "attempts": 0}}, {self._due_field: self._now()}]
        await self._collection.update_one(
            {"_id": id_}, [{"$replaceWith": {"$mergeObjects": document}}], upsert=True, session=session
        )

    async def ensure(self, id_: Any, fields: Mapping[str, Any]) -> None:
        """Queue a document, due at once, unless it exists; for recurring work."""
        new = {"$literal": {"_id": id_, **fields, "attempts": 0}}
        merged = [new, {self._due_field: self._now()}, "$$ROOT"]
        await self._collection.update_one({"_id": id_}, [{"$replaceWith": {"$mergeObjects": merged}}], upsert=True)

    async def add_once(self, id_: Any, fields: Mapping[str, Any]) -> None:
        """Queue a document, due at once, unless it exists, queued or kept; for repeated requests."""
        new = {"$mergeObjects": [{"$literal": {"_id": id_, **fields, "attempts": 0}}, {self._due_field: self._now()}]}
        await self._collection.update_one({"_id": id_}, self._unless_stored(id_, new), upsert=True)

    async def add_held(self, id_: Any, fields: Mapping[str, Any]) -> Lease | None:
        """Add a document under a lease of the caller's, for work that has begun; None if it exists."""
        owner = new_id()
        document = {"_id": id_, **fields, "lease_owner": owner, "attempts": 1}
        new = {"$mergeObjects": [{"$literal": document}, self._lease_end()]}
        outcome = await self._collection.update_one({"_id": id_}, self._unless_stored(id_, new), upsert=True)
        return None if outcome.upserted_id is None else Lease(id_, owner, 1, document)

    async def claim(self, where: Document | None = None) -> Lease | None:
        """Claim a due document until its lease ends; None if there is none."""
        for turn in self._turns(where):
            owner = new_id()
            before = await self._collection.find_one_and_update(
                {**(where or {}), **turn, **self.claimable()}, self._taking(owner), sort=self._order()
            )
            if before is not None:
                return self._claimed(where, before, {**before, "attempts": before.get("attempts", 0) + 1}, owner)
        return None

    async def claim_batch(self, limit: int, where: Document | None = None) -> list[Lease]:
        """Claim up to `limit` due documents; with turns, of one account or a few."""
        for turn in self._turns(where):
            due = {**(where or {}), **turn, **self.claimable()}
            chosen = self._collection.find(due, {self._due_field: 1, "lease_owner": 1, self._account_field or "_id": 1})
            rows = await chosen.sort(self._order()).limit(limit).to_list(limit)
            if not rows:
                continue
            owner, before = new_id(), {row["_id"]: row for row in rows}
            await self._collection.update_many({**due, "_id": {"$in": list(before)}}, self._taking(owner))
            mine = self._collection.find({"_id": {"$in": list(before)}, "lease_owner": owner})
            claimed = {row["_id"]: row async for row in mine}
            if claimed:
                return [self._claimed(where, before[id_], claimed[id_], owner) for id_ in before if id_ in claimed]
        return []

    async def renew(self, lease: Lease, progress: Mapping[str, Any] | None = None, *, session: Session = None) -> None:
        """Renew the lease; `progress` is stored and resets the attempts. Raises LeaseLost."""
        change = self._lease_end()
        if progress is not None:
            change |= {**_literal(progress), "attempts": 0}
        await self._update(lease, [{"$set": change}], "renewed", session)

    async def complete(self, lease: Lease, keep: Mapping[str, Any] | None = None, *, session: Session = None) -> None:
        """Delete the document, or with `keep` store these fields and remove it from the queue. Raises LeaseLost."""
        if keep is None:
            outcome = await self._collection.delete_one(self.held(lease), session=session)
            self._check(outcome.deleted_count, "completed")
            return
        await self._update(lease, self._completing(keep), "completed", session)

    async def complete_batch(self, done: Sequence[tuple[Lease, Mapping[str, Any]]], *, session: Session = None) -> None:
        """Remove the documents from the queue, each with fields to store. Raises LeaseLost if one of them is lost."""
        writes = [UpdateOne(self.held(lease), self._completing(keep)) for lease, keep in done]
        if not writes:
            return
        outcome = await self._collection.bulk_write(writes, ordered=False, session=session)
        lease_events_total.labels(self._name, "completed").inc(outcome.matched_count)
        if outcome.matched_count < len(writes):
            lease_events_total.labels(self._name, "lost").inc(len(writes) - outcome.matched_count)
            raise LeaseLost

    def count_completed(self, documents: int) -> None:
        """Count documents that their holder has removed by a condition of its own."""
        lease_events_total.labels(self._name, "completed").inc(documents)

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
        await self._update(lease, self._postponing(seconds, changes, counted=counted), "postponed", session)

    async def postpone_batch(
        self, leases: Sequence[Lease], seconds: float, changes: Mapping[str, Any] | None = None, *, counted: bool = True
    ) -> None:
        """Release those still held, due again after so many seconds; `counted`: this attempt counts."""
        update = self._postponing(seconds, changes, counted=counted)
        outcome = await self._collection.update_many(self.held_among(leases), update)
        lease_events_total.labels(self._name, "postponed").inc(outcome.matched_count)
        lease_events_total.labels(self._name, "lost").inc(len(leases) - outcome.matched_count)

    async def release(self, lease: Lease, *, session: Session = None) -> None:
        """Release it untried, due at once. Raises LeaseLost."""
        await self.postpone(lease, 0.0, counted=False, session=session)

    async def release_all(self) -> int:
        """Make all claimed documents due, at the start of a service's only instance."""
        fields = ["lease_owner", *self._legacy()]
        claimed = {self._due_field: {"$gt": EVER}, "$or": [{field: {"$nin": [None, ""]}} for field in fields]}
        release = {"$set": {self._due_field: self._now(), **self._no_legacy()}}
        outcome = await self._collection.update_many(claimed, [release, {"$unset": _LEASE_FIELDS}])
        return int(outcome.modified_count)

    async def due_in(self, where: Document | None = None) -> float | None:
        """Return the seconds until the next document is due, 0 if one is; None if none is queued."""
        rows = self._collection.aggregate(
            [
                {"$match": {**(where or {}), self._due_field: {"$gt": EVER}}},
                {"$sort": {self._due_field: ASCENDING}},
                {"$limit": 1},
                {"$project": {"wait": {"$subtract": [f"${self._due_field}", self._now()]}}},
            ]
        )
        async for row in rows:
            return max(0.0, float(row["wait"]) / 1000)
        return None

    def held(self, lease: Lease) -> Document:
        """Filter for the document while this lease is the last one issued for it."""
        return {"_id": lease.id, **self.held_by(lease.owner)}

    def held_by(self, owner: str) -> Document:
        """Filter for all documents of one claim's leases; for updates of a batch."""
        return {"lease_owner": owner, **self._untouched()}

    def held_among(self, leases: Sequence[Lease]) -> Document:
        """Filter for those of the documents that are still under these leases."""
        owners = sorted({lease.owner for lease in leases})
        ids = [lease.id for lease in leases]
        return {"_id": {"$in": ids}, "lease_owner": {"$in": owners}, **self._untouched()}

    def claimable(self) -> Document:
        """Filter for due documents that nobody holds."""
        # The range excludes documents without a date and gives the planner index bounds.
        return {self._due_field: {"$gt": EVER}, "$expr": {"$lte": [f"${self._due_field}", self._now()]}}

    def due(self, at: datetime | None) -> Document:
        """Update operators that end any lease and make a document due at `at`, or remove it from the queue (None).

        For updates that change more fields, or many documents: their holders lose them.
        """
        fields = dict.fromkeys([*_LEASE_FIELDS, *self._legacy()], 1)
        if at is None:
            return {"$unset": {self._due_field: 1, **fields}}
        return {"$set": {self._due_field: at}, "$unset": fields}

    def _untouched(self) -> Document:
        """Filter for a claimed document that the release before has not changed.

        That release ignores `lease_owner`: it takes a lease by moving the due date.
        """
        if not self._legacy_owner:
            return {}
        return {self._legacy_owner: {"$in": [None, ""]}, "$expr": {"$eq": [f"${self._due_field}", "$lease_until"]}}

    def _no_legacy(self, *, held: bool = False) -> Document:
        if not self._legacy_owner:
            return {}
        return {self._legacy_owner: ("" if held else None) if self._legacy_null else "$$REMOVE"}

    def _completing(self, keep: Mapping[str, Any]) -> list[Document]:
        return [{"$set": {**_literal(keep), **self._no_legacy()}}, {"$unset": [self._due_field, *_LEASE_FIELDS]}]

    def _postponing(self, seconds: float, changes: Mapping[str, Any] | None, *, counted: bool) -> list[Document]:
        change = {**_literal(changes or {}), self._due_field: self._after(seconds), **self._no_legacy()}
        if not counted:
            change["attempts"] = {"$subtract": ["$attempts", 1]}
        return [{"$set": change}, {"$unset": _LEASE_FIELDS}]

    async def _update(self, lease: Lease, update: Sequence[Document], event: str, session: Session) -> None:
        outcome = await self._collection.update_one(self.held(lease), update, session=session)
        self._check(outcome.matched_count, event)

    def _check(self, matched: int, event: str) -> None:
        lease_events_total.labels(self._name, event if matched else "lost").inc()
        if not matched:
            raise LeaseLost

    def _turns(self, where: Document | None) -> list[Document]:
        """Filters to try in turn: accounts after the one served last, then from the first on.

        Each `where` is a queue of its own with its own turns.
        """
        if not self._account_field:
            return [{}]
        last = self._last_accounts.get(repr(where), "")
        behind: list[Document] = [{self._account_field: {"$gt": last}}]
        return [*behind, {}] if last else behind

    def _order(self) -> list[tuple[str, int]]:
        order = [(self._due_field, ASCENDING)]
        return [(self._account_field, ASCENDING), *order] if self._account_field else order

    def _taking(self, owner: str) -> list[Document]:
        change: Document = {
            **self._lease_end(),
            "lease_owner": owner,
            "attempts": {"$add": [{"$ifNull": ["$attempts", 0]}, 1]},
            **self._no_legacy(held=True),
        }
        return [{"$set": change}]

    def _claimed(self, where: Document | None, before: Document, document: Document, owner: str) -> Lease:
        if self._account_field:
            self._last_accounts[repr(where)] = before[self._account_field]
        retaken = before.get("lease_owner") is not None
        lease_events_total.labels(self._name, "retaken" if retaken else "claimed").inc()
        due_at = before[self._due_field] + self._age
        wait_seconds.labels(self._name).observe(max(0.0, unix_time() - due_at.timestamp()))
        return Lease(before["_id"], owner, document["attempts"], document)

    @staticmethod
    def _unless_stored(id_: Any, new: Document) -> list[Document]:
        """Update that upserts a new document, and leaves a stored one as it is."""
        return [{"$replaceWith": {"$cond": [{"$eq": ["$$ROOT", {"$literal": {"_id": id_}}]}, new, "$$ROOT"]}}]

    def _legacy(self) -> list[str]:
        return [self._legacy_owner] if self._legacy_owner else []

    def _now(self) -> Any:
        """The latest date that is due: now, or `age` ago."""
        if self._clock is not None:
            return {"$literal": self._clock() - self._age}
        return {"$subtract": ["$$NOW", int(self._age.total_seconds() * 1000)]} if self._age else "$$NOW"

    def _lease_end(self) -> Document:
        end = self._after(self._lease_seconds)
        return {self._due_field: end, "lease_until": end}

    def _after(self, seconds: float) -> Document:
        return {"$add": [self._now(), int(seconds * 1000)]}


def _literal(fields: Mapping[str, Any]) -> Document:
    """Literal values: in a pipeline, strings that begin with `$` would be paths."""
    return {name: {"$literal": value} for name, value in fields.items()}
