"""Revocations in MongoDB, kept for the lifetime of the tokens they concern."""

from datetime import UTC, datetime
from typing import Protocol

from docstore_events.transaction import Transaction
from docstore_platform.mongodb.client import MAJORITY_READS, Collection, Database, IndexModel
from docstore_platform.security.revocations import Revocation


class RevocationRepository(Protocol):
    async def add(self, revocation: Revocation, now: datetime, transaction: Transaction) -> None: ...

    async def since(self, moment: datetime) -> list[Revocation]:
        """Return those added after `moment`, by the clock of the instance that added them."""


class MongoRevocations:
    def __init__(self, database: Database) -> None:
        self._rows: Collection = database["revocations"]

    async def create_indexes(self) -> None:
        await self._rows.create_indexes([IndexModel("expires_at", expireAfterSeconds=0), IndexModel("added_at")])

    async def add(self, revocation: Revocation, now: datetime, transaction: Transaction) -> None:
        row = {
            "_id": revocation.id,
            "account_id": revocation.account_id,
            "session_ids": list(revocation.session_ids),
            "revision": revocation.revision,
            "added_at": now,
            "expires_at": datetime.fromtimestamp(revocation.expires_at, UTC),
        }
        await self._rows.insert_one(row, session=transaction.session)

    async def since(self, moment: datetime) -> list[Revocation]:
        # A revocation that an election rolls back must not end a session.
        settled = self._rows.with_options(read_concern=MAJORITY_READS)
        return [
            Revocation(
                row["_id"],
                row["account_id"],
                row["expires_at"].timestamp(),
                tuple(row["session_ids"]),
                row["revision"],
            )
            async for row in settled.find({"added_at": {"$gt": moment}})
        ]
