"""Transfers in MongoDB, and helpers that all repositories here share."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, ClassVar, Generic, TypeVar

from docstore_platform.clock import Clock, utc_now
from docstore_platform.errors import DomainError
from docstore_platform.http.problems import error_of, problem_of
from docstore_platform.mongodb.client import Collection, Database, Document, IndexModel, Session, UpdateMany, UpdateOne
from docstore_upload.lifecycle.ports import Claim, Completion, Fields, NotCommitting, Recheck
from docstore_upload.lifecycle.rules import OPEN, State, Transfer
from docstore_work.lease_queue import LeaseQueue

T = TypeVar("T", bound=Transfer)
LEASE_SECONDS = 60.0
MAX_RECENT = 2000
"""Maximum number of new transfers kept in memory until their completion."""
NEXT_EVENT: Document = {"$inc": {"revision": 1}, "$unset": {"initiated_event": 1}}
"""Update for an event that is published, after that of the initiation."""
STALLED: Document = {"missing": {"$exists": True}}


def work_queue(collection: Collection, name: str, lease_seconds: float, clock: Clock) -> LeaseQueue:
    """The work queue of a collection. The release before shares its documents: same due field, own lease token."""
    return LeaseQueue(
        collection, name, lease_seconds=lease_seconds, legacy_owner="lease", due_field="next_check_at", clock=clock
    )


def merged(*updates: Document) -> Document:
    """Merge updates by operator; of two values for one field the last counts."""
    result: Document = {}
    for update in updates:
        for operator, values in update.items():
            result[operator] = result.get(operator, {}) | values
    return result


class MongoTransfers(Generic[T]):
    """Transfers in one collection, which is also the worker's queue."""

    collection_name: ClassVar[str]
    transfer_type: type[T]
    indexes: ClassVar[Sequence[IndexModel]] = ()
    readers: ClassVar[Mapping[str, Callable[[Any], Any]]] = {}
    """Readers of fields that are stored as documents or lists of lists."""

    def __init__(self, database: Database, lease_seconds: float = LEASE_SECONDS, clock: Clock = utc_now) -> None:
        self._documents: Collection = database[self.collection_name]
        self._queue = work_queue(self._documents, self.collection_name, lease_seconds, clock)
        self._names = [each.name for each in fields(self.transfer_type)]
        self._recent: dict[str, T] = {}

    async def create_indexes(self) -> None:
        shared = [
            IndexModel("next_check_at", sparse=True),
            IndexModel("missing", sparse=True),
            IndexModel("purge_at", expireAfterSeconds=0, sparse=True),
        ]
        await self._documents.create_indexes([*shared, *self.indexes])

    async def insert(self, transfers: Sequence[T]) -> None:
        documents = []
        for transfer in transfers:
            document = {name: value for name, value in vars(transfer).items() if value is not None}
            document["_id"] = document.pop("id")
            del document["missing"]
            documents.append(document)
        await self._documents.insert_many(documents, ordered=False)
        for transfer in transfers:
            self._recent[transfer.id] = transfer
            if len(self._recent) > MAX_RECENT:
                del self._recent[next(iter(self._recent))]

    async def of_account(self, account_id: str, ids: Sequence[str]) -> dict[str, T]:
        return await self._by_id({"_id": {"$in": list(ids)}, "account_id": account_id})

    async def recent_or_stored(self, account_id: str, ids: Sequence[str]) -> dict[str, T]:
        recent = {id_: self._recent.pop(id_) for id_ in ids if id_ in self._recent}
        unknown = [id_ for id_ in ids if id_ not in recent]
        stored = await self.of_account(account_id, unknown) if unknown else {}
        return stored | {id_: transfer for id_, transfer in recent.items() if transfer.account_id == account_id}

    async def by_ids(self, ids: Sequence[str], session: Session = None) -> dict[str, T]:
        return await self._by_id({"_id": {"$in": list(ids)}}, session)

    async def _by_id(self, query: Document, session: Session = None) -> dict[str, T]:
        documents = await self._documents.find(query, session=session).to_list(None)
        return {document["_id"]: self._read(document) for document in documents}

    def _read(self, document: Document) -> T:
        values = {name: document[name] for name in self._names if document.get(name) is not None}
        for name, value in values.items():
            if isinstance(value, list):
                values[name] = tuple(value)
        if "refusal" in values:
            values["refusal"] = error_of(values["refusal"])
        values |= {name: read(values[name]) for name, read in self.readers.items() if name in values}
        return self.transfer_type(**values, id=document["_id"])

    async def claim(self, claims: Sequence[Claim], retry_at: datetime, session: Session = None) -> bool:
        alike: defaultdict[tuple[Any, ...], list[str]] = defaultdict(list)
        for claim in claims:
            # Without a transaction the driver repeats only updates of one document after a lost connection.
            one = claim.id if session is None else ""
            alike[("completed_by", claim.by), *claim.found.items(), one].append(claim.id)
        due = self._queue.due(retry_at)
        changes: list[UpdateOne | UpdateMany] = []
        for (*found, _), ids in alike.items():
            update = merged({"$set": {"state": "committing", **dict(found)}}, due)
            kind = UpdateOne if len(ids) == 1 else UpdateMany
            changes.append(kind({"_id": {"$in": ids}, "state": {"$in": OPEN}}, update))
        return await self._bulk(changes, session) == len(claims)

    async def complete(
        self, completions: Sequence[Completion], now: datetime, check_at: datetime, session: Session
    ) -> None:
        changes = []
        for done in completions:
            completed = {"state": "completed", "completed_event_id": done.event_id, "completed_at": now, "attempts": 0}
            update = merged({"$set": {**completed, **done.fields}}, NEXT_EVENT, self._queue.due(check_at))
            seen = {"_id": done.id, "state": "committing", "initiated_event._id": done.initiated_id}
            changes.append(UpdateOne(seen, update))
        if await self._bulk(changes, session) < len(changes):
            raise NotCommitting

    async def amend(self, transfer_id: str, fields: Fields, session: Session) -> None:
        await self._documents.update_one({"_id": transfer_id}, {"$set": fields}, session=session)

    async def end(
        self, ids: Sequence[str], state: State, refusal: DomainError | None, now: datetime, session: Session
    ) -> None:
        changes: Document = {"state": state, "attempts": 0}
        if refusal is not None:
            status = problem_of(refusal).status
            changes["refusal"] = {"status": status, "code": refusal.code, "detail": refusal.detail}
        update = merged({"$set": changes}, NEXT_EVENT, self._queue.due(now))
        await self._documents.update_many({"_id": {"$in": list(ids)}}, update, session=session)

    async def drop_initiated_events(self, ids: Sequence[str], session: Session) -> None:
        published: Document = {"$unset": {"initiated_event": 1}}
        await self._documents.update_many({"_id": {"$in": list(ids)}}, published, session=session)

    async def claim_due(self, limit: int) -> list[T]:
        return [self._read(lease.document) for lease in await self._queue.claim_batch(limit)]

    async def recheck(self, rechecks: Sequence[Recheck[T]]) -> None:
        alike: defaultdict[str, list[tuple[str, Document, Document]]] = defaultdict(list)
        for recheck in rechecks:
            held = self._as_seen(recheck.transfer) | self._queue.held_by(recheck.transfer.lease_owner or "")
            update = merged(_setting(recheck.changes), self._queue.due(recheck.at))
            alike[repr((held, update))].append((recheck.transfer.id, held, update))
        await self._bulk(
            [
                UpdateMany({"_id": {"$in": [each[0] for each in same]}, **same[0][1]}, same[0][2])
                for same in alike.values()
            ]
        )

    def _as_seen(self, transfer: T) -> Document:
        """Filter for transfers whose planned check is still right: bytes may have begun to arrive."""
        return {"state": {"$in": list(OPEN if transfer.is_open else (transfer.state,))}}

    async def mark_stalled(self, missing: Mapping[str, Sequence[str]], session: Session) -> None:
        changes = [
            UpdateOne({"_id": key}, {"$set": {"missing": list(services)}, "$inc": {"revision": 1}})
            for key, services in missing.items()
        ]
        await self._bulk(changes, session)

    async def count_stalled(self) -> int:
        return int(await self._documents.count_documents(STALLED))

    async def _bulk(self, operations: Sequence[UpdateOne | UpdateMany], session: Session = None) -> int:
        if not operations:
            return 0
        return int((await self._documents.bulk_write(operations, ordered=False, session=session)).matched_count)


def _setting(changes: Fields) -> Document:
    """Update operators that store these values and drop fields that are None."""
    stored = {name: value for name, value in changes.items() if value is not None}
    dropped = {name: 1 for name, value in changes.items() if value is None}
    return ({"$set": stored} if stored else {}) | ({"$unset": dropped} if dropped else {})
