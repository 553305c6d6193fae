"""Shares in MongoDB.

shares       one document per node and e-mail address. `account` is set once its owner has proven the address and
             accepted the share. Until then it is `pending`, or names the account that is `invited` or `hidden_from`
invitations  how many shares an owner has made, and the end of the period
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

from docstore_metadata.documents import FieldMap, index
from docstore_metadata.sharding import COLLECTIONS
from docstore_metadata.sharing.rules import INVITATIONS_COUNT_FOR, Share
from docstore_platform.mongodb.client import ASCENDING, DESCENDING, Collection, Database, Document, Session, UpdateOne
from docstore_platform.mongodb.sharding import create_indexes
from docstore_platform.security.period_counts import Count, MongoPeriodCounts, PeriodCounts

HELD_BY = ("pending", "account", "invited", "hidden_from")
"""A share has one of these fields."""
SHARES = FieldMap(
    Share,
    {
        "id": "_id",
        "node_id": "node",
        "owner_id": "owner",
        "email": "email",
        "email_key": "email_key",
        "role": "role",
        "created_at": "created",
        "revision": "revision",
        "account_id": "account",
        "invited_id": "invited",
        "hidden_from": "hidden_from",
        "watermark": "watermark",
    },
    optional={"account_id", "invited_id", "hidden_from", "watermark"},
)


class Shares(Protocol):
    """Shares of files and folders."""

    async def of_nodes(self, node_ids: Iterable[str], session: Session = None) -> list[Share]: ...

    async def page_of_node(self, node_id: str, after: str, limit: int) -> list[Share]: ...

    async def page_of_reader(self, account_id: str, before: str | None, limit: int) -> list[Share]:
        """Shares with an account, the latest first."""

    async def invitations(self, account_id: str, before: str | None, limit: int) -> list[Share]:
        """Shares that an account is invited to, the latest first."""

    async def received(self, account_id: str, share_id: str, session: Session) -> Share | None:
        """A share that an account has or is invited to."""

    async def between(
        self, recipient_id: str, owner_id: str, limit: int, session: Session, *, before: str | None = None
    ) -> list[Share]:
        """Shares between two accounts, accepted or invited to; `before`: older than this id."""

    async def are_acquainted(self, one: str, other: str, session: Session) -> bool:
        """Whether either has an accepted share of the other."""

    async def pending(self, email_keys: Sequence[str], limit: int, session: Session) -> list[Share]: ...

    async def made_by(self, owner_id: str, before: datetime, limit: int, session: Session) -> list[Share]:
        """Shares of an owner, whoever they are with, made before a moment."""

    async def insert(self, share: Share, session: Session) -> None: ...

    async def save(self, shares: Sequence[Share], session: Session) -> None:
        """Store role, watermark, recipient and revision of existing shares."""

    async def remove(self, shares: Sequence[Share], session: Session) -> None:
        """Remove shares, and addresses without account that have no others."""

    async def count_invitation(self, owner_id: str, session: Session) -> Count:
        """Count a new share of an owner."""


class MongoShares:
    def __init__(self, database: Database) -> None:
        self._shares: Collection = database["shares"]
        self._people: Collection = database["people"]
        self._invitations: Collection = database["invitations"]
        self._invitation_counts: PeriodCounts = MongoPeriodCounts(self._invitations, INVITATIONS_COUNT_FOR)

    async def create_indexes(self) -> None:
        await create_indexes(
            self._shares,
            COLLECTIONS["shares"],
            [
                index("by_node", "node", "email_key", unique=True),
                index("by_account", "account", "-_id", only="account"),
                index("by_account_and_node", "account", "node", only="account"),
                index("by_account_and_owner", "account", "owner", only="account"),
                index("by_invited", "invited", "-_id", only="invited"),
                index("by_hidden_from", "hidden_from", "-_id", only="hidden_from"),
                index("pending", "email_key", "_id", only={"pending": True}),
                index("by_owner", "owner", "_id"),
            ],
        )
        await self._invitations.create_indexes([index("kept", "until", expireAfterSeconds=0)])

    async def of_nodes(self, node_ids: Iterable[str], session: Session = None) -> list[Share]:
        return await self._find({"node": {"$in": list(node_ids)}}, ASCENDING, session=session)

    async def page_of_node(self, node_id: str, after: str, limit: int) -> list[Share]:
        return await self._find({"node": node_id, "_id": {"$gt": after}}, ASCENDING, limit)

    async def page_of_reader(self, account_id: str, before: str | None, limit: int) -> list[Share]:
        return await self._latest({"account": account_id}, before, limit)

    async def invitations(self, account_id: str, before: str | None, limit: int) -> list[Share]:
        return await self._latest({"invited": account_id}, before, limit)

    async def _latest(self, condition: Document, before: str | None, limit: int) -> list[Share]:
        earlier = {} if before is None else {"_id": {"$lt": before}}
        return await self._find(condition | earlier, DESCENDING, limit)

    async def _find(
        self, condition: Document, direction: int, limit: int = 0, *, session: Session = None
    ) -> list[Share]:
        rows = self._shares.find(condition, session=session, sort=[("_id", direction)], limit=limit)
        return [SHARES.item(row) for row in await rows.to_list(None)]

    async def received(self, account_id: str, share_id: str, session: Session) -> Share | None:
        which = {"_id": share_id, "$or": [{"account": account_id}, {"invited": account_id}]}
        row = await self._shares.find_one(which, session=session)
        return SHARES.item(row) if row else None

    async def between(
        self, recipient_id: str, owner_id: str, limit: int, session: Session, *, before: str | None = None
    ) -> list[Share]:
        earlier = {"_id": {"$lt": before}} if before else {}
        which = [{field: recipient_id, "owner": owner_id, **earlier} for field in ("account", "invited")]
        rows = self._shares.find({"$or": which}, session=session, limit=limit)
        return [SHARES.item(row) for row in await rows.to_list(limit)]

    async def are_acquainted(self, one: str, other: str, session: Session) -> bool:
        which = [{"account": one, "owner": other}, {"account": other, "owner": one}]
        return await self._shares.find_one({"$or": which}, {"_id": 1}, session=session) is not None

    async def pending(self, email_keys: Sequence[str], limit: int, session: Session) -> list[Share]:
        condition = {"pending": True, "email_key": {"$in": list(email_keys)}}
        return await self._find(condition, ASCENDING, limit, session=session)

    async def made_by(self, owner_id: str, before: datetime, limit: int, session: Session) -> list[Share]:
        condition = {"owner": owner_id, "created": {"$lt": before}}
        return await self._find(condition, ASCENDING, limit, session=session)

    async def insert(self, share: Share, session: Session) -> None:
        await self._shares.insert_one(SHARES.document(share) | _held_by(share), session=session)

    async def save(self, shares: Sequence[Share], session: Session) -> None:
        updates: list[UpdateOne] = []
        for share in shares:
            held_by = _held_by(share)
            others = {field: "" for field in HELD_BY if field not in held_by}
            fields = {"role": share.role, "revision": share.revision, **held_by}
            if share.watermark is None:
                others["watermark"] = ""
            else:
                fields["watermark"] = share.watermark
            change = {"$set": fields, "$unset": others}
            updates.append(UpdateOne({"_id": share.id}, change))
        if updates:
            await self._shares.bulk_write(updates, session=session)

    async def remove(self, shares: Sequence[Share], session: Session) -> None:
        if not shares:
            return
        await self._shares.delete_many({"_id": {"$in": [share.id for share in shares]}}, session=session)
        waited_for = sorted({share.email_key for share in shares if share.account_id is None})
        if waited_for:
            # Their documents are written first: a concurrent share with the same address conflicts and is retried.
            await self._people.update_many({"_id": {"$in": waited_for}}, {"$inc": {"asked": 1}}, session=session)
            pipeline: list[Document] = [
                {"$match": {"email_key": {"$in": waited_for}}},
                {"$group": {"_id": "$email_key"}},
            ]
            still = {row["_id"] async for row in self._shares.aggregate(pipeline, session=session)}
            gone = [key for key in waited_for if key not in still]
            await self._people.delete_many({"_id": {"$in": gone}, "account": {"$exists": False}}, session=session)

    async def count_invitation(self, owner_id: str, session: Session) -> Count:
        return await self._invitation_counts.add(owner_id, session=session)


def _held_by(share: Share) -> Document:
    """The field that names its recipient, or that it is pending."""
    document = SHARES.document(share)
    return {field: document.get(field, True) for field in HELD_BY if field in document} or {"pending": True}
