"""The service's collections in MongoDB, their indexes, and the queries that more than one use case asks.

nodes     the tree; a live name is unique in its folder
versions  every version kept
objects   one for each object in S3: how many versions share it; at 0 it is due to be deleted
commits   what each upload's commit answered, so that it can be asked again
jobs      walks through folders that were put into the trash, restored or purged
links     public links (see link_store.py)
journal   what changed for each account, one entry a change (see journal.py)
journals  the number of the last entry of each account
and those of share_store.py and share_acceptance/repository.py
"""

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice

from docstore_metadata.links.repository import LinkStore
from docstore_metadata.sharing.acceptance.repository import Decisions, MongoDecisions
from docstore_metadata.sharing.repository import ShareStore
from docstore_metadata.tree.documents import node_document, node_of, root_node
from docstore_metadata.tree.name_order import order_of
from docstore_metadata.tree.rules import Node
from docstore_metadata.versions.documents import version_document, version_id, version_of
from docstore_metadata.versions.rules import Version
from docstore_platform.mongo import (
    ASCENDING,
    DESCENDING,
    BulkWriteError,
    Collection,
    Database,
    Document,
    DuplicateKeyError,
    IndexModel,
    Session,
    UpdateOne,
)

COMMITS_KEPT_SECONDS = 30 * 24 * 3600
DUPLICATE_KEY = 11000
BY_NAME = "live_by_name"
"""Index of names in folders: to be named where many folders are asked about, each of which would be planned alone."""
NAMES_TRIED = 16
FILLED_AT_ONCE = 1000


def is_duplicate(error: BaseException) -> bool:
    """Whether a unique index refused a write."""
    if isinstance(error, BulkWriteError):
        return any(failure.get("code") == DUPLICATE_KEY for failure in error.details.get("writeErrors", []))
    return isinstance(error, DuplicateKeyError)


class Store:
    """MongoDB as this service uses it."""

    def __init__(self, database: Database) -> None:
        self.nodes: Collection = database["nodes"]
        self.versions: Collection = database["versions"]
        self.objects: Collection = database["objects"]
        self.commits: Collection = database["commits"]
        self.jobs: Collection = database["jobs"]
        self.journal: Collection = database["journal"]
        self.journals: Collection = database["journals"]
        self.shares = ShareStore(database)
        self.decisions: Decisions = MongoDecisions(database)
        self.links = LinkStore(database)

    async def create_indexes(self) -> None:
        await self.shares.create_indexes()
        await self.decisions.create_indexes()
        await self.links.create_indexes()
        if "live_by_order" not in await self.nodes.index_information():
            await self._fill_in_order()
        live = {"partialFilterExpression": {"live": True}}
        by_field = [
            IndexModel([("parent", ASCENDING), (field, ASCENDING), ("_id", ASCENDING)], name=f"live_by_{field}", **live)
            for field in ("order", "modified", "created", "size")
        ]
        await self.nodes.create_indexes(
            [
                IndexModel([("parent", ASCENDING), ("name", ASCENDING)], name=BY_NAME, unique=True, **live),
                *by_field,
                IndexModel(
                    [("parent", ASCENDING), ("tags", ASCENDING), ("name", ASCENDING)],
                    name="live_by_tag",
                    partialFilterExpression={"live": True, "tagged": True},
                ),
                IndexModel(
                    [("parent", ASCENDING), ("tags", ASCENDING), ("order", ASCENDING), ("_id", ASCENDING)],
                    name="live_by_tag_in_order",
                    partialFilterExpression={"live": True, "tagged": True},
                ),
                IndexModel([("owner", ASCENDING), ("_id", ASCENDING)], name="by_owner"),
                IndexModel(
                    [("owner", ASCENDING), ("trashed_at", DESCENDING), ("_id", DESCENDING)],
                    name="trash",
                    partialFilterExpression={"trashed_at": {"$exists": True}},
                ),
                IndexModel(
                    [("owner", ASCENDING), ("trashed_path", ASCENDING)],
                    name="trashed_paths",
                    partialFilterExpression={"trashed_at": {"$exists": True}},
                ),
                IndexModel(
                    [("parent", ASCENDING), ("_id", ASCENDING)],
                    name="live_folders",
                    partialFilterExpression={"live": True, "kind": "folder"},
                ),
            ]
        )
        await self.versions.create_index(
            [("owner", ASCENDING), ("node", ASCENDING), ("size", ASCENDING)], name="by_owner"
        )
        await self.objects.create_index(
            [("due_at", ASCENDING)], name="due", partialFilterExpression={"due_at": {"$exists": True}}
        )
        await self.commits.create_index("at", expireAfterSeconds=COMMITS_KEPT_SECONDS, name="kept")
        turns = IndexModel([("owner", ASCENDING), ("due_at", ASCENDING)], name="turns")
        await self.jobs.create_indexes([IndexModel("due_at", name="due"), turns])

    async def _fill_in_order(self) -> None:
        """Give nodes that were written before there was this order their place in it; once, before its index is."""
        rows = self.nodes.find({"order": {"$exists": False}}, {"kind": 1, "name": 1})
        while batch := await rows.to_list(FILLED_AT_ONCE):
            writes = [
                UpdateOne(row, {"$set": {"order": order_of(row["kind"], row["name"])}})  # unless renamed meanwhile
                for row in batch
            ]
            await self.nodes.bulk_write(writes, ordered=False)

    # --- nodes -------------------------------------------------------------------------------------------

    async def find_nodes(self, condition: Document, session: Session = None, *, index: str | None = None) -> list[Node]:
        """`index`: the one to be used, where finding out would cost more than the search."""
        rows = self.nodes.find(condition, session=session, hint=index)
        return [node_of(document) for document in await rows.to_list(None)]

    async def find_page(
        self, condition: Document, order: list[tuple[str, int]] | None, limit: int, session: Session = None
    ) -> list[Node]:
        """Up to `limit` nodes in `order`."""
        rows = self.nodes.find(condition, session=session, sort=order, limit=limit)
        return [node_of(document) for document in await rows.to_list(limit)]

    async def find_with_ancestors(self, node_id: str, session: Session = None) -> list[Node]:
        """A node and every folder above it, in no order; empty if there is no such node."""
        pipeline = [
            {"$match": {"_id": node_id}},
            {
                "$graphLookup": {
                    "from": self.nodes.name,
                    "startWith": "$parent",
                    "connectFromField": "parent",
                    "connectToField": "_id",
                    "as": "above",
                }
            },
        ]
        async for document in self.nodes.aggregate(pipeline, session=session):
            return [node_of(document), *(node_of(folder) for folder in document["above"])]
        return []

    async def make_root(self, account_id: str, now: datetime, session: Session) -> None:
        """Make an account's root folder unless somebody else has just done so: then a transaction is tried again."""
        try:
            await self.nodes.insert_one(node_document(root_node(account_id, now)), session=session)
        except DuplicateKeyError:
            if session is not None:
                raise

    async def bump(self, folder_ids: Iterable[str], session: Session) -> None:
        """Note that children of these folders change: conflicts at once with whoever else changes them now."""
        ids = sorted(set(folder_ids))
        if ids:
            await self.nodes.update_many({"_id": {"$in": ids}}, {"$inc": {"children_revision": 1}}, session=session)

    async def insert_nodes(self, nodes: Sequence[Node], session: Session) -> None:
        if nodes:
            await self.nodes.insert_many([node_document(node) for node in nodes], session=session)

    async def update_node(self, node_id: str, fields: Document, session: Session, *, unset: Sequence[str] = ()) -> None:
        update: Document = {"$set": fields}
        if unset:
            update["$unset"] = dict.fromkeys(unset, "")
        await self.nodes.update_one({"_id": node_id}, update, session=session)

    async def free_name(
        self, parent_id: str, candidates: Iterator[str], session: Session, taken: Container[str] = ()
    ) -> str:
        """The first of `candidates` that is no live name in a folder and not in `taken`."""
        while True:
            names = list(islice(candidates, NAMES_TRIED))
            condition = {"parent": parent_id, "live": True, "name": {"$in": names}}
            found = {row["name"] async for row in self.nodes.find(condition, {"name": 1}, session=session)}
            for name in names:
                if name not in found and name not in taken:
                    return name

    # --- versions and objects ----------------------------------------------------------------------------

    async def version(self, node_id: str, number: int, session: Session = None) -> Version | None:
        document = await self.versions.find_one({"_id": version_id(node_id, number)}, session=session)
        return version_of(document) if document else None

    async def versions_by_id(self, ids: Sequence[str]) -> dict[str, Version]:
        """Those of the versions that are kept, by their ids."""
        return {row["_id"]: version_of(row) async for row in self.versions.find({"_id": {"$in": list(ids)}})}

    async def find_versions(self, condition: Document, direction: int, limit: int) -> list[Version]:
        """Up to `limit` versions in the order of their numbers, or against it."""
        rows = self.versions.find(condition, sort=[("_id", direction)], limit=limit)
        return [version_of(document) for document in await rows.to_list(limit)]

    async def version_at(self, node_id: str, moment: datetime, session: Session = None) -> int | None:
        """Number of the last version kept that was there at a moment."""
        condition = {"_id": {"$gt": node_id + ".", "$lt": node_id + "/"}, "created": {"$lte": moment}}
        row = await self.versions.find_one(condition, sort=[("_id", -1)], session=session)
        return version_of(row).number if row else None

    async def versions_of(self, nodes: Sequence[Node], session: Session) -> list[Version]:
        """Every version kept of these files."""
        owners = {node.owner_id for node in nodes}
        condition = {"owner": {"$in": sorted(owners)}, "node": {"$in": [node.id for node in nodes]}}
        return [version_of(document) async for document in self.versions.find(condition, session=session)]

    async def insert_versions(self, versions: Sequence[Version], session: Session) -> None:
        await self.versions.insert_many([version_document(version) for version in versions], session=session)

    async def insert_objects(self, keys: Iterable[str], session: Session) -> None:
        """Objects that one version each refers to."""
        await self.objects.insert_many([{"_id": key, "refs": 1} for key in keys], session=session)

    async def share_objects(self, keys: Iterable[str], session: Session) -> bool:
        """Count one more reference to each; False if the last one to any of them has been given up."""
        counts = Counter(keys)
        if not counts:
            return True
        outcome = await self.objects.bulk_write(
            [UpdateOne({"_id": key, "refs": {"$gt": 0}}, {"$inc": {"refs": n}}) for key, n in counts.items()],
            session=session,
        )
        return bool(outcome.matched_count == len(counts))

    async def remove_versions(self, versions: Sequence[Version], now: datetime, session: Session) -> None:
        """Give up versions and their references; objects nobody refers to become due to be deleted."""
        if not versions:
            return
        ids = [version_id(version.node_id, version.number) for version in versions]
        await self.versions.delete_many({"_id": {"$in": ids}}, session=session)
        counts = Counter(version.object_key for version in versions)
        await self.objects.bulk_write([_drop(key, n, now) for key, n in counts.items()], session=session)

    async def storage_of(self, account_id: str) -> tuple[int, int]:
        """Bytes of all versions and number of files an account has, from the versions themselves."""
        pipeline: list[Document] = [
            {"$match": {"owner": account_id}},
            {"$group": {"_id": "$node", "bytes": {"$sum": "$size"}}},
            {"$group": {"_id": None, "bytes": {"$sum": "$bytes"}, "documents": {"$sum": 1}}},
        ]
        async for row in self.versions.aggregate(pipeline):
            return row["bytes"], row["documents"]
        return 0, 0


def _drop(key: str, references: int, now: datetime) -> UpdateOne:
    left = {"$set": {"refs": {"$subtract": ["$refs", references]}}}
    due = {"$set": {"due_at": {"$cond": [{"$lte": ["$refs", 0]}, now, "$$REMOVE"]}}}
    return UpdateOne({"_id": key}, [left, due])
