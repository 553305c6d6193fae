"""Lists the blocks that files refer to, for a backup."""

from collections.abc import AsyncIterator

from docstore_platform.mongodb.client import Database


async def referenced_blocks(database: Database) -> AsyncIterator[str]:
    """Iterate over the keys of blocks that files refer to."""
    async for row in database["blocks"].find({"refs": {"$gt": 0}}, {"key": 1}):
        yield row["key"]
