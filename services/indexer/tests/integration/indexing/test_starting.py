"""What a start makes of the leases that it finds."""

import asyncio
from typing import Any

import pytest
from indexer_fakes import FakeEngine, a_file
from indexer_world import World

from docstore_indexer.engines.engine import Opened
from docstore_indexer.indexing.job_repository import REBUILD, Jobs
from docstore_indexer.indexing.repository import MongoEntries
from docstore_indexer.indexing.rules import FileChange, WorkQueue
from docstore_indexer.indexing.text_reader import StoredContents
from docstore_indexer.indexing.worker import MAX_ATTEMPTS

pytestmark = pytest.mark.connected


class CompleteEngine(FakeEngine):
    """An index that needs no rebuild."""

    async def open(self) -> Opened:
        return Opened(False, "complete")

    async def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("engine", "alone", "is_taken"),
    [("tantivy", False, True), ("opensearch", True, True), ("opensearch", False, False)],
)
async def test_a_start_takes_over_only_what_no_other_instance_can_hold(
    world: World, monkeypatch: pytest.MonkeyPatch, engine: str, alone: bool, is_taken: bool
) -> None:
    """Instances that share an index leave a file in hand and a running rebuild to the one that has them."""
    monkeypatch.setattr("docstore_indexer.app._engine", lambda *_: CompleteEngine())
    entries, jobs = MongoEntries(world.database, lease_seconds=600), Jobs(world.database, lease_seconds=600)
    await entries.record([FileChange(a_file())], None)
    held = await entries.claim(WorkQueue.QUICK, 1)
    await jobs.request(REBUILD, "rebuild")
    job = await jobs.claim("rebuild")
    assert job is not None
    infra = world.infra.model_copy(update={"single_instance": alone})
    async with world.indexer(infra=infra, engine=engine):
        row: Any = await world.database["jobs"].find_one({"_id": REBUILD})
        assert (row.get("lease_owner") != job.lease.owner) is is_taken
        assert (await entries.held(held, None) == set()) is is_taken


@pytest.fixture
def reading(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Set when a document is read. None is ever read to its end."""
    reading = asyncio.Event()

    async def read(*_: Any) -> None:
        reading.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(StoredContents, "read", read)
    return reading


async def test_a_document_that_ends_the_process_again_and_again_is_given_up(
    world: World, monkeypatch: pytest.MonkeyPatch, reading: asyncio.Event
) -> None:
    """Five starts find it in hand, and each but the last reads it again; it is found by its name."""

    async def release_nothing(*_: Any, **__: Any) -> None:
        """As a process that is killed."""

    monkeypatch.setattr(MongoEntries, "postpone", release_nothing)
    async with world.running():
        ann = await world.person("premium")
        state = await world.add(ann, "letter.docx", b"x")
        await reading.wait()
    for _ in range(MAX_ATTEMPTS - 1):
        reading.clear()
        async with world.running():
            await reading.wait()
    async with world.running():
        (event,) = await world.until_published(state.file_id, "file-index-failed")
        assert event["reason"] == "parser_crashed"
        assert await world.names(ann, "letter") == ["letter.docx"]


async def test_a_document_outlives_any_number_of_orderly_stops(world: World, reading: asyncio.Event) -> None:
    """They are no crashes: each start reads it again."""
    async with world.running():
        await world.add(await world.person("premium"), "letter.docx", b"x")
        await reading.wait()
    for _ in range(MAX_ATTEMPTS + 1):
        reading.clear()
        async with world.running():
            await reading.wait()
