"""The archive on a real object store: each event is in it once, whatever was killed when."""

import asyncio
import os
import signal
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from analytics_app import Analytics
from analytics_events import SETTINGS, call, called, created, shared, upload, uploaded_pack, usage
from service_calls import environment_of
from write_archive import POINTS

from docstore_analytics.archive.columns import EVENTS, pack, unpack
from docstore_platform.settings import InfraSettings
from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected

SCRIPT = Path(__file__).parents[2] / "write_archive.py"
DAYS = (datetime.now(UTC) - timedelta(days=1), datetime.now(UTC) + timedelta(days=1))


def environment(infra: InfraSettings) -> dict[str, str]:
    """The settings, as a process of its own is given them."""
    return {**os.environ, **environment_of(infra), "HOST": "127.0.0.1", "PORT": "0"}


async def objects_of(analytics: Analytics) -> dict[str, bytes]:
    """Every Parquet file in the bucket, as any SQL engine would find it."""
    async with analytics.store as store:
        pages = await store.transport.call("list_objects_v2", all_pages=True, Prefix=EVENTS.prefix)
        keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
        return {key: await store.get(key) for key in keys}


def ids_in(files: dict[str, bytes], folder: Path) -> Counter[str]:
    """Ids of the events in Parquet files, and how often each is there."""
    import duckdb  # here: of what is imported while tests are collected, it would tell on stderr at the end

    ids: Counter[str] = Counter()
    for number, content in enumerate(files.values()):
        path = folder / f"{number}.parquet"
        path.write_bytes(content)
        ids.update(row[0] for row in duckdb.sql(f"SELECT id FROM '{path}'").fetchall())
    return ids


@pytest.mark.faults
async def test_a_writer_killed_after_any_step_loses_and_doubles_nothing(analytics: Analytics, tmp_path: Path) -> None:
    """After planning, making the file, putting it, sealing: the next one continues, and no event is lost."""
    before = set(await objects_of(analytics))
    for point in (*POINTS, POINTS[0], "none"):
        async with analytics.running():
            await analytics.publish_and_wait(*(created(f"file-{number}") for number in range(7)), upload("ann", 5))
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(SCRIPT), point, env=environment(analytics.infra)
        )
        assert await process.wait() == (0 if point == "none" else -signal.SIGKILL)
    files = await objects_of(analytics)
    found = ids_in({key: files[key] for key in files.keys() - before}, tmp_path)
    assert found == Counter(analytics.published)
    assert await analytics.database["archive_chunks"].count_documents({}) == 0


@pytest.mark.faults
async def test_a_service_killed_again_and_again_archives_each_event_once(analytics: Analytics, tmp_path: Path) -> None:
    """With kill -9, in the middle of handling and of sealing, while events are still published."""
    before = set(await objects_of(analytics))
    variables = {f"ANALYTICS_{name.upper()}": str(value) for name, value in SETTINGS.items()}
    variables |= {
        "ANALYTICS_SEGMENT_DELAY_SECONDS": "0",
        "ANALYTICS_SEGMENT_EVENTS": "5",
        "ANALYTICS_LEASE_SECONDS": "0.1",
    }
    async with analytics.publisher().running():
        for kill in (True, True, True, False):
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "docstore_analytics", env={**environment(analytics.infra), **variables}
            )
            try:
                ids = [each for n in range(8) for each in await analytics.publish(created(f"a-{n}"), upload("ann", n))]
                await analytics.handled(ids[: 4 if kill else 16])
                if not kill:

                    async def nothing_waits() -> bool:
                        return not await analytics.database["archive_chunks"].count_documents({})

                    await analytics.handled(analytics.published)
                    await eventually(nothing_waits)
            finally:
                process.kill()
                await process.wait()
    files = await objects_of(analytics)
    assert ids_in({key: files[key] for key in files.keys() - before}, tmp_path) == Counter(analytics.published)
    async with analytics.running():
        assert (await analytics.verified())["broken"] is None


async def test_listed_archive_files_are_readable_by_their_url(analytics: Analytics, tmp_path: Path) -> None:
    """Whoever queries finds whose it is, who did it, and the event itself."""
    async with analytics.running(segment_delay_seconds=0.0):
        await analytics.publish_and_wait(created("file-1"), shared("file-1"), usage("ann", 7, 1, 1))

        async def listed() -> Any:
            items = (await analytics.ok("/v1/admin/archive"))["items"]
            return items if sum(item["events"] for item in items) == 3 else None

        items = await eventually(listed)
    import duckdb

    async with aiohttp.ClientSession() as http:
        for item in items:
            async with http.get(item["url"]) as answer:
                content = await answer.read()
            assert (answer.status, len(content)) == (200, item["bytes"])
            (tmp_path / f"{item['id']}.parquet").write_bytes(content)
    rows = duckdb.sql(
        f"SELECT type, account_id, actor_id, file_id, bytes, data FROM '{tmp_path}/*.parquet' ORDER BY type"
    )
    (file, share, used) = rows.fetchall()
    assert file[:5] == ("file-created", "ann", "ann", "file-1", 7)
    assert share[:5] == ("file-shared", "bob", "ann", "file-1", None)
    assert used[:2] == ("usage-changed", "ann")
    assert orjson.loads(file[5])["file"]["name"] == "a.txt"


async def test_reports_of_the_archive_have_what_is_sealed_and_what_waits(analytics: Analytics) -> None:
    """Each event in one of the two, counted once; calls go by when they were made."""
    now = datetime.now(UTC)
    async with analytics.running(segment_delay_seconds=0.0):
        await analytics.publish_and_wait(
            upload("ann", 5), called(call(at=now), call(at=now, account_id="bob", status=200))
        )

        async def is_sealed() -> bool:
            return not await analytics.database["archive_chunks"].count_documents({})

        await eventually(is_sealed)
    async with analytics.running():
        await analytics.publish_and_wait(upload("ann", 7), called(call(at=now, account_id="", read=("g",))))
        period = f"from={DAYS[0]:%Y-%m-%dT%H:%M:%SZ}&to={DAYS[1]:%Y-%m-%dT%H:%M:%SZ}"
        usage_report = (await analytics.ok(f"/v1/admin/reports/usage?{period}"))["items"]
        assert usage_report == [
            {"account_id": "ann", "uploads": 2, "uploaded_bytes": 12, "downloads": 1, "calls": 1, "refused": 0},
            {"account_id": "bob", "uploads": 0, "uploaded_bytes": 0, "downloads": 1, "calls": 1, "refused": 0},
        ]
        access = (await analytics.ok(f"/v1/admin/reports/access?{period}"))["items"]
        assert [(row["file_id"], row["reads"], row["accounts"], row["by_link"]) for row in access] == [
            ("f", 2, 2, 0),
            ("g", 1, 0, 1),
        ]
        assert (await analytics.ok("/v1/admin/reports/access?to=2026-01-01T00:00:00Z"))["items"] == []


async def test_a_call_of_a_days_last_moment_is_in_its_report(analytics: Analytics) -> None:
    """Although its event is of the next day: otherwise no daily report would have it."""
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    yesterday = f"from={midnight - timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}&to={midnight:%Y-%m-%dT%H:%M:%SZ}"
    async with analytics.running():
        await analytics.publish_and_wait(called(call(at=midnight - timedelta(milliseconds=100)), call(at=midnight)))
        (usage_report,) = (await analytics.ok(f"/v1/admin/reports/usage?{yesterday}"))["items"]
        assert (usage_report["account_id"], usage_report["calls"]) == ("ann", 1)
        (access,) = (await analytics.ok(f"/v1/admin/reports/access?{yesterday}"))["items"]
        assert (access["file_id"], access["reads"]) == ("f", 1)


async def test_files_in_packs_are_in_the_report_of_usage(analytics: Analytics) -> None:
    """As in the reports over time: those that were kept, beside what came one by one."""
    async with analytics.running():
        await analytics.publish_and_wait(
            upload("ann", 5), uploaded_pack("ann", 400, 4000, 3, 7, refused_size=100), uploaded_pack("bob", 2, 30)
        )
        items = (await analytics.ok("/v1/admin/reports/usage"))["items"]
        assert [(item["account_id"], item["uploads"], item["uploaded_bytes"]) for item in items] == [
            ("ann", 399, 3905),
            ("bob", 2, 30),
        ]


async def test_packs_without_refused_sizes_are_in_the_usage_report(analytics: Analytics) -> None:
    """With all their bytes: the archive keeps such events as they were published."""
    chunks = analytics.database["archive_chunks"]
    async with analytics.running():
        await analytics.publish_and_wait(uploaded_pack("ann", 3, 30, 2))
        (chunk,) = await chunks.find().to_list(None)
        sent_events = unpack(chunk["rows"])
        early = sent_events.replace(rb"\"refused_size\":0,", b"")
        assert early != sent_events
        await chunks.update_one({"_id": chunk["_id"]}, {"$set": {"rows": pack(early.splitlines())}})
        (item,) = (await analytics.ok("/v1/admin/reports/usage"))["items"]
        assert (item["uploads"], item["uploaded_bytes"]) == (2, 30)


async def test_too_much_of_the_archive_for_one_report_is_refused(analytics: Analytics) -> None:
    """Rather than to fill the disk; the command line takes any amount."""
    async with analytics.running(segment_delay_seconds=0.0, query_bytes=10):
        await analytics.publish_and_wait(upload("ann", 5))

        async def is_refused() -> bool:
            return (await analytics.get("/v1/admin/reports/usage")).status == 422

        await eventually(is_refused)


async def test_too_many_pending_rows_for_one_report_are_refused(analytics: Analytics) -> None:
    """By their size, of the days of the report only."""
    async with analytics.running(query_bytes=10):
        await analytics.publish_and_wait(upload("ann", 5))
        refused = await analytics.get("/v1/admin/reports/usage")
        assert (refused.status, refused.json()["code"]) == (422, "too_much")
        assert (await analytics.get("/v1/admin/reports/usage?to=2026-01-01T00:00:00Z")).status == 200
