"""The names of the devices on which an account was ever logged in, in MongoDB: they outlive their sessions."""

import hashlib
from typing import Protocol

from docstore_accounts.domain import Session
from docstore_platform.mongo import Collection, Database
from docstore_platform.mongo import Session as Transaction


class DeviceStore(Protocol):
    async def note(self, session: Session, tx: Transaction) -> bool:
        """Remember the device of a session that begins; whether its account was never on one of that name."""
        ...


class MongoDevices:
    def __init__(self, database: Database) -> None:
        self._devices: Collection = database["devices"]
        self._sessions: Collection = database["sessions"]

    async def note(self, session: Session, tx: Transaction) -> bool:
        name_hash = hashlib.sha256(session.device.encode()).hexdigest()[:32]
        outcome = await self._devices.update_one(
            {"_id": f"{session.account_id}:{name_hash}"},
            {
                "$set": {"last_login_at": session.created_at},
                "$setOnInsert": {"account_id": session.account_id, "name": session.device},
            },
            upsert=True,
            session=tx,
        )
        if outcome.matched_count:
            return False
        # Sessions older than this collection.
        earlier = {"account_id": session.account_id, "device": session.device, "_id": {"$ne": session.id}}
        return await self._sessions.find_one(earlier, {"_id": 1}, session=tx) is None
