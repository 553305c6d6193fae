"""Directory of the accounts of all regions, open sign-ups and introductions, in MongoDB."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from docstore_accounts.regions.rules import CLAIMED, Entry, claim_over, compare_entries
from docstore_accounts.sharding import COLLECTIONS
from docstore_events.transaction import Transaction, session_of
from docstore_platform.mongodb.client import (
    Collection,
    Database,
    DeleteOne,
    Document,
    DuplicateKeyError,
    IndexModel,
    ReplaceOne,
)
from docstore_platform.mongodb.sharding import create_indexes

FORGET_SIGN_UPS_SECONDS = 3600


class Directory(Protocol):
    """Which account has which e-mail: one entry each."""

    async def get(self, email_hash: str, transaction: Transaction | None = None) -> Entry | None: ...

    async def apply(self, received: Sequence[Entry], transaction: Transaction) -> list[Entry]:
        """Store entries that are newer; returns those whose e-mail another account has."""

    async def claim(self, email_hash: str, account_id: str, region: str) -> Entry | None:
        """Claim the e-mail for the account; return None if it has it now, else the other holder."""

    async def take_over(self, holder: Entry, account_id: str, region: str) -> bool:
        """Replace an entry whose account does not exist by a claim; False if the entry has changed."""


class SignUps(Protocol):
    """Open sign-ups. A sign-up can create its account only while its row exists."""

    async def begin(self, account_id: str, now: datetime) -> None: ...

    async def begun_at(self, account_id: str) -> datetime | None: ...

    async def end(self, account_id: str, transaction: Transaction | None = None) -> bool:
        """Delete the row; return whether it existed."""


class Introductions(Protocol):
    """Exchange of existing accounts when a region is added, in both directions."""

    async def made(self, region: str) -> bool:
        """Whether the accounts from before the region was added are queued for it."""

    async def make(self, region: str, *, awaited: bool) -> None:
        """Record that they are queued; `awaited`: this region must still receive those of the other."""

    async def awaited(self) -> list[str]:
        """Return the regions whose accounts must still be received."""

    async def complete(self, region: str) -> None:
        """Record that all accounts of the region were received."""


class MongoDirectory:
    def __init__(self, database: Database, region: str) -> None:
        self._entries: Collection = database["directory"]
        self._here = region

    async def create_indexes(self) -> None:
        await create_indexes(self._entries, COLLECTIONS["directory"], [IndexModel("account_id", unique=True)])

    async def get(self, email_hash: str, transaction: Transaction | None = None) -> Entry | None:
        row = await self._entries.find_one({"_id": email_hash}, session=session_of(transaction))
        return _entry(row) if row else None

    async def apply(self, received: Sequence[Entry], transaction: Transaction) -> list[Entry]:
        hashes, ids = [entry.email_hash for entry in received], [entry.account_id for entry in received]
        query = {"$or": [{"_id": {"$in": hashes}}, {"account_id": {"$in": ids}}]}
        found = [_entry(row) async for row in self._entries.find(query, session=transaction.session)]
        by_account = {entry.account_id: entry for entry in found}
        by_hash = {entry.email_hash: entry for entry in found}
        writes: list[DeleteOne | ReplaceOne[Document]] = []
        conflicts: list[Entry] = []
        for entry in received:
            known = by_account.get(entry.account_id)
            outcome = compare_entries(entry, known, by_hash.get(entry.email_hash), self._here)
            if outcome == "conflict":
                conflicts.append(entry)
            if outcome != "newer":
                continue
            if known is not None and known.email_hash != entry.email_hash:
                writes.append(DeleteOne({"_id": known.email_hash, "account_id": known.account_id}))
            writes.append(ReplaceOne({"_id": entry.email_hash}, _row(entry), upsert=True))
            by_account[entry.account_id] = by_hash[entry.email_hash] = entry
        if writes:
            await self._entries.bulk_write(writes, session=transaction.session)
        return conflicts

    async def claim(self, email_hash: str, account_id: str, region: str) -> Entry | None:
        while True:
            try:
                await self._entries.insert_one(_row(Entry(account_id, email_hash, region, "active", CLAIMED)))
                return None
            except DuplicateKeyError:
                holder = await self.get(email_hash)
            if holder is not None:
                return None if holder.account_id == account_id else holder

    async def take_over(self, holder: Entry, account_id: str, region: str) -> bool:
        outcome = await self._entries.replace_one(_row(holder), _row(claim_over(holder, account_id, region)))
        return bool(outcome.matched_count)


class MongoSignUps:
    def __init__(self, database: Database) -> None:
        self._rows: Collection = database["sign_ups"]

    async def create_indexes(self) -> None:
        # Rows that a crash leaves behind may go at any time: a sign-up without its row can't create an account.
        await self._rows.create_indexes([IndexModel("begun_at", expireAfterSeconds=FORGET_SIGN_UPS_SECONDS)])

    async def begin(self, account_id: str, now: datetime) -> None:
        await self._rows.insert_one({"_id": account_id, "begun_at": now})

    async def begun_at(self, account_id: str) -> datetime | None:
        row = await self._rows.find_one({"_id": account_id})
        return row["begun_at"] if row else None

    async def end(self, account_id: str, transaction: Transaction | None = None) -> bool:
        outcome = await self._rows.delete_one({"_id": account_id}, session=session_of(transaction))
        return bool(outcome.deleted_count)


class MongoIntroductions:
    def __init__(self, database: Database) -> None:
        self._rows: Collection = database["introductions"]

    async def made(self, region: str) -> bool:
        return await self._rows.find_one({"_id": region}) is not None

    async def make(self, region: str, *, awaited: bool) -> None:
        await self._rows.update_one({"_id": region}, {"$setOnInsert": {"awaited": awaited}}, upsert=True)

    async def awaited(self) -> list[str]:
        return [row["_id"] async for row in self._rows.find({"awaited": True})]

    async def complete(self, region: str) -> None:
        await self._rows.update_one({"_id": region}, {"$set": {"awaited": False}})


def _row(entry: Entry) -> Document:
    return {
        "_id": entry.email_hash,
        "account_id": entry.account_id,
        "home_region": entry.home_region,
        "status": entry.status,
        "revision": entry.revision,
    }


def _entry(row: Document) -> Entry:
    return Entry(row["account_id"], row["_id"], row["home_region"], row["status"], row["revision"])
