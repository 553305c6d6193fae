"""Leader election: one instance of a service holds a lease and renews it while it runs."""

import time

from docstore_platform.ids import new_id
from docstore_platform.mongodb.client import Collection, Document, DuplicateKeyError, ReturnDocument


class LeaderLease:
    """The lease `name`, a document of `collection` with `owner` and `until`.

    The database's clock decides when it ends, so an instance with a wrong clock neither takes it too early nor keeps it
    too long. A paused instance may have lost it without knowing: its writes must be harmless beside those of the next
    leader.
    """

    def __init__(self, collection: Collection, name: str, *, seconds: float) -> None:
        self._collection = collection
        self._name = name
        self._seconds = seconds
        self._owner = new_id()
        self._held_until = time.monotonic()

    @property
    def is_held(self) -> bool:
        """Whether the lease is still valid, as far as this instance knows."""
        return time.monotonic() < self._held_until

    async def hold(self) -> bool:
        """Take the lease if it is free, or renew it after half its time; return whether this instance leads."""
        now = time.monotonic()
        if self._held_until - now > self._seconds / 2:
            return True
        try:
            lease = await self._collection.find_one_and_update(
                {"_id": self._name}, self._taking(), upsert=True, return_document=ReturnDocument.AFTER
            )
        except DuplicateKeyError:  # another instance has just created it
            return False
        if lease["owner"] != self._owner:
            return False
        self._held_until = now + self._seconds
        return True

    async def take_over(self) -> None:
        """Take the lease from whoever leads, who learns of it at its next renewal; for operators."""
        now = time.monotonic()
        until = {"$add": ["$$NOW", int(self._seconds * 1000)]}
        update = [{"$set": {"owner": self._owner, "until": until}}]
        await self._collection.update_one({"_id": self._name}, update, upsert=True)
        self._held_until = now + self._seconds

    async def give_up(self) -> None:
        """Release the lease, so that another instance can lead at once."""
        self._held_until = time.monotonic()
        await self._collection.delete_one({"_id": self._name, "owner": self._owner})

    def _taking(self) -> list[Document]:
        """Update that takes the lease if it is free, expired, or this instance's; otherwise it changes nothing."""
        is_over = {"$lt": ["$until", "$$NOW"]}
        may = {"$or": [{"$eq": ["$owner", self._owner]}, is_over]}
        until = {"$add": ["$$NOW", int(self._seconds * 1000)]}
        owner = {"$cond": [may, self._owner, "$owner"]}
        return [{"$set": {"owner": owner, "until": {"$cond": [may, until, "$until"]}}}]
