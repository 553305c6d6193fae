"""Databases that tests have one after the other: emptied between them, and not dropped.

Making a service's collections and indexes again for each test takes longer than most tests, and what a server keeps of
dropped ones slows it down for all that follow.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from docstore_platform.mongodb.client import Database, Mongo


class EmptiedDatabases:
    """Lends prefixes of database names; whoever has one has all databases that begin with it."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo
        self._free: list[str] = []
        self._made = 0

    @asynccontextmanager
    async def prefix(self) -> AsyncIterator[str]:
        """A prefix whose databases hold no document; they have the indexes that others before made in them."""
        prefix = self._free.pop() if self._free else self._new()
        yield prefix
        await self._empty(prefix)
        self._free.append(prefix)

    def _new(self) -> str:
        self._made += 1
        return f"test{self._made}_"

    async def _empty(self, prefix: str) -> None:
        admin = self._mongo.database("admin")
        query = {"listDatabases": 1, "nameOnly": True, "filter": {"name": {"$regex": f"^{prefix}"}}}
        for listed in (await admin.command(query))["databases"]:
            database = self._mongo.database(listed["name"])
            collections = await database.list_collection_names(filter={"name": {"$not": {"$regex": "^system\\."}}})
            filled = await self._with_documents(database, collections)
            await asyncio.gather(*(database[collection].delete_many({}) for collection in filled))

    async def _with_documents(self, database: Database, collections: Sequence[str]) -> list[str]:
        """Those that are not empty, by one query: a test fills few of a service's collections."""
        if not collections:
            return []
        named = {name: [{"$limit": 1}, {"$project": {"_id": {"$literal": name}}}] for name in collections}
        first, *others = collections
        union = [{"$unionWith": {"coll": name, "pipeline": named[name]}} for name in others]
        return [row["_id"] async for row in database[first].aggregate([*named[first], *union])]
