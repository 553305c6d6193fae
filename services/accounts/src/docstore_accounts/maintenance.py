"""Lets a backup iterate over the ids of all accounts."""

from collections.abc import AsyncIterator

from docstore_platform.mongodb.client import Database


async def account_ids(database: Database) -> AsyncIterator[str]:
    """Iterate over the ids of all accounts in a database that no instance uses."""
    async for account in database["accounts"].find({}, {"_id": 1}):
        yield account["_id"]
