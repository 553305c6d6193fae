"""What a backup calls in accounts."""

from collections.abc import AsyncIterator

from docstore_platform.mongo import Database


async def account_ids(database: Database) -> AsyncIterator[str]:
    """The ids of all accounts of a database that no instance uses."""
    async for account in database["accounts"].find({}, {"_id": 1}):
        yield account["_id"]
