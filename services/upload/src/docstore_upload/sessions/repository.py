"""Upload sessions in MongoDB. Every change is conditional on the state it starts from: of two, one wins."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from docstore_platform.clock import Clock, utc_now
from docstore_platform.mongo import (
    ASCENDING,
    DESCENDING,
    Collection,
    Database,
    Document,
    IndexModel,
    Session,
    UpdateMany,
    UpdateOne,
)
from docstore_upload.lifecycle.repository import LEASE_SECONDS, merged, refusal_document, work_queue
from docstore_upload.lifecycle.rules import OPEN, Actor, Refusal, State
from docstore_upload.sessions.ports import Claim, Completion, Recheck
from docstore_upload.sessions.rules import Upload, Verified

REFUSED_CREDENTIALS_BYTES = 1 << 30
"""What credentials count for once they were used for something else than was declared."""


def _open(ids: Sequence[str]) -> Document:
    return {"_id": {"$in": ids}, "state": {"$in": OPEN}}


def _claimed(by: Actor, found: Verified | None = None) -> Document:
    return {"$set": {"state": "committing", "completed_by": by} | (asdict(found) if found else {})}


def _completed(done: Completion, now: datetime) -> Document:
    changes = {
        "state": "completed",
        "file": done.file,
        "file_event_id": done.file_event_id,
        "completed_event_id": done.completed_event_id,
        "completed_at": now,
        "attempts": 0,
    }
    return {"$set": changes, "$inc": {"revision": 1}}


def _as_planned(upload: Upload) -> Sequence[State]:
    """States in which the look that was planned for `upload` still is to happen: bytes may have begun to arrive."""
    return OPEN if upload.is_open else (upload.state,)


def to_document(upload: Upload) -> Document:
    document = {name: value for name, value in vars(upload).items() if value is not None}
    document["_id"] = document.pop("id")
    if upload.refusal is not None:
        document["refusal"] = refusal_document(upload.refusal)
    return document


_FIELDS = tuple(field.name for field in fields(Upload))


def to_upload(document: Document) -> Upload:
    values: dict[str, Any] = {name: document.get(name) for name in _FIELDS}
    values["id"] = document["_id"]
    values["tags"] = tuple(document["tags"])
    values["missing"] = tuple(document.get("missing", ()))
    values["notify"] = document.get("notify", True)
    values["object_name"] = document.get("object_name", "content")
    values["found"] = _found(document["found"]) if "found" in document else None
    values["refusal"] = Refusal(**document["refusal"]) if "refusal" in document else None
    return Upload(**values)


def _found(document: Document) -> tuple[str, Verified]:
    return document["etag"], Verified(document["size"], document["sha256"], document["object_name"])


class MongoUploads:
    """One collection, which is also the queue of the workflow."""

    def __init__(self, database: Database, lease_seconds: float = LEASE_SECONDS, clock: Clock = utc_now) -> None:
        self._uploads: Collection = database["uploads"]
        self._queue = work_queue(self._uploads, "uploads", lease_seconds, clock)

    async def create_indexes(self) -> None:
        await self._uploads.create_indexes(
            [
                IndexModel([("account_id", ASCENDING), ("_id", DESCENDING)]),
                IndexModel("next_check_at", sparse=True),
                IndexModel("missing", sparse=True),
                IndexModel("purge_at", expireAfterSeconds=0, sparse=True),
                IndexModel(
                    [("account_id", ASCENDING), ("state", ASCENDING)],
                    name="in_blocks",
                    partialFilterExpression={"method": "blocks"},
                ),
                IndexModel(
                    [("account_id", ASCENDING), ("expires_at", ASCENDING)],
                    name="given_up",
                    partialFilterExpression={"state": "aborted"},
                ),
            ]
        )

    async def insert(self, uploads: Sequence[Upload], session: Session) -> None:
        documents = [to_document(upload) for upload in uploads]
        for document in documents:
            del document["missing"]
        await self._uploads.insert_many(documents, ordered=False, session=session)

    async def of_account(self, account_id: str, ids: Sequence[str]) -> dict[str, Upload]:
        return await self._by_id({"_id": {"$in": list(ids)}, "account_id": account_id})

    async def by_ids(self, ids: Sequence[str], session: Session = None) -> dict[str, Upload]:
        return await self._by_id({"_id": {"$in": list(ids)}}, session)

    async def _by_id(self, query: Document, session: Session = None) -> dict[str, Upload]:
        documents = await self._uploads.find(query, session=session).to_list(None)
        return {document["_id"]: to_upload(document) for document in documents}

    async def page(self, account_id: str, before: str | None, limit: int, state: State | None) -> list[Upload]:
        query: Document = {"account_id": account_id}
        if before is not None:
            query["_id"] = {"$lt": before}
        if state is not None:
            query["state"] = {"$in": ["uploading", "committing"]} if state == "uploading" else state
        documents = await self._uploads.find(query).sort("_id", DESCENDING).limit(limit).to_list(limit)
        return [to_upload(document) for document in documents]

    async def open_in_blocks(self, account_id: str) -> int:
        return await self._sum({"account_id": account_id, "method": "blocks", "state": {"$in": list(OPEN)}}, "$size")

    async def given_up_bytes(self, account_id: str, now: datetime) -> int:
        given_up = {"account_id": account_id, "state": "aborted", "expires_at": {"$gt": now}}
        refused = {"$and": [{"$eq": ["$method", "credentials"]}, {"$eq": ["$refusal.code", "upload_mismatch"]}]}
        counted = {"$add": ["$size", {"$cond": [refused, REFUSED_CREDENTIALS_BYTES, 0]}]}
        return await self._sum(given_up | {"method": {"$in": ["form", "credentials"]}}, counted)

    async def _sum(self, query: Document, size: Any) -> int:
        stages: list[Document] = [{"$match": query}, {"$group": {"_id": None, "bytes": {"$sum": size}}}]
        rows = await self._uploads.aggregate(stages).to_list(None)
        return int(rows[0]["bytes"]) if rows else 0

    async def mark_uploading(self, upload_id: str) -> None:
        await self._uploads.update_one({"_id": upload_id, "state": "initiated"}, {"$set": {"state": "uploading"}})

    async def note_found(self, upload_id: str, etag: str, verified: Verified) -> None:
        found = {"etag": etag, **asdict(verified)}
        await self._uploads.update_one({"_id": upload_id, "state": {"$in": OPEN}}, {"$set": {"found": found}})

    async def claim(self, claims: Sequence[Claim], retry_at: datetime, session: Session = None) -> bool:
        alike: defaultdict[Actor, list[str]] = defaultdict(list)
        changes: list[UpdateOne | UpdateMany] = []
        due = self._queue.due(retry_at)
        for claim in claims:
            if claim.as_declared:
                alike[claim.completed_by].append(claim.id)
            else:
                changes.append(UpdateOne(_open([claim.id]), merged(_claimed(claim.completed_by, claim.verified), due)))
        changes += [UpdateMany(_open(ids), merged(_claimed(by), due)) for by, ids in alike.items()]
        return await self._bulk(changes, session) == len(claims)

    async def complete(
        self, completions: Sequence[Completion], now: datetime, check_at: datetime, session: Session
    ) -> None:
        await self._bulk(
            (
                UpdateOne(
                    {"_id": done.id},  # no more: the id alone needs no plan, and another's change is a conflict
                    merged(_completed(done, now), self._queue.due(check_at)),
                )
                for done in completions
            ),
            session,
        )

    async def end(
        self, ids: Sequence[str], state: State, refusal: Refusal | None, now: datetime, session: Session
    ) -> None:
        changes: Document = {"state": state, "attempts": 0}
        if refusal is not None:
            changes["refusal"] = refusal_document(refusal)
        update = merged({"$set": changes, "$inc": {"revision": 1}}, self._queue.due(now))
        await self._uploads.update_many({"_id": {"$in": list(ids)}}, update, session=session)

    async def claim_due(self, limit: int) -> list[Upload]:
        return [to_upload(lease.document) for lease in await self._queue.claim_batch(limit)]

    async def recheck(self, rechecks: Sequence[Recheck], purge_at: datetime) -> None:
        alike: defaultdict[tuple[Sequence[State], str, datetime | None, int | None], list[str]] = defaultdict(list)
        for recheck in rechecks:
            upload = recheck.upload
            alike[_as_planned(upload), upload.lease_owner or "", recheck.at, recheck.attempts].append(upload.id)

        def change(at: datetime | None, attempts: int | None) -> Document:
            counted = {} if attempts is None else {"$set": {"attempts": attempts}}
            return merged(counted, {} if at else {"$set": {"purge_at": purge_at}}, self._queue.due(at))

        await self._bulk(
            UpdateMany(
                {"_id": {"$in": ids}, "state": {"$in": states}, **self._queue.held_by(owner)}, change(at, attempts)
            )
            for (states, owner, at, attempts), ids in alike.items()
        )

    async def mark_stalled(self, missing: dict[str, tuple[str, ...]], session: Session) -> None:
        await self._bulk(
            (
                UpdateOne({"_id": upload_id}, {"$set": {"missing": list(services)}, "$inc": {"revision": 1}})
                for upload_id, services in missing.items()
            ),
            session,
        )

    async def settle(self, ids: Sequence[str]) -> None:
        await self._uploads.update_many(
            {"_id": {"$in": list(ids)}, "state": "completed"}, {"$set": {"settled": True}, "$unset": {"missing": 1}}
        )

    async def stalled(self, after: str, limit: int) -> list[Upload]:
        query = {"missing": {"$exists": True}, "_id": {"$gt": after}}
        documents = await self._uploads.find(query).sort("_id", ASCENDING).limit(limit).to_list(limit)
        return [to_upload(document) for document in documents]

    async def count_stalled(self) -> int:
        return int(await self._uploads.count_documents({"missing": {"$exists": True}}))

    async def _bulk(self, operations: Iterable[UpdateOne | UpdateMany], session: Session = None) -> int:
        batch = list(operations)
        if not batch:
            return 0
        return int((await self._uploads.bulk_write(batch, ordered=False, session=session)).matched_count)
