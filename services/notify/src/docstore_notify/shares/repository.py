"""Shares in the state last notified, and limits on invitations to an address, in MongoDB."""

from collections.abc import Collection as Several
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Protocol

from docstore_notify.domain import Notice
from docstore_notify.shares.rules import Share, address_hash
from docstore_platform.clock import Clock, utc_now
from docstore_platform.mongodb.client import Collection, Database, Document, ReplaceOne, Session, UpdateOne


class Shares(Protocol):
    async def find(self, share_ids: Several[str], session: Session = None) -> dict[str, Share]: ...

    async def keep(self, shares: Iterable[Share], session: Session) -> None: ...

    async def wants_no_invitations(self, address: str) -> bool: ...

    async def stop_invitations(self, address_hash: str) -> None:
        """Send no more invitations to the address with this `address_hash`."""


class MongoShares:
    def __init__(self, database: Database) -> None:
        self._shares: Collection = database["shares"]
        self._uninvited: Collection = database["uninvited"]

    async def find(self, share_ids: Several[str], session: Session = None) -> dict[str, Share]:
        rows = self._shares.find({"_id": {"$in": list(share_ids)}}, session=session)
        return {
            row["_id"]: Share(
                row["_id"], row["revision"], row["account_id"], row["role"], row["revoked"], row.get("invited_id")
            )
            async for row in rows
        }

    async def keep(self, shares: Iterable[Share], session: Session) -> None:
        writes = [
            ReplaceOne(
                {"_id": share.id},
                {
                    "revision": share.revision,
                    "account_id": share.account_id,
                    "role": share.role,
                    "revoked": share.revoked,
                    "invited_id": share.invited_id,
                },
                upsert=True,
            )
            for share in shares
        ]
        if writes:
            await self._shares.bulk_write(writes, session=session)

    async def wants_no_invitations(self, address: str) -> bool:
        return await self._uninvited.find_one({"_id": address_hash(address)}) is not None

    async def stop_invitations(self, address_hash: str) -> None:
        await self._uninvited.update_one({"_id": address_hash}, {"$setOnInsert": {}}, upsert=True)


PERIOD = timedelta(days=1)
MAX_TO_A_RECIPIENT = 100
"""Changes of shares that one person or address is notified of a day, from all senders."""


class ShareLimits(Protocol):
    async def allowed(self, notices: Iterable[Notice], session: Session) -> list[Notice]:
        """Return the notices within the limits and count them; all channels of a change beyond them are dropped."""


class MongoShareLimits:
    """Limits notices: once a day for each sender, recipient, file and kind of change, however often it is repeated."""

    def __init__(self, database: Database, clock: Clock = utc_now) -> None:
        self._rows: Collection = database["told_shares"]
        self._clock = clock

    async def create_indexes(self) -> None:
        await self._rows.create_index("recipient")
        await self._rows.create_index("until", expireAfterSeconds=0)

    async def allowed(self, notices: Iterable[Notice], session: Session) -> list[Notice]:
        now = self._clock()
        kept: list[Notice] = []
        news: dict[str, Document] = {}
        event_ids: dict[str, str] = {}
        for notice in notices:
            recipient = address_hash(notice.address) if notice.address else notice.account_id
            facts = notice.facts
            key = f"{facts['owner_id']}:{recipient}:{facts['file_id']}:{facts.get('change', notice.kind)}"
            if key not in news:
                if not await self._is_news(key, recipient, len(news), now, session):
                    continue
                news[key], event_ids[key] = {"recipient": recipient, "until": now + PERIOD}, notice.event_id
            if event_ids[key] == notice.event_id:  # another channel, not the same change again
                kept.append(notice)
        if news:
            writes = [UpdateOne({"_id": key}, {"$set": row}, upsert=True) for key, row in news.items()]
            await self._rows.bulk_write(writes, session=session)
        return kept

    async def _is_news(self, key: str, recipient: str, added: int, now: datetime, session: Session) -> bool:
        if await self._rows.find_one({"_id": key, "until": {"$gt": now}}, session=session):
            return False
        running = {"recipient": recipient, "until": {"$gt": now}}
        told = int(await self._rows.count_documents(running, session=session))
        return told + added < MAX_TO_A_RECIPIENT
