"""Archives the oplog beside the backups, so that they can be restored to any second.

The schedule runs `python -m docstore_standalone.backup.database.oplog_archive` with the settings of the environment.
"""

import asyncio
import sys
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog

from docstore_platform.clock import utc_now
from docstore_platform.mongodb.client import Mongo, Timestamp, encode_document, majority_time, raw_documents
from docstore_standalone.backup.database.oplog import Span, entry_of
from docstore_standalone.backup.deployment import Deployment, reached
from docstore_standalone.backup.failures import FAILURES
from docstore_standalone.backup.manifest import BackupRefused
from docstore_standalone.backup.places.bucket import BucketOptions
from docstore_standalone.backup.places.files import PackedWriter
from docstore_standalone.backup.places.place import prepared_target
from docstore_standalone.backup.places.target import Target
from docstore_standalone.backup_schedule import target_of
from docstore_standalone.settings import StandaloneSettings

log = structlog.get_logger(__name__)


class OplogArchive:
    """Adds files of entries to `target`, each after the last one. Files older than `days` are deleted."""

    def __init__(self, deployment: Deployment, target: Target, *, days: int) -> None:
        self._deployment, self._target = deployment, target
        self._kept = timedelta(days=days)

    async def run(self, interval_seconds: float) -> None:
        """Archive at intervals, for ever."""
        while True:
            await self.archive()
            await asyncio.sleep(interval_seconds)

    async def archive(self) -> Span | None:
        """Archive what a majority has and the archive has not; None if there is nothing.

        BackupRefused without the right to read the oplog.
        """
        spans = sorted(span for name in await asyncio.to_thread(self._target.logs) if (span := Span.named(name)))
        mongo = Mongo(self._deployment.mongo_url, app_name="docstore-oplog")
        try:
            with TemporaryDirectory(prefix="docstore-oplog-") as folder:
                span = await self._write(mongo, Path(folder), spans[-1].end if spans else None)
                if span:
                    await asyncio.to_thread(self._target.add_log, Path(folder, "entries"), span.name, span.sha256)
        finally:
            mongo.close()
        old = [each.name for each in spans if each.end.as_datetime() < utc_now() - self._kept]
        await asyncio.to_thread(self._target.remove_logs, old)
        return span

    async def _write(self, mongo: Mongo, folder: Path, after: Timestamp | None) -> Span | None:
        oplog = raw_documents(mongo.database("local")["oplog.rs"])
        end = await majority_time(mongo.database("admin"))
        oldest = await oplog.find_one({}, {"ts": 1}, sort=[("$natural", 1)])
        if oldest is None:
            raise BackupRefused("MongoDB has no oplog: it must be a replica set")
        begin = oldest["ts"] if after is None else after
        if begin < oldest["ts"]:
            log.error("oplog_gap", after=begin.as_datetime(), until=oldest["ts"].as_datetime())
            begin = oldest["ts"]
        if end <= begin:
            return None
        with PackedWriter(folder, "entries") as file:
            async for row in oplog.find({"ts": {"$gt": begin, "$lte": end}}).sort("$natural", 1):
                if entry := entry_of(row, self._deployment.database_prefix):
                    file.write(encode_document(entry))
        return Span(begin, end, file.part.sha256)


async def _archive(settings: StandaloneSettings) -> None:
    address = target_of(settings)
    if address is None:
        raise BackupRefused("DOCSTORE_BACKUP_TARGET is not set")
    async with reached(settings) as deployment:
        with prepared_target(address, BucketOptions(settings.backup_endpoint)) as target:
            archive = OplogArchive(deployment, target, days=settings.backup_oplog_days)
            await archive.run(settings.backup_oplog_interval_seconds)


def main() -> None:
    try:
        asyncio.run(_archive(StandaloneSettings()))
    except FAILURES as error:
        print(error, file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
