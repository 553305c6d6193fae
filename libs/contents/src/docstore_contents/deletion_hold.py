"""Holds back deletions of contents, so that a backup can copy what the databases it has read refer to.

A process that deletes an object first reads what is unreferenced, and checks here afterwards. If there is no hold, the
object became unreferenced before the hold began, and so before the backup read the databases: nothing in the backup
refers to it. If there is a hold, the deletion stays due. A hold expires by itself, so a killed backup blocks nothing.
"""

from collections.abc import Awaitable, Callable, Sequence

from docstore_platform.mongodb.client import Database

COLLECTION = "deletion_holds"
HOLD_SECONDS = 120

IsHeld = Callable[[], Awaitable[bool]]


class HoldLost(Exception):
    """The hold was not renewed in time: contents may have been deleted meanwhile."""


async def deletions_held(database: Database) -> bool:
    """Whether contents must stay now. Ask after reading what to delete, never before."""
    held = {"$expr": {"$gt": ["$until", "$$NOW"]}}
    return await database[COLLECTION].find_one(held, {"_id": 1}) is not None


class DeletionHold:
    """The hold of one `holder` over several services' databases, by the databases' clocks."""

    def __init__(self, databases: Sequence[Database], holder: str) -> None:
        self._databases = databases
        self._holder = holder
        self._until = [{"$set": {"until": {"$add": ["$$NOW", HOLD_SECONDS * 1000]}}}]

    async def take(self) -> None:
        """Hold back deletions of everything that was referenced until now."""
        for database in self._databases:
            ended = {"until": {"$exists": True}, "$expr": {"$lte": ["$until", "$$NOW"]}}  # holds, not backups' notes
            await database[COLLECTION].delete_many(ended)
            await database[COLLECTION].update_one({"_id": self._holder}, self._until, upsert=True)

    async def renew(self) -> None:
        """Renew the hold; HoldLost if it has expired."""
        for database in self._databases:
            still = {"_id": self._holder, "$expr": {"$gt": ["$until", "$$NOW"]}}
            if not (await database[COLLECTION].update_one(still, self._until)).matched_count:
                raise HoldLost("deletions were no longer held back: start the backup again")

    async def release(self) -> None:
        for database in self._databases:
            await database[COLLECTION].delete_one({"_id": self._holder})
