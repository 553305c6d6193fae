"""Buckets for tests."""

from docstore_contents.s3.store import ObjectStore, ObjectStoreUnavailable
from docstore_platform.testing import eventually

PROBE_KEY = ".ready"


async def make_bucket(store: ObjectStore) -> None:
    """Make the store's bucket and wait until it takes writes: a new one has no volume yet."""
    await store.ensure_bucket()

    async def takes_writes() -> bool:
        try:
            await store.put(PROBE_KEY, b".")
            await store.delete_many([PROBE_KEY])
        except ObjectStoreUnavailable:
            return False
        return True

    await eventually(takes_writes)
