"""How far the search for strays has come, in MongoDB."""

from dataclasses import asdict
from datetime import datetime

from docstore_platform.mongo import Collection, Database, DuplicateKeyError
from docstore_upload.strays.rules import Place

ID = "strays"


class MongoPasses:
    """One document; its lease is `next_check_at` moved on, so that it ends by itself."""

    def __init__(self, database: Database) -> None:
        self._sweeps: Collection = database["sweeps"]

    async def take(self, now: datetime, lease_until: datetime) -> Place | None:
        due = {"_id": ID, "next_check_at": {"$not": {"$gt": now}}}
        try:
            row = await self._sweeps.find_one_and_update(due, {"$set": {"next_check_at": lease_until}}, upsert=True)
        except DuplicateKeyError:
            return None  # another instance's, or not due
        return Place(**row["place"]) if row and "place" in row else Place()

    async def move(self, place: Place, due_at: datetime) -> None:
        change = {"place": asdict(place), "next_check_at": due_at}
        await self._sweeps.update_one({"_id": ID}, {"$set": change}, upsert=True)
