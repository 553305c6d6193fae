"""The inbox: ids of handled events, written with their effects, so that a repeated event takes effect once."""

from collections.abc import Collection

from docstore_platform.clock import utc_now
from docstore_platform.mongodb.client import Database, Session


class Inbox:
    """The inbox of one service."""

    def __init__(self, database: Database) -> None:
        self._rows = database["inbox"]

    async def handled(self, event_ids: Collection[str], session: Session = None) -> set[str]:
        """Return those of `event_ids` whose effects are committed."""
        rows = self._rows.find({"_id": {"$in": list(event_ids)}}, {"_id": 1}, session=session)
        return {row["_id"] async for row in rows}

    async def add(self, event_ids: Collection[str], session: Session) -> None:
        """Add ids; DuplicateKeyError for an event that another instance has handled meanwhile."""
        now = utc_now()
        await self._rows.insert_many([{"_id": id_, "handled_at": now} for id_ in event_ids], session=session)
