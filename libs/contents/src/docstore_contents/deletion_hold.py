"""Holds back the deletion of stored contents, so that a backup can copy what the databases it has read refer to.

Whoever deletes an object of the store reads first what is referred to no longer, and asks here after that. Where
nothing is held, the object was given up before the hold began, and so before the backup read the databases: nothing in
what it read refers to it. Where deletions are held, it stays due. A hold ends by itself: a backup that was killed holds
nothing up.
"""

from collections.abc import Awaitable, Callable, Sequence

from docstore_platform.mongo import Database

COLLECTION = "deletion_holds"
HOLD_SECONDS = 120

IsHeld = Callable[[], Awaitable[bool]]


class HoldLost(Exception):
    """The hold was not renewed in time: something may have been deleted meanwhile."""


async def deletions_held(database: Database) -> bool:
    """Whether contents must stay now. Asked after what is to be deleted was read, never before."""
    held = {"$expr": {"$gt": ["$until", "$$NOW"]}}
    return await database[COLLECTION].find_one(held, {"_id": 1}) is not None


class DeletionHold:
    """The hold of one `holder` over several services' databases; by their own clock alone."""

    def __init__(self, databases: Sequence[Database], holder: str) -> None:
        self._databases = databases
        self._holder = holder
        self._until = [{"$set": {"until": {"$add": ["$$NOW", HOLD_SECONDS * 1000]}}}]

    async def take(self) -> None:
        """From now on nothing is deleted that was not given up before."""
        for database in self._databases:
            ended = {"until": {"$exists": True}, "$expr": {"$lte": ["$until", "$$NOW"]}}  # holds, not backups' notes
            await database[COLLECTION].delete_many(ended)
            await database[COLLECTION].update_one({"_id": self._holder}, self._until, upsert=True)

    async def renew(self) -> None:
        """HoldLost if it has ended meanwhile."""
        for database in self._databases:
            still = {"_id": self._holder, "$expr": {"$gt": ["$until", "$$NOW"]}}
            if not (await database[COLLECTION].update_one(still, self._until)).matched_count:
                raise HoldLost("deletions were no longer held back: the backup has to begin again")

    async def release(self) -> None:
        for database in self._databases:
            await database[COLLECTION].delete_one({"_id": self._holder})
