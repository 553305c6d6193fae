"""Shares in MongoDB.

shares  one for each person a node is shared with; `account` is there once the address is proven to be somebody's and
        they have accepted it: until then it is `pending`, or names the account that is `invited` or that it is
        `hidden_from`
invitations  how many shares an owner has made, and until when that counts
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

from docstore_metadata.sharing.rules import INVITATIONS_COUNT_FOR, Share
from docstore_platform.mongo import (
    ASCENDING,
    DESCENDING,
    Collection,
    Database,
    Document,
    IndexModel,
    Session,
    UpdateOne,
)
from docstore_platform.period_counts import Count, MongoPeriodCounts, PeriodCounts

HELD_BY = ("pending", "account", "invited", "hidden_from")
"""Of these fields a share has one."""


class Shares(Protocol):
    """Shares of files and folders."""

    async def create_indexes(self) -> None: ...

    async def of_nodes(self, node_ids: Iterable[str], session: Session = None) -> list[Share]: ...

    async def page_of_node(self, node_id: str, after: str, limit: int) -> list[Share]: ...

    async def page_of_reader(self, account_id: str, before: str | None, limit: int) -> list[Share]:
        """What is shared with an account, the latest first."""
        ...

    async def invitations(self, account_id: str, before: str | None, limit: int) -> list[Share]:
        """What waits until an account accepts it, the latest first."""
        ...

    async def received(self, account_id: str, share_id: str, session: Session) -> Share | None:
        """A share that an account has or is invited to."""
        ...

    async def between(
        self, recipient_id: str, owner_id: str, limit: int, session: Session, *, before: str | None = None
    ) -> list[Share]:
        """What one account shares with another that has it or is invited to it; `before`: made before this id was."""
        ...

    async def are_acquainted(self, one: str, other: str, session: Session) -> bool:
        """Whether either has something that the other shares."""
        ...

    async def pending(self, email_keys: Sequence[str], limit: int, session: Session) -> list[Share]: ...

    async def insert(self, share: Share, session: Session) -> None: ...

    async def save(self, shares: Sequence[Share], session: Session) -> None:
        """Role, account and revision of shares that exist."""
        ...

    async def remove(self, shares: Sequence[Share], session: Session) -> None:
        """Of shares and of addresses that were known for nothing else."""
        ...

    async def count_invitation(self, owner_id: str, session: Session) -> Count:
        """Count one more share that an owner has made."""
        ...


class MongoShares:
    def __init__(self, database: Database) -> None:
        self._shares: Collection = database["shares"]
        self._people: Collection = database["people"]
        self._invitations: Collection = database["invitations"]
        self._invitation_counts: PeriodCounts = MongoPeriodCounts(self._invitations, INVITATIONS_COUNT_FOR)

    async def create_indexes(self) -> None:
        granted: Document = {"partialFilterExpression": {"account": {"$exists": True}}}
        await self._shares.create_indexes(
            [
                IndexModel([("node", ASCENDING), ("email_key", ASCENDING)], name="by_node", unique=True),
                *(
                    IndexModel([("account", ASCENDING), (field, direction)], name=name, **granted)
                    for name, field, direction in (
                        ("by_account", "_id", DESCENDING),
                        ("by_account_and_node", "node", ASCENDING),
                        ("by_account_and_owner", "owner", ASCENDING),
                    )
                ),
                *(
                    IndexModel(
                        [(field, ASCENDING), ("_id", DESCENDING)],
                        name=name,
                        partialFilterExpression={field: {"$exists": True}},
                    )
                    for name, field in (("by_invited", "invited"), ("by_hidden_from", "hidden_from"))
                ),
                IndexModel(
                    [("email_key", ASCENDING), ("_id", ASCENDING)],
                    name="pending",
                    partialFilterExpression={"pending": True},
                ),
            ]
        )
        await self._invitations.create_index(
            "until", expireAfterSeconds=0, name="kept"
        )  # its name since the first release

    async def of_nodes(self, node_ids: Iterable[str], session: Session = None) -> list[Share]:
        rows = self._shares.find({"node": {"$in": list(node_ids)}}, session=session, sort=[("_id", ASCENDING)])
        return [_share_of(row) for row in await rows.to_list(None)]

    async def page_of_node(self, node_id: str, after: str, limit: int) -> list[Share]:
        rows = self._shares.find({"node": node_id, "_id": {"$gt": after}}, sort=[("_id", ASCENDING)], limit=limit)
        return [_share_of(row) for row in await rows.to_list(limit)]

    async def page_of_reader(self, account_id: str, before: str | None, limit: int) -> list[Share]:
        condition: Document = {"account": account_id}
        if before is not None:
            condition["_id"] = {"$lt": before}
        rows = self._shares.find(condition, sort=[("_id", DESCENDING)], limit=limit)
        return [_share_of(row) for row in await rows.to_list(limit)]

    async def invitations(self, account_id: str, before: str | None, limit: int) -> list[Share]:
        condition: Document = {"invited": account_id}
        if before is not None:
            condition["_id"] = {"$lt": before}
        rows = self._shares.find(condition, sort=[("_id", DESCENDING)], limit=limit)
        return [_share_of(row) for row in await rows.to_list(limit)]

    async def received(self, account_id: str, share_id: str, session: Session) -> Share | None:
        which = {"_id": share_id, "$or": [{"account": account_id}, {"invited": account_id}]}
        row = await self._shares.find_one(which, session=session)
        return _share_of(row) if row else None

    async def between(
        self, recipient_id: str, owner_id: str, limit: int, session: Session, *, before: str | None = None
    ) -> list[Share]:
        earlier = {"_id": {"$lt": before}} if before else {}
        which = [{field: recipient_id, "owner": owner_id, **earlier} for field in ("account", "invited")]
        rows = self._shares.find({"$or": which}, session=session, limit=limit)
        return [_share_of(row) for row in await rows.to_list(limit)]

    async def are_acquainted(self, one: str, other: str, session: Session) -> bool:
        which = [{"account": one, "owner": other}, {"account": other, "owner": one}]
        return await self._shares.find_one({"$or": which}, {"_id": 1}, session=session) is not None

    async def pending(self, email_keys: Sequence[str], limit: int, session: Session) -> list[Share]:
        condition = {"pending": True, "email_key": {"$in": list(email_keys)}}
        rows = self._shares.find(condition, session=session, sort=[("_id", ASCENDING)], limit=limit)
        return [_share_of(row) for row in await rows.to_list(limit)]

    async def insert(self, share: Share, session: Session) -> None:
        await self._shares.insert_one(_share_document(share), session=session)

    async def save(self, shares: Sequence[Share], session: Session) -> None:
        updates: list[UpdateOne] = []
        for share in shares:
            held_by = _held_by(share)
            others = {field: "" for field in HELD_BY if field not in held_by}
            change = {"$set": {"role": share.role, "revision": share.revision, **held_by}, "$unset": others}
            updates.append(UpdateOne({"_id": share.id}, change))
        if updates:
            await self._shares.bulk_write(updates, session=session)

    async def remove(self, shares: Sequence[Share], session: Session) -> None:
        if not shares:
            return
        await self._shares.delete_many({"_id": {"$in": [share.id for share in shares]}}, session=session)
        waited_for = sorted({share.email_key for share in shares if share.account_id is None})
        if waited_for:
            # Their documents are written first: whoever shares something else with them now is tried again.
            await self._people.update_many({"_id": {"$in": waited_for}}, {"$inc": {"asked": 1}}, session=session)
            still = set(await self._shares.distinct("email_key", {"email_key": {"$in": waited_for}}, session=session))
            gone = [key for key in waited_for if key not in still]
            await self._people.delete_many({"_id": {"$in": gone}, "account": {"$exists": False}}, session=session)

    async def count_invitation(self, owner_id: str, session: Session) -> Count:
        return await self._invitation_counts.add(owner_id, session=session)


def _share_document(share: Share) -> Document:
    document: Document = {
        "_id": share.id,
        "node": share.node_id,
        "owner": share.owner_id,
        "email": share.email,
        "email_key": share.email_key,
        "role": share.role,
        "created": share.created_at,
        "revision": share.revision,
    }
    return document | _held_by(share)


def _held_by(share: Share) -> Document:
    """Whose it is, or how it waits."""
    for field, account_id in zip(HELD_BY[1:], (share.account_id, share.invited_id, share.hidden_from), strict=True):
        if account_id is not None:
            return {field: account_id}
    return {"pending": True}


def _share_of(row: Document) -> Share:
    return Share(
        id=row["_id"],
        node_id=row["node"],
        owner_id=row["owner"],
        email=row["email"],
        email_key=row["email_key"],
        account_id=row.get("account"),
        role=row["role"],
        created_at=row["created"],
        revision=row["revision"],
        invited_id=row.get("invited"),
        hidden_from=row.get("hidden_from"),
    )
