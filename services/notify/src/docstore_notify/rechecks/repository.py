"""Repository of rechecks: accounts that have lost a right to read."""

from collections.abc import Collection as Several
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from docstore_notify.due import after, seconds_until_due
from docstore_platform.ids import new_id
from docstore_platform.mongo import ASCENDING, Collection, Database, Document, ReturnDocument, Session, UpdateOne

LEASE = timedelta(seconds=60)
AGAIN = timedelta(seconds=5)


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

    async def postpone(self, recheck: Recheck) -> None: ...


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

    async def postpone(self, recheck: Recheck) -> None:
        await self._rechecks.update_one(_held(recheck), [{"$set": {"next_at": after(AGAIN)}}])


def _held(recheck: Recheck) -> Document:
    return {"_id": recheck.account_id, "token": recheck.token}
