"""Figures over time, from events on a real broker."""

from datetime import UTC, datetime, timedelta

import pytest
from analytics_app import Analytics
from analytics_events import account, call, called, link, revoked, shared, upload, usage

pytestmark = pytest.mark.connected


async def sums(analytics: Analytics, name: str, step: str = "day") -> dict[str, int]:
    """The last value of each line of a report, or the sum of what was added."""
    end = datetime.now(UTC) + timedelta(days=1)
    period = f"from={(end - timedelta(days=3)):%Y-%m-%dT00:00:00Z}&to={end:%Y-%m-%dT00:00:00Z}"
    report = await analytics.ok(f"/v1/admin/reports/{name}?{period}&step={step}")
    lines = {line["name"]: line["values"] for line in report["series"]}
    assert all(len(values) == len(report["times"]) for values in lines.values())
    is_level = name in ("documents", "storage", "accounts", "average-size")
    return {name: values[-1] if is_level else sum(values) for name, values in lines.items()}


async def test_levels_follow_quotas_events_even_repeated_or_late(analytics: Analytics) -> None:
    """Usage is counted by its difference, under the plan of the account; late events change nothing."""
    async with analytics.running():
        await analytics.publish_and_wait(account("ann"), usage("ann", 100, 2, 1), usage("ann", 300, 3, 2))
        await analytics.publish_and_wait(account("ann", plan="premium", revision=2), usage("bob", 50, 1, 1))
        await analytics.publish_and_wait(usage("ann", 100, 2, 1), account("bob"))
        assert await sums(analytics, "storage") == {"free": 50, "premium": 300}
        assert await sums(analytics, "documents", "hour") == {"free": 1, "premium": 3}
        assert await sums(analytics, "accounts") == {"free": 1, "premium": 1}
        assert await sums(analytics, "average-size") == {"free": 50, "premium": 100}


async def test_events_are_counted_by_plan(analytics: Analytics) -> None:
    """Uploads and downloads go by the plan of the account at the time."""
    now = datetime.now(UTC)
    async with analytics.running():
        await analytics.publish_and_wait(account("ann", plan="premium"))
        await analytics.publish_and_wait(
            upload("ann", 5),
            upload("bob", 7),
            upload("ann", 11),
            called(call(at=now), call(at=now, account_id=""), call(at=now, status=404, read=())),
        )
        assert await sums(analytics, "uploads") == {"free": 1, "premium": 2}
        assert await sums(analytics, "uploaded-bytes") == {"free": 7, "premium": 16}
        assert await sums(analytics, "downloads") == {"link": 1, "premium": 1}
        assert await sums(analytics, "calls") == {"3xx": 2, "4xx": 1}


async def test_an_event_that_comes_again_counts_once(analytics: Analytics) -> None:
    """Sent again under its id, it is in the inbox already."""
    async with analytics.running():
        ids = await analytics.publish_and_wait(upload("ann", 5), shared("f"))
        again = await analytics.publisher().republish(ids)
        assert again == 2
        await analytics.publish_and_wait(upload("ann", 7))
        assert await sums(analytics, "uploaded-bytes") == {"free": 12}
        assert (await analytics.ok("/v1/admin/audit"))["items"][0]["action"] == "file-shared"
        assert (await analytics.ok("/v1/admin/reports/most-shared"))["items"][0]["shares"] == 1


async def test_the_most_shared_and_most_downloaded_come_first(analytics: Analytics) -> None:
    """Shares and links count together; what is taken back does not, nor does another role."""
    async with analytics.running():
        await analytics.publish_and_wait(
            *(shared("few"), shared("few", revision=2), revoked("few"), shared("few")),
            *(shared("many", "m.txt"), link("many", "m.txt"), link("many", "m.txt", opens=1)),
            called(call(read=("read", "few")), call(read=("read",))),
        )
        most = (await analytics.ok("/v1/admin/reports/most-shared"))["items"]
        assert [(item["name"], item["shares"], item["links"], item["opens"]) for item in most] == [
            ("m.txt", 1, 1, 1),
            ("a.txt", 1, 0, 0),
        ]
        read = (await analytics.ok("/v1/admin/reports/most-downloaded"))["items"]
        assert [(item["file_id"], item["downloads"]) for item in read] == [("read", 2), ("few", 1)]


@pytest.mark.parametrize("path", ["reports/uploads", "audit", "audit/verify", "archive"])
async def test_only_administrators_are_answered(running: Analytics, path: str) -> None:
    """Figures of all, and who did what, are no one else's business."""
    assert (await running.get(f"/v1/admin/{path}")).status == 200
    assert (await running.get(f"/v1/admin/{path}", "user")).status == 403


@pytest.mark.parametrize(
    "query",
    [
        "from=2026-05-02T00:00:00Z&to=2026-05-01T00:00:00Z",
        "from=2020-05-02T00:00:00Z&to=2026-05-01T00:00:00Z&step=hour",
        "step=minute",
        "from=yesterday",
    ],
)
async def test_a_period_that_cannot_be_shown_is_refused(running: Analytics, query: str) -> None:
    """Not a million points, and no guessing."""
    assert (await running.get(f"/v1/admin/reports/uploads?{query}")).status == 422
    assert (await running.get("/v1/admin/reports/nothing")).status == 404
