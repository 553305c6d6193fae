"""The devices on which an account was ever logged in, in MongoDB: they outlive their sessions.

A device is known by a token that it was given at its first log-in and brings along at the next. Its name is for people
only: anybody can choose the name of somebody else's device.
"""

import hashlib
import re
import secrets
from typing import Protocol

from docstore_accounts.domain import Session
from docstore_platform.mongo import Collection, Database
from docstore_platform.mongo import Session as Transaction

DEVICE_TOKEN = re.compile(r"dsd_[A-Za-z0-9_-]{43}")


def device_token(given: str | None) -> str:
    """The token of a device: the one it brings if it is one of ours by its form, else a new one of 256 bits."""
    return given if given and DEVICE_TOKEN.fullmatch(given) else f"dsd_{secrets.token_urlsafe(32)}"


class DeviceStore(Protocol):
    async def knows(self, account_id: str, token: str) -> bool:
        """Whether the account was logged in on the device before."""
        ...

    async def has_any(self, account_id: str, tx: Transaction) -> bool:
        """Whether the account was logged in on any device before."""
        ...

    async def note(self, session: Session, token: str, tx: Transaction) -> bool:
        """Remember the device of a session that begins; whether it is new to the account."""
        ...


class MongoDevices:
    def __init__(self, database: Database) -> None:
        self._devices: Collection = database["devices"]

    async def create_indexes(self) -> None:
        await self._devices.create_index("account_id")

    async def has_any(self, account_id: str, tx: Transaction) -> bool:
        return await self._devices.find_one({"account_id": account_id}, {"_id": 1}, session=tx) is not None

    async def knows(self, account_id: str, token: str) -> bool:
        return await self._devices.find_one({"_id": _row_id(account_id, token)}, {"_id": 1}) is not None

    async def note(self, session: Session, token: str, tx: Transaction) -> bool:
        outcome = await self._devices.update_one(
            {"_id": _row_id(session.account_id, token)},
            {
                "$set": {"last_login_at": session.created_at, "name": session.device},
                "$setOnInsert": {"account_id": session.account_id},
            },
            upsert=True,
            session=tx,
        )
        return not outcome.matched_count


def _row_id(account_id: str, token: str) -> str:
    return f"{account_id}:{hashlib.sha256(token.encode()).hexdigest()}"
