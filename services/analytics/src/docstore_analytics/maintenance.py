"""What a restore must do inside analytics."""

from typing import Protocol

from docstore_analytics.audit.anchors import anchor_key
from docstore_analytics.audit.repository import MongoAnchorNotes
from docstore_platform.mongo import Database


class Objects(Protocol):
    async def head(self, key: str) -> object | None: ...

    async def delete(self, key: str) -> None: ...


async def forget_later_anchors(database: Database, objects: Objects, region: str) -> None:
    """Delete the audit log's anchors that are younger than the restored database, which they would contradict.

    A backup lists objects after it has read the databases.
    """
    seq = await MongoAnchorNotes(database).last_seq() + 1
    while await objects.head(anchor_key(region, seq)):
        await objects.delete(anchor_key(region, seq))
        seq += 1
