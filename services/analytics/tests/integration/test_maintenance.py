"""What a restore to a moment repairs where objects are missing, on a real database and object store."""

import pytest
from analytics_app import Analytics
from analytics_events import account, created, upload

from docstore_analytics.maintenance import repair_missing, stored_objects
from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected


async def keys_of(analytics: Analytics) -> list[str]:
    return [key async for key in stored_objects(analytics.database, analytics.infra.region)]


async def test_missing_entries_are_sealed_again_and_missing_anchors_forgotten(analytics: Analytics) -> None:
    """Byte for byte as they were sealed; the log is valid, and is anchored again."""
    async with analytics.running(audit_segment_entries=2):
        await analytics.publish_and_wait(account("ann"), *map(created, "abc"))

        async def is_anchored() -> bool:
            anchor = (await analytics.ok("/v1/admin/audit/verify"))["anchor"]
            sealed = await analytics.database["audit_seals"].count_documents({})
            return bool(anchor and anchor["number"] == 4 and sealed == 2)

        await eventually(is_anchored)
    keys = await keys_of(analytics)
    async with analytics.store as store:
        sealed = {key: await store.get(key) for key in keys if "anchors" not in key}
        for key in keys:
            await store.delete(key)
        assert await repair_missing(analytics.database, analytics.infra.region, store, frozenset(keys)) == set(keys)
        assert {key: await store.get(key) for key in sealed} == sealed
    async with analytics.running():
        await eventually(is_anchored)
        assert (await analytics.verified())["broken"] is None


async def test_missing_files_of_the_archive_are_listed_no_more(analytics: Analytics) -> None:
    """Reports are of what there is; nobody is given the address of a file that does not exist."""
    async with analytics.running(segment_delay_seconds=0.0):
        await analytics.publish_and_wait(upload("ann", 5))

        async def is_sealed() -> bool:
            return not await analytics.database["archive_chunks"].count_documents({})

        await eventually(is_sealed)
    (key,) = [key for key in await keys_of(analytics) if key.startswith("archive/events/")]
    async with analytics.store as store:
        await store.delete(key)
        assert await repair_missing(analytics.database, analytics.infra.region, store, frozenset({key})) == set()
    async with analytics.running():
        await analytics.publish_and_wait(upload("ann", 7))
        assert (await analytics.ok("/v1/admin/archive"))["items"] == []
        (item,) = (await analytics.ok("/v1/admin/reports/usage"))["items"]
        assert item["uploaded_bytes"] == 7
