"""Writes the archive once, and is killed at a point: `python write_archive.py POINT`, settings in the environment."""

import asyncio
import os
import signal
import sys
from typing import Any

from docstore_analytics.archive.repository import MongoArchive
from docstore_analytics.archive.rules import SegmentLimits
from docstore_analytics.archive.worker import ArchiveWriter
from docstore_contents.s3.store import ObjectStore, S3Config
from docstore_events.transaction import Transactor
from docstore_platform.mongodb.client import Mongo
from docstore_platform.settings import InfraSettings
from docstore_work.leader_lease import LeaderLease

POINTS = ("planned", "made", "put", "sealed")
"""After which step it dies; any other word: after none."""


def killed_after(point: str, step: Any) -> Any:
    """The step, and then no more."""

    async def and_die(*arguments: Any, **named: Any) -> Any:
        answer = await step(*arguments, **named)
        if sys.argv[1] == point:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    return and_die


async def main() -> None:
    infra = InfraSettings()
    mongo = Mongo(infra.mongo_url.get_secret_value(), app_name="test")
    database = mongo.database(f"{infra.database_prefix}analytics")
    transactor = Transactor(mongo, database, "analytics", infra.topic_prefix)
    waiting: Any = MongoArchive(database, transactor)
    lease = LeaderLease(database["leases"], "archive", seconds=0.001)  # whoever died is not waited for
    async with ObjectStore(S3Config.of(infra)) as objects:
        writer: Any = ArchiveWriter(
            waiting, lease, objects, SegmentLimits(0.0, 10, 10**6), child_memory=2**28, child_seconds=60
        )
        waiting.plan = killed_after("planned", waiting.plan)
        waiting.seal = killed_after("sealed", waiting.seal)
        writer._make_parquet = killed_after("made", writer._make_parquet)
        writer._objects = objects
        objects.put = killed_after("put", objects.put)  # type: ignore[method-assign]
        await writer.write_due()


if __name__ == "__main__":
    asyncio.run(main())
