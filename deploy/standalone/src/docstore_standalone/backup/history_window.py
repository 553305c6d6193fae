"""How long MongoDB can read the past, for the time of a backup, and as the operator has set it again after it.

What the operator has set is noted in the database before it is changed, with who holds the window open and until when.
So the last one who lets go sets it back, even if it was another backup that changed it and was killed.
"""

from docstore_contents import deletion_hold
from docstore_platform.mongo import Database, Document, Mongo, ReturnDocument

PARAMETER = "minSnapshotHistoryWindowInSeconds"
NOTE = {"_id": "history window"}


class HistoryWindow:
    """Held open by one `holder`. The note is kept beside the holds of `database`, where backups may write."""

    def __init__(self, mongo: Mongo, database: Database, holder: str) -> None:
        self._admin = mongo.database("admin")
        self._notes = database[deletion_hold.COLLECTION]
        self._holder = holder

    async def hold(self, seconds: int) -> None:
        """For two minutes it is at least so long, and never less than it was. OperationFailure if we may not."""
        current = (await self._admin.command({"getParameter": 1, PARAMETER: 1}))[PARAMETER]
        # Between what it was and what we have made of it, it is ours; anything else the operator has set since.
        is_ours = {"$and": [{"$lte": ["$before", current]}, {"$gte": ["$raised", current]}]}
        kept = {"before": {"$cond": [is_ours, "$before", current]}, "raised": {"$cond": [is_ours, "$raised", current]}}
        until = {"$add": ["$$NOW", deletion_hold.HOLD_SECONDS * 1000]}
        holders = {"$concatArrays": [self._others(), [{"id": self._holder, "until": until}]]}
        changes: list[Document] = [
            {"$set": kept},
            {"$set": {"raised": {"$max": ["$raised", seconds]}, "holders": holders}},
        ]
        note = await self._notes.find_one_and_update(NOTE, changes, upsert=True, return_document=ReturnDocument.AFTER)
        await self._set(note["raised"])

    async def let_go(self) -> None:
        """It is as it was before, unless another backup holds it open."""
        changes = [{"$set": {"holders": self._others()}}]
        note = await self._notes.find_one_and_update(NOTE, changes, return_document=ReturnDocument.AFTER)
        if note is not None and not note["holders"]:
            await self._set(note["before"])
            await self._notes.delete_one(NOTE | {"holders": []})

    def _others(self) -> dict[str, object]:
        """Those that are alive."""
        is_other = {"$and": [{"$ne": ["$$this.id", self._holder]}, {"$gt": ["$$this.until", "$$NOW"]}]}
        return {"$filter": {"input": {"$ifNull": ["$holders", []]}, "cond": is_other}}

    async def _set(self, seconds: int) -> None:
        await self._admin.command({"setParameter": 1, PARAMETER: seconds})
