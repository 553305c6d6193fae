"""Upload sessions in the real database: lists are found by an index, and what is signed is counted."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from docstore_platform.ids import new_id
from docstore_platform.mongodb.client import Database, Mongo
from docstore_platform.settings import InfraSettings
from docstore_upload.lifecycle.rules import State
from docstore_upload.sessions.repository import MongoUploads, page_filter

pytestmark = pytest.mark.connected

SENT = 3000
LIMIT = 5
STATES: tuple[State, ...] = ("initiated", "uploading", "completed", "expired", "aborted")


@pytest.fixture
async def database(infra: InfraSettings) -> AsyncIterator[Database]:
    mongo = Mongo(infra.mongo_url.get_secret_value(), app_name="test")
    yield mongo.database(f"{infra.database_prefix}upload")
    mongo.close()


@pytest.fixture
async def uploads(database: Database) -> MongoUploads:
    uploads = MongoUploads(database)
    await uploads.create_indexes()
    return uploads


async def insert(database: Database, account_id: str, *states: str) -> list[str]:
    """Store sessions of these states; their ids."""
    rows: list[Any] = [{"_id": new_id(), "account_id": account_id, "state": state} for state in states]
    await database["uploads"].insert_many(rows)
    return [row["_id"] for row in rows]


@pytest.mark.parametrize("state", STATES)
async def test_a_page_of_a_state_is_found_by_an_index(database: Database, uploads: MongoUploads, state: State) -> None:
    """Behind thousands of newer sessions of another state, a page reads no more than it shows."""
    account_id, other = new_id(), "aborted" if state == "completed" else "completed"
    also = "committing" if state == "uploading" else state
    old = await insert(database, account_id, state, also, state, also)
    await insert(database, account_id, *[other] * SENT)
    for before in (None, new_id()):
        condition = page_filter(account_id, before, state)
        find = {"find": "uploads", "filter": condition, "sort": {"_id": -1}, "limit": LIMIT}
        plan = await database.command("explain", find, verbosity="executionStats")
        assert plan["executionStats"]["nReturned"] == len(old)
        assert plan["executionStats"]["totalDocsExamined"] == len(old)
        assert plan["executionStats"]["totalKeysExamined"] <= len(old) + 2
        assert "'stage': 'SORT'" not in str(plan["queryPlanner"]["winningPlan"])


async def test_signed_bytes_are_counted_once_each(database: Database, uploads: MongoUploads) -> None:
    """Of many requests at once, just those that fit are signed; a smaller one may still fit."""
    [upload_id] = await insert(database, new_id(), "initiated")
    signed = await asyncio.gather(*(uploads.count_signed(upload_id, 3, 10) for _ in range(8)))
    assert sum(signed) == 3
    assert not await uploads.count_signed(upload_id, 2, 10)
    assert await uploads.count_signed(upload_id, 1, 10)
