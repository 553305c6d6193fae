"""Sessions, and the devices of each account's log-ins, in MongoDB. Devices outlive their sessions.

A device is recognized by a token that it gets at its first log-in and sends at the next. Its name is for people only:
anyone can choose the name of another device.
"""

import hashlib
from dataclasses import asdict
from datetime import datetime
from typing import Protocol

from docstore_accounts.sessions.rules import RefreshToken, Session
from docstore_events.transaction import Transaction, session_of
from docstore_platform.mongodb.client import ASCENDING, Collection, Database, Document, IndexModel, ReturnDocument


class SessionRepository(Protocol):
    async def insert(self, session: Session, transaction: Transaction | None = None) -> None: ...

    async def rotate(self, old: RefreshToken, new: RefreshToken, now: datetime, expires_at: datetime) -> Session | None:
        """Replace the session's current token `old`; None if it is not current. Of two concurrent calls, one wins."""

    async def get(self, session_id: str, transaction: Transaction | None = None) -> Session | None: ...

    async def of_account(self, account_id: str, before: str, limit: int) -> list[Session]:
        """Return sessions with an id below `before` (empty: all), newest first."""

    async def delete(self, session_id: str, account_id: str, transaction: Transaction | None = None) -> bool: ...

    async def used_since(self, account_id: str, moment: datetime, transaction: Transaction) -> list[str]:
        """Return the ids of sessions that got a token after `moment`."""

    async def delete_all(self, account_id: str, *, but: str = "", transaction: Transaction | None = None) -> None: ...


class DeviceRepository(Protocol):
    async def knows(self, account_id: str, token: str) -> bool:
        """Whether the account has logged in on this device before."""

    async def has_any(self, account_id: str, transaction: Transaction) -> bool:
        """Whether the account has logged in on any device before."""

    async def note(self, session: Session, token: str, transaction: Transaction) -> bool:
        """Store the device of a new session; return whether it is new to the account."""

    async def forget_all(self, account_id: str, transaction: Transaction) -> None: ...


class MongoSessions:
    def __init__(self, database: Database) -> None:
        self._sessions: Collection = database["sessions"]

    async def create_indexes(self) -> None:
        await self._sessions.create_indexes(
            [
                IndexModel([("account_id", ASCENDING), ("_id", ASCENDING)]),
                IndexModel("expires_at", expireAfterSeconds=0),
            ]
        )

    async def insert(self, session: Session, transaction: Transaction | None = None) -> None:
        await self._sessions.insert_one(_row(session), session=session_of(transaction))

    async def rotate(self, old: RefreshToken, new: RefreshToken, now: datetime, expires_at: datetime) -> Session | None:
        row = await self._sessions.find_one_and_update(
            {
                "_id": old.session_id,
                "family_hash": old.family_hash,
                "secret_hash": old.secret_hash,
                "expires_at": {"$gt": now},
            },
            {"$set": {"secret_hash": new.secret_hash, "last_used_at": now, "expires_at": expires_at}},
            return_document=ReturnDocument.AFTER,
        )
        return _session(row) if row else None

    async def get(self, session_id: str, transaction: Transaction | None = None) -> Session | None:
        row = await self._sessions.find_one({"_id": session_id}, session=session_of(transaction))
        return _session(row) if row else None

    async def of_account(self, account_id: str, before: str, limit: int) -> list[Session]:
        query: Document = {"account_id": account_id} | ({"_id": {"$lt": before}} if before else {})
        rows = await self._sessions.find(query).sort("_id", -1).limit(limit).to_list(limit)
        return [_session(row) for row in rows]

    async def delete(self, session_id: str, account_id: str, transaction: Transaction | None = None) -> bool:
        outcome = await self._sessions.delete_one(
            {"_id": session_id, "account_id": account_id}, session=session_of(transaction)
        )
        return bool(outcome.deleted_count)

    async def used_since(self, account_id: str, moment: datetime, transaction: Transaction) -> list[str]:
        query = {"account_id": account_id, "last_used_at": {"$gt": moment}}
        return [row["_id"] async for row in self._sessions.find(query, {"_id": 1}, session=transaction.session)]

    async def delete_all(self, account_id: str, *, but: str = "", transaction: Transaction | None = None) -> None:
        await self._sessions.delete_many(
            {"account_id": account_id, "_id": {"$ne": but}}, session=session_of(transaction)
        )


class MongoDevices:
    def __init__(self, database: Database) -> None:
        self._devices: Collection = database["devices"]

    async def create_indexes(self) -> None:
        await self._devices.create_index("account_id")

    async def has_any(self, account_id: str, transaction: Transaction) -> bool:
        return (
            await self._devices.find_one({"account_id": account_id}, {"_id": 1}, session=transaction.session)
            is not None
        )

    async def knows(self, account_id: str, token: str) -> bool:
        return await self._devices.find_one({"_id": _row_id(account_id, token)}, {"_id": 1}) is not None

    async def note(self, session: Session, token: str, transaction: Transaction) -> bool:
        outcome = await self._devices.update_one(
            {"_id": _row_id(session.account_id, token)},
            {
                "$set": {"last_login_at": session.created_at, "name": session.device},
                "$setOnInsert": {"account_id": session.account_id},
            },
            upsert=True,
            session=transaction.session,
        )
        return not outcome.matched_count

    async def forget_all(self, account_id: str, transaction: Transaction) -> None:
        await self._devices.delete_many({"account_id": account_id}, session=transaction.session)


def _row_id(account_id: str, token: str) -> str:
    return f"{account_id}:{hashlib.sha256(token.encode()).hexdigest()}"


def _row(session: Session) -> Document:
    row = asdict(session)
    return {"_id": row.pop("id"), **row}


def _session(row: Document) -> Session:
    names = [name for name in Session.__dataclass_fields__ if name != "id"]
    return Session(id=row["_id"], **{name: row[name] for name in names})
