"""Ends the subscriptions of people whose right to read has ended."""

from collections.abc import Collection as Several
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from docstore_notify.files import Files
from docstore_notify.lane_store import Lanes, after, seconds_until_due
from docstore_notify.subscription_store import Subscriptions
from docstore_platform.ids import new_id
from docstore_platform.mongo import ASCENDING, Collection, Database, Document, ReturnDocument, Session, UpdateOne
from docstore_platform.problems import Problem

LEASE = timedelta(seconds=60)
AGAIN = timedelta(seconds=5)
PAGE = 100


@dataclass(frozen=True, slots=True)
class Recheck:
    """An account of which a right has ended."""

    account_id: str
    token: str


class Rechecks(Protocol):
    async def add(self, account_ids: Several[str], session: Session) -> None: ...

    async def claim(self) -> Recheck | None: ...

    async def due_in(self) -> float | None: ...

    async def done(self, recheck: Recheck) -> None:
        """Unless another right has ended meanwhile."""
        ...

    async def put_off(self, recheck: Recheck) -> None: ...


class MongoRechecks:
    def __init__(self, database: Database) -> None:
        self._rechecks: Collection = database["rechecks"]

    async def create_indexes(self) -> None:
        await self._rechecks.create_index([("next_at", ASCENDING)])

    async def add(self, account_ids: Several[str], session: Session) -> None:
        due: list[Document] = [{"$set": {"next_at": "$$NOW"}}, {"$unset": "token"}]
        writes = [UpdateOne({"_id": account_id}, due, upsert=True) for account_id in account_ids]
        await self._rechecks.bulk_write(writes, ordered=False, session=session)

    async def claim(self) -> Recheck | None:
        token = new_id()
        row = await self._rechecks.find_one_and_update(
            {"$expr": {"$lte": ["$next_at", "$$NOW"]}},
            [{"$set": {"next_at": after(LEASE), "token": token}}],
            sort=[("next_at", ASCENDING)],
            return_document=ReturnDocument.AFTER,
        )
        return Recheck(row["_id"], token) if row else None

    async def due_in(self) -> float | None:
        return await seconds_until_due(self._rechecks, {})

    async def done(self, recheck: Recheck) -> None:
        await self._rechecks.delete_one(_held(recheck))

    async def put_off(self, recheck: Recheck) -> None:
        await self._rechecks.update_one(_held(recheck), [{"$set": {"next_at": after(AGAIN)}}])


def _held(recheck: Recheck) -> Document:
    return {"_id": recheck.account_id, "token": recheck.token}


class Rechecker:
    """What a worker does with a recheck. Asks about every subscription of the account: notify knows no tree, and where
    the shared folder was is not said."""

    def __init__(self, rechecks: Rechecks, subscriptions: Subscriptions, lanes: Lanes, files: Files) -> None:
        self._rechecks = rechecks
        self._subscriptions = subscriptions
        self._lanes = lanes
        self._files = files

    async def claim(self) -> Recheck | None:
        return await self._rechecks.claim()

    async def due_in(self) -> float | None:
        return await self._rechecks.due_in()

    async def do(self, claimed: Recheck) -> None:
        account_id, after_id = claimed.account_id, ""
        while page := await self._subscriptions.of_account(account_id, after_id, PAGE, None):
            after_id = page[-1].id
            try:
                roles = await self._files.permissions([(account_id, one.file_id) for one in page])
            except Problem:
                await self._rechecks.put_off(claimed)
                return
            ended = [one.id for one, role in zip(page, roles, strict=True) if role is None]
            if ended:
                await self._lanes.wake(await self._subscriptions.remove(account_id, ended))
        await self._rechecks.done(claimed)
