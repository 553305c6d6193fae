"""Work that one instance of a service at a time does, for as long as it lives: the leader has a lease and renews it."""

import time

from docstore_platform.ids import new_id
from docstore_platform.mongo import Collection, Document, DuplicateKeyError, ReturnDocument


class LeaderLease:
    """The lease `name`, a document of `collection` with `owner` and `until`.

    The database's clock alone decides when it ends: an instance whose own clock is wrong neither takes it too early
    nor keeps it too long. An instance that pauses for longer may have lost it without knowing: its writes must be
    harmless beside the next leader's.
    """

    def __init__(self, collection: Collection, name: str, *, seconds: float) -> None:
        self._collection = collection
        self._name = name
        self._seconds = seconds
        self._owner = new_id()
        self._held_until = time.monotonic()

    @property
    def is_held(self) -> bool:
        """Whether the lease still runs, as far as this instance knows."""
        return time.monotonic() < self._held_until

    async def hold(self) -> bool:
        """Whether this instance leads; takes the lease if it is free, and renews it once half of it has passed."""
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

    async def give_up(self) -> None:
        """Let another instance lead at once."""
        self._held_until = time.monotonic()
        await self._collection.delete_one({"_id": self._name, "owner": self._owner})

    def _taking(self) -> list[Document]:
        """The update that takes the lease if it is free, over, or this instance's; else it changes nothing."""
        is_over = {"$lt": ["$until", "$$NOW"]}
        may = {"$or": [{"$eq": ["$owner", self._owner]}, is_over]}
        until = {"$add": ["$$NOW", int(self._seconds * 1000)]}
        owner = {"$cond": [may, self._owner, "$owner"]}
        return [{"$set": {"owner": owner, "until": {"$cond": [may, until, "$until"]}}}]
