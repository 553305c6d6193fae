"""Random interleavings of block operations in the real database, and equality of the fakes with it."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from block_interleavings import SETTINGS, BlockInterleavings, Parts
from fake_services import FakeServices
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from docstore_events.transaction import Transactor
from docstore_platform.mongodb.client import Database, Mongo
from docstore_platform.settings import InfraSettings
from docstore_upload.blocks.repository import MongoBlocks
from docstore_upload.cold_objects.repository import MongoColdObjects
from docstore_upload.sessions.repository import MongoUploads
from docstore_upload.settings import UploadSettings

pytestmark = pytest.mark.connected

START = datetime(2026, 11, 21, 12, tzinfo=UTC)
COLLECTIONS = ("uploads", "blocks", "block_lists", "discarded", "outbox")


@contextmanager
def database_of(infra: InfraSettings, loop: asyncio.AbstractEventLoop) -> Iterator[tuple[Mongo, Database]]:
    async def connect() -> Mongo:
        return Mongo(infra.mongo_url.get_secret_value(), app_name="test")

    mongo = loop.run_until_complete(connect())
    yield mongo, mongo.database(f"{infra.database_prefix}upload")
    mongo.close()
    loop.close()


def test_blocks_under_any_interleaving_in_the_database(infra: InfraSettings, services: FakeServices) -> None:
    """Whatever happens in whichever order: a block is there while a list refers to it, and goes when none does."""
    loop = asyncio.new_event_loop()
    with database_of(infra, loop) as (mongo, database):
        transactor = Transactor(mongo, database, "upload", infra.topic_prefix)
        time = SimpleNamespace(now=START)
        seconds = UploadSettings(infra=infra, **SETTINGS).lease_seconds  # type: ignore[arg-type]
        uploads = MongoUploads(database, seconds, lambda: time.now)
        cold_objects = MongoColdObjects(database, seconds, lambda: time.now)
        blocks = MongoBlocks(database, transactor, cold_objects, seconds, lambda: time.now)
        loop.run_until_complete(asyncio.wait_for(_create_indexes(uploads, blocks), 30))

        async def lists() -> list[str]:
            return [row["_id"] for row in await database["block_lists"].find().to_list(None)]

        async def refs() -> dict[tuple[str, str], int]:
            rows = await database["blocks"].find({"refs": {"$ne": 0}}).to_list(None)
            return {(*row["_id"].split("."),): row["refs"] for row in rows}

        async def left() -> list[Any]:
            found = [await database[name].find().to_list(None) for name in ("blocks", "block_lists", "discarded")]
            return [row for rows in found for row in rows]

        async def empty() -> None:
            for name in COLLECTIONS:
                await database[name].delete_many({})

        def machine() -> BlockInterleavings:
            loop.run_until_complete(empty())
            services.start_anew()
            upload_settings = UploadSettings(infra=infra, **SETTINGS)  # type: ignore[arg-type]
            time.now = START
            parts = Parts(uploads, blocks, transactor, services, upload_settings, time, lists, refs, left)
            return BlockInterleavings(loop, parts)

        checks = [HealthCheck.too_slow]
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=max(settings().max_examples // 3, 8), stateful_step_count=40, suppress_health_check=checks
            ),
        )


async def _create_indexes(uploads: MongoUploads, blocks: MongoBlocks) -> None:
    await uploads.create_indexes()
    await blocks.create_indexes()
