"""Tombstones: empty objects that block late writes to a key.

Every PUT URL signed here allows a first write only (`if-none-match: *`). So while an empty object exists under the
key, its URL stores nothing. The tombstone is deleted once no request can be under way any more.
"""

import asyncio
from collections.abc import Sequence

from docstore_contents.s3.store import ObjectStore


async def put_tombstones(store: ObjectStore, keys: Sequence[str]) -> None:
    """Replace the objects under these keys by tombstones."""
    await asyncio.gather(*(store.put(key, b"", content_type="application/octet-stream") for key in keys))
