"""MongoDB's history window: extended during a backup, reset afterwards.

The operator's value is stored in the database before it is changed, with the holders and their expiry. So the last
holder resets it, even if another backup changed it and was killed.
"""

from docstore_contents import deletion_hold
from docstore_platform.mongodb.client import Database, Document, Mongo, ReturnDocument

PARAMETER = "minSnapshotHistoryWindowInSeconds"
NOTE = {"_id": "history window"}


class HistoryWindow:
    """The window, extended for one `holder`. The note is beside the holds in `database`, where backups may write."""

    def __init__(self, mongo: Mongo, database: Database, holder: str) -> None:
        self._admin = mongo.database("admin")
        self._notes = database[deletion_hold.COLLECTION]
        self._holder = holder

    async def hold(self, seconds: int) -> None:
        """Extend it to this length for two minutes; never shorten it. OperationFailure without the right to."""
        current = (await self._admin.command({"getParameter": 1, PARAMETER: 1}))[PARAMETER]
        # Any value other than the original and ours was set by the operator meanwhile.
        is_unchanged = {"$and": [{"$lte": ["$before", current]}, {"$gte": ["$raised", current]}]}
        kept = {
            "before": {"$cond": [is_unchanged, "$before", current]},
            "raised": {"$cond": [is_unchanged, "$raised", current]},
        }
        until = {"$add": ["$$NOW", deletion_hold.HOLD_SECONDS * 1000]}
        holders = {"$concatArrays": [self._others(), [{"id": self._holder, "until": until}]]}
        changes: list[Document] = [
            {"$set": kept},
            {"$set": {"raised": {"$max": ["$raised", seconds]}, "holders": holders}},
        ]
        note = await self._notes.find_one_and_update(NOTE, changes, upsert=True, return_document=ReturnDocument.AFTER)
        await self._set(note["raised"])

    async def release(self) -> None:
        """Reset the window, unless another backup holds it."""
        changes = [{"$set": {"holders": self._others()}}]
        note = await self._notes.find_one_and_update(NOTE, changes, return_document=ReturnDocument.AFTER)
        if note is not None and not note["holders"]:
            await self._set(note["before"])
            await self._notes.delete_one(NOTE | {"holders": []})

    def _others(self) -> dict[str, object]:
        """Filter for other live holders."""
        is_other = {"$and": [{"$ne": ["$$this.id", self._holder]}, {"$gt": ["$$this.until", "$$NOW"]}]}
        return {"$filter": {"input": {"$ifNull": ["$holders", []]}, "cond": is_other}}

    async def _set(self, seconds: int) -> None:
        await self._admin.command({"setParameter": 1, PARAMETER: seconds})
