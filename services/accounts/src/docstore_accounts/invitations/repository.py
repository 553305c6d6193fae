"""How many invitations were mailed, by whom and to which address, in MongoDB; a row goes by itself."""

import hashlib
from datetime import datetime, timedelta
from typing import Protocol

from docstore_events.transaction import Transaction
from docstore_platform.mongo import Collection, Database, DuplicateKeyError, ReturnDocument, conflict

PERIOD = timedelta(days=1)


class InvitationCounts(Protocol):
    async def add(self, subject: str, now: datetime, transaction: Transaction) -> tuple[int, datetime]:
        """Count one more of an account id or address; how many there are in this period, and when it ends."""
        ...


class MongoInvitationCounts:
    def __init__(self, database: Database) -> None:
        self._rows: Collection = database["invitation_counts"]

    async def create_indexes(self) -> None:
        await self._rows.create_index("until", expireAfterSeconds=0)

    async def add(self, subject: str, now: datetime, transaction: Transaction) -> tuple[int, datetime]:
        running = {"$gt": ["$until", now]}
        count = {"$cond": [running, {"$add": ["$count", 1]}, 1]}
        until = {"$cond": [running, "$until", now + PERIOD]}
        try:
            row = await self._rows.find_one_and_update(
                {"_id": hashlib.sha256(subject.encode()).hexdigest()},
                [{"$set": {"count": count, "until": until}}],
                upsert=True,
                return_document=ReturnDocument.AFTER,
                session=transaction.session,
            )
        except DuplicateKeyError as error:
            raise conflict("another transaction has just counted the first") from error
        return row["count"], row["until"]
