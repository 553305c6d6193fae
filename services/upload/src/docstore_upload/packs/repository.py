"""Packs in MongoDB: one document each. Every change is conditional on the state it starts from: of two, one wins."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from docstore_contents.packs import pack_key
from docstore_platform.clock import Clock, utc_now
from docstore_platform.mongo import (
    Collection,
    Database,
    Document,
    IndexModel,
    ReturnDocument,
    Session,
    UpdateOne,
)
from docstore_upload.lifecycle.repository import LEASE_SECONDS, merged, refusal_document, work_queue
from docstore_upload.lifecycle.rules import OPEN, Actor, Refusal, State
from docstore_upload.packs.ports import PackCompletion
from docstore_upload.packs.rules import Pack

_FIELDS = tuple(field.name for field in fields(Pack))
_SEQUENCES = ("sizes", "wrong", "live", "refused", "file_event_ids", "missing")


def to_document(pack: Pack) -> Document:
    document = {name: value for name, value in vars(pack).items() if value is not None}
    document["_id"] = document.pop("id")
    del document["missing"]
    return document


def to_pack(document: Document) -> Pack:
    values: dict[str, Any] = {name: document.get(name) for name in _FIELDS}
    values["id"] = document["_id"]
    for name in _SEQUENCES:
        values[name] = tuple(document.get(name, ()))
    values["refusal"] = Refusal(**document["refusal"]) if "refusal" in document else None
    return Pack(**values)


class MongoPacks:
    """One collection, which is also the queue of the workflow."""

    def __init__(self, database: Database, lease_seconds: float = LEASE_SECONDS, clock: Clock = utc_now) -> None:
        self._packs: Collection = database["packs"]
        self._queue = work_queue(self._packs, "packs", lease_seconds, clock)

    async def create_indexes(self) -> None:
        await self._packs.create_indexes(
            [
                IndexModel("next_check_at", sparse=True),
                IndexModel("missing", sparse=True),
                IndexModel("purge_at", expireAfterSeconds=0, sparse=True),
            ]
        )

    async def insert(self, pack: Pack, session: Session) -> None:
        await self._packs.insert_one(to_document(pack), session=session)

    async def get(self, pack_id: str, account_id: str | None = None, session: Session = None) -> Pack | None:
        query: Document = {"_id": pack_id} | ({} if account_id is None else {"account_id": account_id})
        document = await self._packs.find_one(query, session=session)
        return to_pack(document) if document else None

    async def keys_of(self, pack_ids: Sequence[str]) -> list[str]:
        is_cleared: Document = {"next_check_at": None, "live": []}
        query = {"_id": {"$in": list(pack_ids)}, "$nor": [is_cleared]}
        return [pack_key(row["account_id"], row["_id"]) async for row in self._packs.find(query, {"account_id": 1})]

    async def claim(
        self, pack_id: str, wrong: Sequence[int], live: Sequence[int], by: Actor, retry_at: datetime
    ) -> Pack | None:
        changes = {"state": "committing", "wrong": wrong, "live": live, "completed_by": by}
        update = merged({"$set": changes}, self._queue.due(retry_at))
        document = await self._packs.find_one_and_update(
            {"_id": pack_id, "state": {"$in": OPEN}}, update, return_document=ReturnDocument.AFTER
        )
        return to_pack(document) if document else None

    async def complete(
        self, pack_id: str, done: PackCompletion, now: datetime, check_at: datetime, session: Session
    ) -> None:
        changes = {
            "state": "completed",
            "answers": done.answers,
            "refused": done.refused,
            "file_event_ids": done.file_event_ids,
            "completed_event_id": done.completed_event_id,
            "completed_at": now,
            "attempts": 0,
        }
        update = merged({"$set": changes, "$inc": {"revision": 1}}, self._queue.due(check_at))
        await self._packs.update_one({"_id": pack_id}, update, session=session)

    async def amend(
        self, pack_id: str, answers: bytes, refused: Sequence[int], more_event_ids: Sequence[str], session: Session
    ) -> None:
        changes: Document = {
            "$set": {"answers": answers, "refused": refused},
            "$push": {"file_event_ids": {"$each": more_event_ids}},
        }
        await self._packs.update_one({"_id": pack_id}, changes, session=session)

    async def end(self, pack_id: str, state: State, refusal: Refusal | None, now: datetime, session: Session) -> None:
        changes: Document = {"state": state, "attempts": 0}
        if refusal is not None:
            changes["refusal"] = refusal_document(refusal)
        update = merged({"$set": changes, "$inc": {"revision": 1}}, self._queue.due(now))
        await self._packs.update_one({"_id": pack_id}, update, session=session)

    async def release(self, numbers: Mapping[tuple[str, str], Iterable[int]], now: datetime) -> None:
        # `lease` is the token of the release before.
        is_free = [{"$eq": [{"$type": owner}, "missing"]} for owner in ("$lease_owner", "$lease")]
        looks = {"$and": [{"$eq": ["$settled", True]}, *is_free]}

        def drop(dropped: list[int]) -> list[Document]:
            change = {
                "live": {"$setDifference": ["$live", dropped]},
                "releases": {"$add": ["$releases", 1]},
                "next_check_at": {"$cond": [looks, now, "$next_check_at"]},
            }
            return [{"$set": change}]

        operations = [
            UpdateOne({"_id": pack_id, "account_id": account_id, "live": {"$in": list(dropped)}}, drop(list(dropped)))
            for (account_id, pack_id), dropped in numbers.items()
        ]
        await self._packs.bulk_write(operations, ordered=False)

    async def claim_due(self, limit: int) -> list[Pack]:
        return [to_pack(lease.document) for lease in await self._queue.claim_batch(limit)]

    async def plan(self, pack: Pack, at: datetime | None, **changes: Any) -> None:
        update = merged({"$set": changes} if changes else {}, self._queue.due(at))
        result = await self._packs.update_one(self._as_planned(pack), update)
        if not result.matched_count:
            released = {"_id": pack.id, "state": pack.state, "releases": {"$gt": pack.releases}}
            await self._packs.update_one(released, self._queue.due(pack.created_at))

    async def settle(self, pack: Pack, now: datetime) -> None:
        change = {
            "$set": {"settled": True, "attempts": 0},
            "$pullAll": {"live": list(pack.refused)},
            "$unset": {"missing": 1, "file_event_ids": 1},
        }
        settled = {"_id": pack.id, "state": "completed"}
        await self._packs.update_one(settled, merged(change, self._queue.due(now)))

    async def forget(self, pack: Pack) -> None:
        dropped = {"$unset": {"declared": 1, "answers": 1}}
        await self._packs.update_one(self._as_planned(pack), merged(dropped, self._queue.due(None)))

    def _as_planned(self, pack: Pack) -> Document:
        """That the look that was planned still is to happen: for the pack is as it was seen, by who claimed it."""
        states = OPEN if pack.is_open else (pack.state,)
        as_seen = {"_id": pack.id, "state": {"$in": list(states)}, "releases": pack.releases}
        return as_seen | self._queue.held_by(pack.lease_owner or "")

    async def mark_stalled(self, pack_id: str, missing: Sequence[str], session: Session) -> None:
        change = {"$set": {"missing": list(missing)}, "$inc": {"revision": 1}}
        await self._packs.update_one({"_id": pack_id}, change, session=session)

    async def count_stalled(self) -> int:
        return int(await self._packs.count_documents({"missing": {"$exists": True}}))
