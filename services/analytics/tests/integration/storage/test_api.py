"""An account's own storage, from events on a real broker."""

import pytest
from analytics_app import Analytics
from analytics_events import link, revoked, shared, usage

pytestmark = pytest.mark.connected


async def test_storage_is_counted_by_day(analytics: Analytics) -> None:
    """The last level of the day counts, late events change nothing, and others' storage is not shown."""
    async with analytics.running():
        await analytics.publish_and_wait(usage("root", 100, 1, 1), usage("root", 300, 2, 3), usage("ann", 7, 1, 1))
        await analytics.publish_and_wait(usage("root", 200, 2, 2))
        report = await analytics.ok("/v1/me/storage?days=3")
    assert (report["bytes"], report["documents"]) == ([0, 0, 300], [0, 0, 2])
    assert len(report["times"]) == 3


async def test_shares_are_listed_with_their_opens(analytics: Analytics) -> None:
    """Most shared first, without what is no longer shared; another account's are not listed."""
    async with analytics.running():
        await analytics.publish_and_wait(shared("f", "few.txt"), shared("gone"), shared("m", "most.txt"))
        await analytics.publish_and_wait(link("m", "most.txt"), link("m", "most.txt", opens=1), revoked("gone"))
        assert (await analytics.ok("/v1/me/storage"))["shared"] == []
        mine = (await analytics.get("/v1/me/storage", account_id="ann")).json()["shared"]
    assert [(file["name"], file["shares"], file["links"], file["opens"]) for file in mine] == [
        ("most.txt", 1, 1, 1),
        ("few.txt", 1, 0, 0),
    ]
    assert "owner_id" not in mine[0]
