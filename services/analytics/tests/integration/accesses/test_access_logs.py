"""Access logs in a real bucket, read into the archive once each, whatever happens to the reader."""

import gzip
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from access_lines import CLOUDFRONT_HEAD, cloudfront_line, embedded_line, s3_line
from analytics_app import Analytics
from analytics_events import SETTINGS

from docstore_analytics.accesses import sources
from docstore_analytics.accesses.repository import MongoAccessLogs
from docstore_analytics.accesses.sources import BucketLogs, FolderLogs
from docstore_analytics.accesses.worker import AccessLogReader
from docstore_analytics.archive.columns import ACCESSES, unpack
from docstore_analytics.archive.repository import MongoArchive
from docstore_analytics.reports.repository import MongoFigures
from docstore_contents.s3.store import ObjectStore
from docstore_events.transaction import Transactor
from docstore_platform.ids import new_id
from docstore_platform.testing import eventually
from docstore_work.leader_lease import LeaderLease

pytestmark = pytest.mark.connected

NAMES = [f"2026-02-06-00-0{number}-00-ABC" for number in range(5)]


class Killed(Exception):
    """The process ends here."""


@dataclass
class Logs:
    """Log files below a prefix of their own, and readers of them."""

    analytics: Analytics
    store: ObjectStore
    prefix: str

    async def put(self, name: str, lines: str, *, is_gzip: bool = False) -> None:
        data = lines.encode()
        await self.store.put(f"{self.prefix}{name}", gzip.compress(data) if is_gzip else data)

    def reader(self, logs: MongoAccessLogs | None = None, grace_seconds: float = 3600.0) -> AccessLogReader:
        database = self.analytics.database
        transactor = Transactor(self.analytics.mongo, database, "analytics", "")
        return AccessLogReader(
            [BucketLogs("s3", self.store, self.prefix)],
            logs or MongoAccessLogs(database),
            MongoArchive(database, transactor, ACCESSES),
            MongoFigures(database, hourly_days=90),
            transactor,
            LeaderLease(database["leases"], "accesses", seconds=0.001),  # whoever died is not waited for
            grace_seconds=grace_seconds,
            file_bytes=10**6,
        )

    async def waiting(self) -> Counter[str]:
        """Ids of the accesses that wait for a file of the archive."""
        rows = [row["rows"] async for row in self.analytics.database[ACCESSES.waiting].find()]
        return Counter(line.split(b'"')[3].decode() for packed in rows for line in unpack(packed).splitlines())

    async def downloaded(self) -> int:
        figures = await MongoFigures(self.analytics.database, hourly_days=90).figures(
            "downloaded_bytes", "day", datetime(2026, 2, 6, tzinfo=UTC), datetime(2026, 2, 7, tzinfo=UTC)
        )
        return sum(amount for each in figures for amount in each.amounts.values())


@pytest.fixture
async def logs(analytics: Analytics) -> AsyncIterator[Logs]:
    async with analytics.store as store:
        logs = Logs(analytics, store, f"logs-{new_id()}/")
        await MongoAccessLogs(analytics.database).create_indexes()
        yield logs
        await store.clear(logs.prefix)


async def test_each_line_is_archived_once(logs: Logs) -> None:
    """However often the reader looks; a malformed line does not stop it."""
    await logs.put(NAMES[0], s3_line() * 3 + "nonsense\n")
    await logs.put(NAMES[1], s3_line(sent="500"), is_gzip=True)
    assert [await logs.reader().read_due() for _ in range(3)] == [2, 0, 0]
    assert len(await logs.waiting()) == (await logs.waiting()).total() == 4
    assert await logs.downloaded() == 3500


async def test_a_reader_killed_at_any_step_loses_and_doubles_nothing(
    logs: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the transaction of each batch, before or after its progress is stored, and when it moves on."""
    monkeypatch.setattr(sources, "BATCH_LINES", 2)
    for name in NAMES[:3]:
        await logs.put(name, s3_line() * 5)

    class Dying(MongoAccessLogs):
        def __init__(self, lives: int, *, is_early: bool) -> None:
            super().__init__(logs.analytics.database)
            self.lives, self.is_early = lives, is_early

        def step(self, *, is_before: bool) -> None:
            self.lives -= is_before == self.is_early
            if self.lives < 0:
                raise Killed

        async def advance(self, *arguments: Any) -> bool:
            self.step(is_before=True)
            advanced = await super().advance(*arguments)
            self.step(is_before=False)
            return advanced

        async def move_on(self, source: str, key: str) -> None:
            self.step(is_before=True)
            await super().move_on(source, key)
            self.step(is_before=False)

    for is_early in (True, False):
        for lives in (0, 1, 2):
            with pytest.raises(Killed):
                await logs.reader(Dying(lives, is_early=is_early), grace_seconds=0.0).read_due()
    await logs.reader(grace_seconds=0.0).read_due()
    waiting = await logs.waiting()
    assert (len(waiting), waiting.total()) == (15, 15)
    assert await logs.downloaded() == 15_000


async def test_two_readers_at_once_archive_each_line_once(logs: Logs, monkeypatch: pytest.MonkeyPatch) -> None:
    """One was paused for longer than its lease, and continues where the other one is done."""
    monkeypatch.setattr(sources, "BATCH_LINES", 2)
    await logs.put(NAMES[0], s3_line() * 5)

    class Paused(MongoAccessLogs):
        async def advance(self, *arguments: Any) -> bool:
            await logs.reader().read_due()
            return await super().advance(*arguments)

    assert await logs.reader(Paused(logs.analytics.database)).read_due() == 0
    waiting = await logs.waiting()
    assert (len(waiting), waiting.total()) == (5, 5)


async def test_a_file_that_appears_late_is_read(logs: Logs) -> None:
    """With a name before those that are read; after the grace period they are no longer listed."""
    await logs.put(NAMES[2], s3_line())
    await logs.reader().read_due()
    await logs.put(NAMES[1], s3_line())
    assert await logs.reader(grace_seconds=0.0).read_due() == 1
    listed: list[str] = []

    class Listing(BucketLogs):
        async def page(self, after: str) -> Any:
            listed.append(after)
            return await super().page(after)

    reader = logs.reader()
    reader._sources = [Listing("s3", logs.store, logs.prefix)]
    await logs.put(NAMES[3], s3_line())
    assert await reader.read_due() == 1
    assert listed[0] == f"{logs.prefix}{NAMES[2]}"
    assert await logs.analytics.database["access_logs"].count_documents({}) == 1


async def test_a_listing_of_the_embedded_bucket_does_not_stop_the_others(logs: Logs, tmp_path: Path) -> None:
    """It is logged like a read, of no object, so it has no size."""
    bucket, key = logs.store.config.bucket, f"{logs.prefix}content"
    await logs.store.put(key, b"x" * 77)
    (tmp_path / "1.log").write_text(embedded_line(bucket, "") + embedded_line(bucket, key))
    reader = logs.reader()
    reader._sources = [FolderLogs(tmp_path, logs.store)]
    assert await reader.read_due() == 1
    assert (await logs.waiting()).total() == 2


async def test_a_file_that_is_too_large_does_not_stop_the_others(logs: Logs) -> None:
    """It is skipped with a warning, and not fetched again."""
    await logs.put(NAMES[0], "x" * (10**6 + 1))
    await logs.put(NAMES[1], s3_line())
    assert [await logs.reader().read_due() for _ in range(2)] == [2, 0]
    assert (await logs.waiting()).total() == 1


@asynccontextmanager
async def listed_rows(analytics: Analytics, folder: Path, count: int) -> AsyncIterator[Any]:
    """The table in DuckDB, from the files that the API lists, once it has so many rows."""
    import duckdb

    async def listed() -> Any:
        items = (await analytics.ok("/v1/admin/archive?table=accesses&from=2026-02-01T00:00:00Z"))["items"]
        return items if sum(item["events"] for item in items) == count else None

    async with aiohttp.ClientSession() as http:
        for item in await eventually(listed):
            async with http.get(item["url"]) as answer:
                (folder / f"{item['id']}.parquet").write_bytes(await answer.read())
    yield duckdb.sql(f"SELECT * FROM '{folder}/*.parquet' ORDER BY time, id")


async def test_the_service_makes_a_table_of_all_logs(logs: Logs, tmp_path: Path) -> None:
    """Of S3, CloudFront and the embedded store, each in its place; the report has their bytes."""
    own, edge = tmp_path / "own", f"{logs.prefix}edge/"
    own.mkdir()
    key = f"accounts/ann/uploads/{logs.prefix[5:-1]}/content"
    (own / "1.log").write_text(embedded_line(logs.store.config.bucket, key))
    await logs.store.put(key, b"x" * 77)
    await logs.put(f"store/{NAMES[0]}", s3_line())
    await logs.store.put(f"{edge}E1.2026-02-06-00.gz", gzip.compress((CLOUDFRONT_HEAD + cloudfront_line()).encode()))
    where = f"s3://{logs.store.config.bucket}"
    settings = {
        **SETTINGS,
        "segment_delay_seconds": 0.0,
        "access_log_interval_seconds": 0.1,
        "s3_access_logs": f"{where}/{logs.prefix}store/",
        "cloudfront_logs": f"{where}/{edge}",
        "embedded_access_logs": own,
    }
    async with logs.analytics.running(**settings), listed_rows(logs.analytics, tmp_path, 3) as table:
        assert table.columns == list(ACCESSES.columns)
        found = table.select("log", "bytes", "kind", "account_id", "by_url").fetchall()
        assert set(found) == {
            ("s3", 1000, "content", "ann", True),
            ("cloudfront", 1500, "content", "ann", True),
            ("embedded", 77, "content", "ann", True),
        }
        period = "from=2026-02-06T00:00:00Z&to=2026-02-07T00:00:00Z"
        report = await logs.analytics.ok(f"/v1/admin/reports/downloaded-bytes?{period}")
        assert {line["name"]: sum(line["values"]) for line in report["series"]} == {
            "s3": 1000,
            "cloudfront": 1500,
            "embedded": 77,
        }
        events = await logs.analytics.ok("/v1/admin/archive?from=2026-02-01T00:00:00Z")
        assert events["items"] == []
