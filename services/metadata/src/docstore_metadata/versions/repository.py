"""Versions of files, and the contents they refer to, in MongoDB.

versions  one document per version
objects   one document per content in S3: how many versions refer to it; at 0 it is due to be deleted
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from docstore_metadata.documents import index
from docstore_metadata.tree.documents import node_of, node_update
from docstore_metadata.tree.rules import CustomMetadata, Node, Version
from docstore_metadata.versions.documents import VERSIONS, version_document, version_id
from docstore_platform.clock import Clock, utc_now
from docstore_platform.mongodb.client import (
    DESCENDING,
    Collection,
    Database,
    Document,
    Session,
    UpdateOne,
    database_of,
    drop_index,
    server_time,
)
from docstore_work.lease_queue import LeaseQueue

INSERTERS = "inserters"
OUT_OF_ORDER = 16
"""Versions, the last by time, of which the highest number counts: uploads arrive late and clocks differ."""


class Versions(Protocol):
    """Versions and their contents: each version refers to one content, which several may share."""

    async def now(self) -> datetime:
        """By the database's clock."""

    async def get(self, node_id: str, number: int, session: Session = None) -> Version | None: ...

    async def by_id(self, ids: Sequence[str], session: Session = None) -> dict[str, Version]:
        """Those of the versions that exist, by id."""

    async def before(self, node_id: str, first: int, number: int | None, limit: int) -> list[Version]:
        """Versions from number `first` on, older than `number`, the newest first."""

    async def after(self, node_id: str, number: int, limit: int, session: Session = None) -> list[Version]:
        """Versions newer than `number`, the oldest first."""

    async def number_at(self, file: Node, moment: datetime) -> int | None:
        """Highest number of the versions created at a moment or last before it; None if there are none."""

    async def of(self, nodes: Sequence[Node], session: Session) -> Mapping[str, list[Version]]:
        """Every version of each of these files, by file id."""

    async def insert(self, versions: Sequence[Version], session: Session) -> None: ...

    async def describe(self, node_id: str, number: int, metadata: CustomMetadata, session: Session) -> None:
        """Replace the custom metadata of a version."""

    async def remove(self, versions: Sequence[Version], now: datetime, session: Session) -> None:
        """Delete versions; contents without another reference become due to be deleted."""

    async def storage_of(self, account_id: str) -> tuple[int, int]:
        """Bytes of all versions and number of files of an account."""

    async def add_contents(self, keys: Iterable[str], session: Session) -> None:
        """Add contents with one reference each."""

    async def share_contents(self, keys: Iterable[str], session: Session) -> bool:
        """Add one reference to each; False if one of them has none left."""


class MongoVersions:
    def __init__(self, database: Database) -> None:
        self._versions: Collection = database["versions"]
        self._contents: Collection = database["objects"]
        self._migrations: Collection = database["migrations"]

    async def create_indexes(self) -> None:
        await self._versions.create_indexes([index("by_creation", "owner", "node", "created", "number", "size")])
        await drop_index(self._versions, "by_owner")  # of earlier releases: the new one has its fields
        await self._record_inserters()

    async def _record_inserters(self) -> None:
        """Record who inserted files that earlier releases modified, once: their first version's author."""
        if await self._migrations.find_one({"_id": INSERTERS}):
            return
        firsts: Document = {"number": 1, "$expr": {"$ne": ["$created_by", "$owner"]}}
        inserter = {"$cond": [{"$gt": ["$version", 1]}, "$$new.created_by", "$$REMOVE"]}
        nodes: Document = {"into": "nodes", "whenMatched": [{"$set": {"inserted_by": inserter}}]}
        pipeline: list[Document] = [
            {"$match": firsts},
            {"$project": {"_id": "$node", "created_by": 1}},
            {"$merge": nodes | {"whenNotMatched": "discard"}},
        ]
        await self._versions.aggregate(pipeline).to_list(None)
        await self._migrations.replace_one({"_id": INSERTERS}, {}, upsert=True)

    async def now(self) -> datetime:
        return await server_time(database_of(self._versions))

    async def get(self, node_id: str, number: int, session: Session = None) -> Version | None:
        document = await self._versions.find_one({"_id": version_id(node_id, number)}, session=session)
        return VERSIONS.item(document) if document else None

    async def by_id(self, ids: Sequence[str], session: Session = None) -> dict[str, Version]:
        rows = self._versions.find({"_id": {"$in": list(ids)}}, session=session)
        return {row["_id"]: VERSIONS.item(row) async for row in rows}

    async def before(self, node_id: str, first: int, number: int | None, limit: int) -> list[Version]:
        upper = version_id(node_id, number) if number is not None else node_id + "/"
        return await self._page({"$gte": version_id(node_id, first), "$lt": upper}, -1, limit)

    async def after(self, node_id: str, number: int, limit: int, session: Session = None) -> list[Version]:
        ids = {"$gt": version_id(node_id, number), "$lt": node_id + "/"}
        return await self._page(ids, 1, limit, session)

    async def _page(self, ids: Document, direction: int, limit: int, session: Session = None) -> list[Version]:
        rows = self._versions.find({"_id": ids}, sort=[("_id", direction)], limit=limit, session=session)
        return [VERSIONS.item(document) for document in await rows.to_list(limit)]

    async def number_at(self, file: Node, moment: datetime) -> int | None:
        created = {"owner": file.owner_id, "node": file.id, "created": {"$lte": moment}}
        last = [("created", DESCENDING), ("number", DESCENDING)]
        rows = self._versions.find(created, {"_id": 0, "number": 1}, sort=last, limit=OUT_OF_ORDER)
        return max((row["number"] for row in await rows.to_list(OUT_OF_ORDER)), default=None)

    async def of(self, nodes: Sequence[Node], session: Session) -> Mapping[str, list[Version]]:
        histories: dict[str, list[Version]] = {node.id: [] for node in nodes}
        owners = {node.owner_id for node in nodes}
        condition = {"owner": {"$in": sorted(owners)}, "node": {"$in": list(histories)}}
        async for row in self._versions.find(condition, session=session):
            histories[row["node"]].append(VERSIONS.item(row))
        return histories

    async def insert(self, versions: Sequence[Version], session: Session) -> None:
        if versions:
            await self._versions.insert_many([version_document(version) for version in versions], session=session)

    async def describe(self, node_id: str, number: int, metadata: CustomMetadata, session: Session) -> None:
        change = {"$set": {"metadata": dict(metadata)}} if metadata else {"$unset": {"metadata": ""}}
        await self._versions.update_one({"_id": version_id(node_id, number)}, change, session=session)

    async def remove(self, versions: Sequence[Version], now: datetime, session: Session) -> None:
        if not versions:
            return
        ids = [version_id(version.node_id, version.number) for version in versions]
        await self._versions.delete_many({"_id": {"$in": ids}}, session=session)
        counts = Counter(version.object_key for version in versions)
        await self._contents.bulk_write([_drop(key, n, now) for key, n in counts.items()], session=session)

    async def storage_of(self, account_id: str) -> tuple[int, int]:
        pipeline: list[Document] = [
            {"$match": {"owner": account_id}},
            {"$group": {"_id": "$node", "bytes": {"$sum": "$size"}}},
            {"$group": {"_id": None, "bytes": {"$sum": "$bytes"}, "documents": {"$sum": 1}}},
        ]
        async for row in self._versions.aggregate(pipeline):
            return row["bytes"], row["documents"]
        return 0, 0

    async def add_contents(self, keys: Iterable[str], session: Session) -> None:
        used_at = utc_now()  # where cold storage counts from
        await self._contents.insert_many([{"_id": key, "refs": 1, "used_at": used_at} for key in keys], session=session)

    async def share_contents(self, keys: Iterable[str], session: Session) -> bool:
        counts = Counter(keys)
        if not counts:
            return True
        outcome = await self._contents.bulk_write(
            [UpdateOne({"_id": key, "refs": {"$gt": 0}}, {"$inc": {"refs": n}}) for key, n in counts.items()],
            session=session,
        )
        return bool(outcome.matched_count == len(counts))


class UnreferencedContents(Protocol):
    """Keys of contents without references."""

    async def is_any_due(self) -> bool: ...

    async def claim(self, limit: int) -> list[str]:
        """Lease up to `limit` that are due."""

    async def remove(self, keys: Sequence[str]) -> None:
        """Remove the records of deleted contents."""


class MongoUnreferencedContents:
    def __init__(self, database: Database, *, lease_seconds: float, clock: Clock = utc_now) -> None:
        self._contents: Collection = database["objects"]
        self._queue = LeaseQueue(self._contents, "metadata objects", lease_seconds=lease_seconds, clock=clock)

    async def create_indexes(self) -> None:
        await self._contents.create_indexes([index("due", "due_at", only="due_at")])

    async def is_any_due(self) -> bool:
        return await self._queue.due_in() == 0

    async def claim(self, limit: int) -> list[str]:
        return [lease.id for lease in await self._queue.claim_batch(limit)]

    async def remove(self, keys: Sequence[str]) -> None:
        await self._contents.delete_many({"_id": {"$in": keys}, "refs": {"$lte": 0}})


class OldContents(Protocol):
    """Files with contents of old versions that may move to a colder storage class."""

    async def files_due(self, replaced_before: datetime, limit: int) -> list[Node]:
        """Files whose next old version was replaced before this moment, the earliest first."""

    async def unshared(self, keys: Iterable[str]) -> list[str]:
        """Those of the contents with only one reference."""

    async def done_until(self, files: Sequence[Node]) -> None:
        """Store the `cold_from` and `cold_version` of each file, unless it got a new version meanwhile."""


class MongoOldContents:
    def __init__(self, database: Database) -> None:
        self._nodes: Collection = database["nodes"]
        self._contents: Collection = database["objects"]

    async def create_indexes(self) -> None:
        if "cold_due" not in await self._nodes.index_information():
            files = {"replaced_from": {"$exists": True}, "cold_from": {"$exists": False}}
            await self._nodes.update_many(files, [{"$set": {"cold_from": "$replaced_from"}}])
        await self._nodes.create_indexes([index("cold_due", "cold_from", only="cold_from")])

    async def files_due(self, replaced_before: datetime, limit: int) -> list[Node]:
        rows = self._nodes.find({"cold_from": {"$lte": replaced_before}}, sort=[("cold_from", 1)], limit=limit)
        return [node_of(row) for row in await rows.to_list(limit)]

    async def unshared(self, keys: Iterable[str]) -> list[str]:
        rows = self._contents.find({"_id": {"$in": sorted(keys)}, "refs": 1}, {"_id": 1})
        return [row["_id"] async for row in rows]

    async def done_until(self, files: Sequence[Node]) -> None:
        changed = "cold_from", "cold_version"
        updates = [UpdateOne({"_id": file.id, "version": file.version}, node_update(file, changed)) for file in files]
        await self._nodes.bulk_write(updates, ordered=False)


def _drop(key: str, references: int, now: datetime) -> UpdateOne:
    left = {"$set": {"refs": {"$subtract": ["$refs", references]}}}
    due = {"$set": {"due_at": {"$cond": [{"$lte": ["$refs", 0]}, now, "$$REMOVE"]}}}
    return UpdateOne({"_id": key}, [left, due])
