"""Tombstones: empty objects that keep others from being stored.

Every PUT that is signed here is one of a first write (`if-none-match: *`). So while an empty object lies under the
key, its URL stores nothing, however long it works. The tombstone is deleted once no request can be under way any more.
"""

import asyncio
from collections.abc import Sequence

from docstore_contents.s3.store import ObjectStore


async def put_tombstones(store: ObjectStore, keys: Sequence[str]) -> None:
    """Replace whatever is stored under these keys."""
    await asyncio.gather(*(store.put(key, b"", content_type="application/octet-stream") for key in keys))
