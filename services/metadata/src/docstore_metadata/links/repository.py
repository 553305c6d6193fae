"""Links in MongoDB: collection `links`.

`token` is the SHA-256 of the token, `encrypted_token` its ciphertext. `warn_at` is there while the owner is still to be
told that the link is about to end. An expired link goes by itself after a while.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Protocol

from docstore_metadata.links.rules import KEPT_AFTER_END, Link, warning_moment
from docstore_platform.mongo import ASCENDING, Collection, Database, Document, IndexModel, ReturnDocument, Session


class Links(Protocol):
    """Public links of files and folders."""

    async def create_indexes(self) -> None: ...

    async def insert(self, link: Link, session: Session) -> None: ...

    async def get(self, node_id: str, link_id: str, session: Session = None) -> Link | None: ...

    async def by_token(self, token_hash: str) -> Link | None: ...

    async def by_operation(self, owner_id: str, operation: str) -> Link | None: ...

    async def count(self, node_id: str, session: Session) -> int: ...

    async def page_of_node(self, node_id: str, after: str, limit: int) -> list[Link]: ...

    async def of_nodes(self, node_ids: Iterable[str], session: Session) -> list[Link]: ...

    async def change(self, link: Link, fields: Document, now: datetime, session: Session) -> Link | None:
        """Set `fields`, None removing one; the link as it is then."""
        ...

    async def count_download(self, link_id: str, now: datetime) -> bool:
        """Count one more, if the link still opens: one conditional write, so of many at once no more pass than may."""
        ...

    async def count_open(self, link_id: str, session: Session) -> Link | None:
        """Count one more; None if the link is gone."""
        ...

    async def due_warnings(self, now: datetime, limit: int) -> list[Link]: ...

    async def take_warning(self, link: Link, now: datetime, *, publish: bool, session: Session) -> Link | None:
        """Note that the warning is done with; None if another instance was first, or the end has been put off."""
        ...

    async def remove(self, links: Iterable[Link], session: Session) -> None: ...


class MongoLinks:
    def __init__(self, database: Database) -> None:
        self._links: Collection = database["links"]

    async def create_indexes(self) -> None:
        await self._links.create_indexes(
            [
                IndexModel("token", name="by_token", unique=True),
                IndexModel([("node", ASCENDING), ("_id", ASCENDING)], name="by_node"),
                IndexModel(
                    [("owner", ASCENDING), ("operation", ASCENDING)],
                    name="by_operation",
                    unique=True,
                    partialFilterExpression={"operation": {"$exists": True}},
                ),
                IndexModel("warn_at", name="warnings", partialFilterExpression={"warn_at": {"$exists": True}}),
                IndexModel("expires_at", name="kept", expireAfterSeconds=round(KEPT_AFTER_END.total_seconds())),
            ]
        )

    async def insert(self, link: Link, session: Session) -> None:
        await self._links.insert_one(_document(link), session=session)

    async def get(self, node_id: str, link_id: str, session: Session = None) -> Link | None:
        row = await self._links.find_one({"_id": link_id, "node": node_id}, session=session)
        return _link_of(row) if row else None

    async def by_token(self, token_hash: str) -> Link | None:
        row = await self._links.find_one({"token": token_hash})
        return _link_of(row) if row else None

    async def by_operation(self, owner_id: str, operation: str) -> Link | None:
        row = await self._links.find_one({"owner": owner_id, "operation": operation})
        return _link_of(row) if row else None

    async def count(self, node_id: str, session: Session) -> int:
        return int(await self._links.count_documents({"node": node_id}, session=session))

    async def page_of_node(self, node_id: str, after: str, limit: int) -> list[Link]:
        rows = self._links.find({"node": node_id, "_id": {"$gt": after}}, sort=[("_id", ASCENDING)], limit=limit)
        return [_link_of(row) for row in await rows.to_list(limit)]

    async def of_nodes(self, node_ids: Iterable[str], session: Session) -> list[Link]:
        rows = self._links.find({"node": {"$in": list(node_ids)}}, session=session, sort=[("_id", ASCENDING)])
        return [_link_of(row) for row in await rows.to_list(None)]

    async def change(self, link: Link, fields: Document, now: datetime, session: Session) -> Link | None:
        update: Document = {
            "$set": {name: value for name, value in fields.items() if value is not None},
            "$unset": {name: "" for name, value in fields.items() if value is None},
        }
        if "expires_at" in fields:
            warn_at = warning_moment(fields["expires_at"], now)
            if warn_at is None:
                update["$unset"]["warn_at"] = ""
            else:
                update["$set"]["warn_at"] = warn_at
        return await self._update({"_id": link.id}, {name: part for name, part in update.items() if part}, session)

    async def count_download(self, link_id: str, now: datetime) -> bool:
        open_still = [
            {"$or": [{"expires_at": {"$exists": False}}, {"expires_at": {"$gt": now}}]},
            {"$or": [{"max_downloads": {"$exists": False}}, {"$expr": {"$lt": ["$downloads", "$max_downloads"]}}]},
        ]
        outcome = await self._links.update_one({"_id": link_id, "$and": open_still}, {"$inc": {"downloads": 1}})
        return bool(outcome.modified_count)

    async def count_open(self, link_id: str, session: Session) -> Link | None:
        return await self._update({"_id": link_id}, {"$inc": {"opens": 1, "revision": 1}}, session)

    async def due_warnings(self, now: datetime, limit: int) -> list[Link]:
        rows = self._links.find({"warn_at": {"$lte": now}}, sort=[("warn_at", ASCENDING)], limit=limit)
        return [_link_of(row) for row in await rows.to_list(limit)]

    async def take_warning(self, link: Link, now: datetime, *, publish: bool, session: Session) -> Link | None:
        update: Document = {"$unset": {"warn_at": ""}}
        if publish:
            update["$inc"] = {"revision": 1}
        return await self._update({"_id": link.id, "warn_at": {"$lte": now}}, update, session)

    async def remove(self, links: Iterable[Link], session: Session) -> None:
        await self._links.delete_many({"_id": {"$in": [link.id for link in links]}}, session=session)

    async def _update(self, condition: Document, update: Document, session: Session) -> Link | None:
        if not update:
            row = await self._links.find_one(condition, session=session)
        else:
            row = await self._links.find_one_and_update(
                condition, update, session=session, return_document=ReturnDocument.AFTER
            )
        return _link_of(row) if row else None


def _document(link: Link) -> Document:
    row: dict[str, Any] = {
        "_id": link.id,
        "token": link.token_hash,
        "node": link.node_id,
        "owner": link.owner_id,
        "name": link.name,
        "created_at": link.created_at,
        "expires_at": link.expires_at,
        "max_downloads": link.max_downloads,
        "password": link.password_hash,
        "encrypted_token": link.encrypted_token,
        "downloads": link.downloads,
        "opens": link.opens,
        "revision": link.revision,
        "operation": link.operation,
        "warn_at": warning_moment(link.expires_at, link.created_at),
    }
    return {name: value for name, value in row.items() if value is not None}


def _link_of(row: Document) -> Link:
    return Link(
        id=row["_id"],
        token_hash=row["token"],
        node_id=row["node"],
        owner_id=row["owner"],
        name=row["name"],
        created_at=row["created_at"],
        expires_at=row.get("expires_at"),
        max_downloads=row.get("max_downloads"),
        password_hash=row.get("password"),
        encrypted_token=row.get("encrypted_token"),
        downloads=row["downloads"],
        opens=row["opens"],
        revision=row["revision"],
        operation=row.get("operation"),
    )
