"""Photos by the date they were taken, in collection `nodes` of MongoDB. The index has nothing but photos and videos."""

from datetime import UTC, datetime
from typing import Protocol

from docstore_metadata.documents import index
from docstore_metadata.photos.query import PhotoQuery
from docstore_metadata.tree.documents import node_of
from docstore_metadata.tree.rules import Node
from docstore_platform.mongodb.client import Collection, Document

BY_DATE = "photos_by_date"
FIRST = datetime(1, 1, 1, tzinfo=UTC)
OF_OLDER_RELEASES: Document = {
    "photo_at": {"$exists": False},
    "preview_version": {"$gt": 0},
    "$expr": {"$eq": ["$preview_version", "$version"]},
    "content_type": {"$regex": "^(image|video)/"},
}


class Photos(Protocol):
    """Photos and videos of accounts. Those in folders in the trash may be among them."""

    async def page(self, query: PhotoQuery) -> list[Node]:
        """The photos that are asked for, and one more if there are more."""

    async def months(self, owner_id: str) -> list[tuple[str, int]]:
        """Months with photos as `YYYY-MM`, the latest first, and how many each has."""


class MongoPhotos:
    def __init__(self, nodes: Collection) -> None:
        self._nodes = nodes

    async def create_indexes(self) -> None:
        if BY_DATE not in await self._nodes.index_information():
            # Their events came before this release: the client's date is that of most cameras' files, too.
            taken = {"$ifNull": ["$client_modified", "$created"]}
            await self._nodes.update_many(OF_OLDER_RELEASES, [{"$set": {"photo_at": taken}}])
        # With `hidden`, months are counted from the index alone.
        fields = ("owner", "live", "photo_at", "_id", "hidden")
        await self._nodes.create_indexes([index(BY_DATE, *fields, only="photo_at")])

    async def page(self, query: PhotoQuery) -> list[Node]:
        order = [("photo_at", -1), ("_id", -1)]
        rows = self._nodes.find(photo_filter(query), sort=order, limit=query.limit + 1, hint=BY_DATE)
        return [node_of(row) for row in await rows.to_list(None)]

    async def months(self, owner_id: str) -> list[tuple[str, int]]:
        rows = self._nodes.aggregate(month_pipeline(owner_id), hint=BY_DATE)
        return [(row["_id"], row["count"]) async for row in rows]


def photo_filter(query: PhotoQuery) -> Document:
    bounds: Document = {"$gte": query.after or FIRST}
    if query.before is not None:
        bounds["$lt"] = query.before
    base: Document = {"owner": query.owner_id, "live": True, "photo_at": bounds}
    if query.position is None:
        return base
    taken, node_id = query.position
    earlier = {**base, "photo_at": {"$gte": bounds["$gte"], "$lt": min(taken, query.before or taken)}}
    return {"$or": [{**base, "photo_at": taken, "_id": {"$lt": node_id}}, earlier]}


def month_pipeline(owner_id: str) -> list[Document]:
    photos: Document = {"owner": owner_id, "live": True, "photo_at": {"$gte": FIRST}}
    month = {"$dateToString": {"date": "$photo_at", "format": "%Y-%m"}}
    return [
        {"$match": photos},
        {"$group": {"_id": {"month": month, "hidden": {"$ifNull": ["$hidden", False]}}, "count": {"$sum": 1}}},
        {"$match": {"_id.hidden": False}},
        {"$project": {"_id": "$_id.month", "count": 1}},
        {"$sort": {"_id": -1}},
    ]
