"""Links, in collection `links` of MongoDB.

`token` is the SHA-256 of the token, `encrypted_token` its ciphertext. `warn_at` is set until the owner is notified that
the link is about to expire. MongoDB deletes expired links after a while.
"""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Protocol

from docstore_metadata.documents import FieldMap, index
from docstore_metadata.links.rules import KEPT_AFTER_END, Link, warning_moment
from docstore_metadata.sharding import COLLECTIONS
from docstore_platform.mongodb.client import ASCENDING, Collection, Database, Document, ReturnDocument, Session
from docstore_platform.mongodb.sharding import create_indexes

OPTIONAL = {
    "expires_at",
    "max_downloads",
    "password_hash",
    "encrypted_token",
    "watermark",
    "operation",
    "max_files",
    "max_bytes",
}
RENAMED = {"id": "_id", "token_hash": "token", "node_id": "node", "owner_id": "owner", "password_hash": "password"}
LINKS = FieldMap(Link, {field.name: RENAMED.get(field.name, field.name) for field in fields(Link)}, OPTIONAL)


class Links(Protocol):
    async def insert(self, link: Link, session: Session) -> None: ...

    async def get(self, node_id: str, link_id: str, session: Session = None) -> Link | None: ...

    async def by_token(self, token_hashes: Sequence[str]) -> Link | None: ...

    async def by_operation(self, owner_id: str, operation: str) -> Link | None: ...

    async def count(self, node_id: str, session: Session) -> int: ...

    async def page_of_node(self, node_id: str, after: str, limit: int) -> list[Link]: ...

    async def of_nodes(self, node_ids: Iterable[str], session: Session) -> list[Link]: ...

    async def made_by(self, owner_id: str, before: datetime, limit: int, session: Session) -> list[Link]:
        """Links of an owner, to whatever, made before a moment."""

    async def existing(self, link_ids: Iterable[str], session: Session) -> set[str]:
        """Those of the links that are not revoked."""

    async def change(self, link: Link, fields: Document, now: datetime, session: Session) -> Link | None:
        """Set `fields`, or remove those that are None; returns the updated link."""

    async def count_downloads(self, link_id: str, number: int, now: datetime) -> bool:
        """Count so many downloads at once if the link still opens and its limit allows them all: one conditional write,
        so that concurrent calls keep the limit."""

    async def count_received(self, link: Link, size: int, now: datetime) -> bool:
        """Count a file of this size that is about to be sent, if the link still opens and its limits allow it."""

    async def uncount_received(self, link: Link, size: int) -> None:
        """Take back the count of a file whose upload was refused."""

    async def count_open(self, link_id: str, session: Session) -> Link | None:
        """Count an open; None if the link no longer exists."""

    async def due_warnings(self, now: datetime, limit: int) -> list[Link]: ...

    async def take_warning(self, link: Link, now: datetime, *, publish: bool, session: Session) -> Link | None:
        """Remove the warning; None if another instance was first, or the link was prolonged."""

    async def remove(self, links: Iterable[Link], session: Session) -> None: ...


class MongoLinks:
    def __init__(self, database: Database) -> None:
        self._links: Collection = database["links"]

    async def create_indexes(self) -> None:
        await create_indexes(
            self._links,
            COLLECTIONS["links"],
            [
                index("by_token", "token", unique=True),
                index("by_node", "node", "_id"),
                index("by_operation", "owner", "operation", only="operation", unique=True),
                index("by_owner", "owner", "_id"),
                index("warnings", "warn_at", only="warn_at"),
                index("kept", "expires_at", expireAfterSeconds=round(KEPT_AFTER_END.total_seconds())),
            ],
        )

    async def insert(self, link: Link, session: Session) -> None:
        warn_at = warning_moment(link.expires_at, link.created_at)
        await self._links.insert_one(LINKS.document(link) | ({"warn_at": warn_at} if warn_at else {}), session=session)

    async def get(self, node_id: str, link_id: str, session: Session = None) -> Link | None:
        return await self._one({"_id": link_id, "node": node_id}, session)

    async def by_token(self, token_hashes: Sequence[str]) -> Link | None:
        return await self._one({"token": {"$in": list(token_hashes)}})

    async def by_operation(self, owner_id: str, operation: str) -> Link | None:
        return await self._one({"owner": owner_id, "operation": operation})

    async def _one(self, condition: Document, session: Session = None) -> Link | None:
        row = await self._links.find_one(condition, session=session)
        return LINKS.item(row) if row else None

    async def count(self, node_id: str, session: Session) -> int:
        return int(await self._links.count_documents({"node": node_id}, session=session))

    async def page_of_node(self, node_id: str, after: str, limit: int) -> list[Link]:
        rows = self._links.find({"node": node_id, "_id": {"$gt": after}}, sort=[("_id", ASCENDING)], limit=limit)
        return [LINKS.item(row) for row in await rows.to_list(limit)]

    async def of_nodes(self, node_ids: Iterable[str], session: Session) -> list[Link]:
        rows = self._links.find({"node": {"$in": list(node_ids)}}, session=session, sort=[("_id", ASCENDING)])
        return [LINKS.item(row) for row in await rows.to_list(None)]

    async def made_by(self, owner_id: str, before: datetime, limit: int, session: Session) -> list[Link]:
        made = {"owner": owner_id, "created_at": {"$lt": before}}
        rows = self._links.find(made, session=session, sort=[("_id", ASCENDING)], limit=limit)
        return [LINKS.item(row) for row in await rows.to_list(limit)]

    async def existing(self, link_ids: Iterable[str], session: Session) -> set[str]:
        rows = self._links.find({"_id": {"$in": list(link_ids)}}, {"_id": 1}, session=session)
        return {row["_id"] for row in await rows.to_list(None)}

    async def change(self, link: Link, fields: Document, now: datetime, session: Session) -> Link | None:
        if "expires_at" in fields:
            fields = {**fields, "warn_at": warning_moment(fields["expires_at"], now)}
        update: Document = {
            "$set": {name: value for name, value in fields.items() if value is not None},
            "$unset": {name: "" for name, value in fields.items() if value is None},
        }
        return await self._update({"_id": link.id}, {name: part for name, part in update.items() if part}, session)

    async def count_downloads(self, link_id: str, number: int, now: datetime) -> bool:
        fits: Document = {"$lte": [{"$add": ["$downloads", number]}, "$max_downloads"]}
        open_still = [_open_at(now), {"$or": [{"max_downloads": {"$exists": False}}, {"$expr": fits}]}]
        outcome = await self._links.update_one({"_id": link_id, "$and": open_still}, {"$inc": {"downloads": number}})
        return bool(outcome.modified_count)

    async def count_received(self, link: Link, size: int, now: datetime) -> bool:
        fits: Document = {"$lte": [{"$add": ["$received_bytes", size]}, "$max_bytes"]}
        room = [_open_at(now), {"$or": [{"max_bytes": {"$exists": False}}, {"$expr": fits}]}]
        condition: Document = {
            "_id": link.id,
            "kind": link.kind,
            "received_files": {"$lt": link.most_files},
            "$and": room,
        }
        count = {"$inc": {"received_files": 1, "received_bytes": size}}
        return bool((await self._links.update_one(condition, count)).modified_count)

    async def uncount_received(self, link: Link, size: int) -> None:
        await self._links.update_one({"_id": link.id}, {"$inc": {"received_files": -1, "received_bytes": -size}})

    async def count_open(self, link_id: str, session: Session) -> Link | None:
        return await self._update({"_id": link_id}, {"$inc": {"opens": 1, "revision": 1}}, session)

    async def due_warnings(self, now: datetime, limit: int) -> list[Link]:
        rows = self._links.find({"warn_at": {"$lte": now}}, sort=[("warn_at", ASCENDING)], limit=limit)
        return [LINKS.item(row) for row in await rows.to_list(limit)]

    async def take_warning(self, link: Link, now: datetime, *, publish: bool, session: Session) -> Link | None:
        update: Document = {"$unset": {"warn_at": ""}}
        if publish:
            update["$inc"] = {"revision": 1}
        return await self._update({"_id": link.id, "warn_at": {"$lte": now}}, update, session)

    async def remove(self, links: Iterable[Link], session: Session) -> None:
        await self._links.delete_many({"_id": {"$in": [link.id for link in links]}}, session=session)

    async def _update(self, condition: Document, update: Document, session: Session) -> Link | None:
        if not update:
            return await self._one(condition, session)
        row = await self._links.find_one_and_update(
            condition, update, session=session, return_document=ReturnDocument.AFTER
        )
        return LINKS.item(row) if row else None


def _open_at(now: datetime) -> Document:
    return {"$or": [{"expires_at": {"$exists": False}}, {"expires_at": {"$gt": now}}]}
