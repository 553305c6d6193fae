"""Objects that files of a deployment refer to, by its databases."""

from collections.abc import AsyncIterator

from docstore_metadata.maintenance import referenced_objects
from docstore_platform.mongodb.client import Mongo
from docstore_upload.maintenance import referenced_blocks


async def referenced_keys(mongo: Mongo, prefix: str) -> AsyncIterator[str]:
    """Iterate over the keys of all contents and blocks; some several times."""
    async for key in referenced_objects(mongo.database(f"{prefix}metadata")):
        yield key
    async for key in referenced_blocks(mongo.database(f"{prefix}upload")):
        yield key
