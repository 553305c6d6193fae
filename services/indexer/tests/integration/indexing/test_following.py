"""Plan changes, unreadable documents, crashes, and acknowledgement for the final check."""

import asyncio
import shutil
from typing import Any

import indexer_documents as documents
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from indexer_world import World

from docstore_events.catalogue.files import FileCreated
from docstore_events.envelope import open_envelope
from docstore_indexer.indexing.repository import MongoEntries
from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected


async def test_on_account_plan_changed_the_backlog_is_built_and_dropped(fresh: World) -> None:
    """Premium reads existing files; free removes the texts from index and store; both are published."""
    ann = await fresh.person("free")
    states = [await fresh.add(ann, f"file {number}.txt", b"patient walrus") for number in range(3)]
    names = [state.name for state in states]
    await fresh.finds(ann, "file", *names)
    await fresh.settled()
    upgrade = await fresh.change_plan(ann, "premium", 2)
    await fresh.finds(ann, "", *names)

    async def searchable() -> bool:
        answer = await fresh.call("GET", "/v1/search?q=walrus&in=content", bearer=fresh.token(ann))
        return bool(answer.status == 200 and answer.json()["total"] == 3)

    await eventually(searchable)
    await fresh.settled()
    settled = await fresh.internal("POST", "/internal/events/settled", {"event_ids": [upgrade]})
    assert settled == {"settled": [upgrade]}
    await fresh.change_plan(ann, "free", 3)

    async def dropped() -> bool:
        return await fresh.database["texts"].count_documents({}) == 0

    await eventually(dropped)
    assert await fresh.refused(ann, "q=walrus&in=content") == (403, "premium_required")
    await fresh.settled()
    assert await fresh.names(ann, "file") == names
    events = await fresh.until_published(states[0].file_id, "file-indexed", "file-indexed", "file-indexed")
    assert [event["mode"] for event in events] == ["name", "fulltext", "name"]
    assert await fresh.database["documents"].count_documents({"text_version": {"$ne": 0}}) == 0


async def test_a_plan_changed_to_and_fro_ends_with_the_last(fresh: World) -> None:
    """Changes that come while the backlog of the one before is at work are not mixed up."""
    ann = await fresh.person("free")
    states = [await fresh.add(ann, f"file {number}.txt", b"patient walrus") for number in range(10)]
    for revision, plan in enumerate(("premium", "free", "premium", "free", "premium"), 2):
        await fresh.change_plan(ann, plan, revision)
    await fresh.finds(ann, "file", *(state.name for state in states))

    async def all_read() -> bool:
        return await fresh.database["documents"].count_documents({"text_version": 1, "state": "done"}) == 10

    await eventually(all_read)
    assert len(await fresh.names(ann, "walrus", scope="content")) == 10


async def test_documents_that_cannot_be_read_are_published_with_the_reason(fresh: World) -> None:
    """A corrupt PDF, a zip bomb, an encrypted one and a film: each is published once and found by its name."""
    ann = await fresh.person("premium")
    bomb = documents.zipped({"word/document.xml": b"\0" * (300 << 20)})
    files = {
        "torn report.pdf": (b"%PDF-1.7 torn", "corrupt"),
        "bomb report.docx": (bomb, "archive_bomb"),
        "locked report.pdf": (documents.pdf("hidden", password="x"), "encrypted"),
        "film report.avi": (b"\0" * 64, "unsupported_type"),
    }
    states = [(await fresh.add(ann, name, content), reason) for name, (content, reason) in files.items()]
    for state, reason in states:
        (event,) = await fresh.until_published(state.file_id, "file-index-failed")
        assert (event["reason"], event["version"]) == (reason, 1)
    await fresh.finds(ann, "report", *files)
    assert {item["file"]["name"] for item in (await fresh.search(ann, "report", scope="content"))["items"]} == {*files}


async def test_file_indexed_is_seen_on_kafka(fresh: World) -> None:
    """Its events reach the broker, in the trace of the event that caused them."""
    ann = await fresh.person("premium")
    state = await fresh.add(ann, "note.txt", b"walrus")
    topic = f"{fresh.infra.topic_prefix}files"
    consumer = AIOKafkaConsumer(bootstrap_servers=fresh.infra.kafka_bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, number) for number in range(fresh.infra.topic_partitions)])

        async def seen() -> Any:
            batches = await consumer.getmany(timeout_ms=200)
            for record in (record for records in batches.values() for record in records):
                envelope = open_envelope(record.headers, record.value)
                if envelope is not None and envelope.event.type == "file-indexed":
                    return envelope
            return None

        envelope = await eventually(seen)
        assert (envelope.event.file_id, envelope.source) == (state.file_id, "indexer")
    finally:
        await consumer.stop()


async def test_acknowledgement_waits_for_the_index(fresh: World) -> None:
    """An event is acknowledged to the final check only when its file is searchable."""
    ann = await fresh.person("premium")
    state = fresh.file(ann, "later.txt", b"walrus", object_key="accounts/a/not-there-yet")
    (event_id,) = await fresh.publish(FileCreated(revision=1, file=state, path="/later.txt", actor_id=ann))
    question = {"event_ids": [event_id]}

    async def handled() -> Any:
        return await fresh.database["inbox"].find_one({"_id": event_id})

    await eventually(handled)
    assert await fresh.internal("POST", "/internal/events/settled", question) == {"settled": []}
    await fresh.objects.put(state.object_key, b"walrus")

    async def settled() -> bool:
        answer = await fresh.internal("POST", "/internal/events/settled", question)
        return bool(answer == {"settled": [event_id]})

    await eventually(settled)
    await fresh.until_published(state.file_id, "file-indexed")


async def test_a_crash_between_the_index_and_the_mark_is_healed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that dies with the file in the index but still pending: the next one repeats it, published once."""
    reached = asyncio.Event()

    async def dies(*_: Any) -> None:
        reached.set()
        await asyncio.Event().wait()

    with monkeypatch.context() as patch:
        async with world.running():
            ann = await world.person("premium")
            patch.setattr(MongoEntries, "complete", dies)
            state = await world.add(ann, "note.txt", b"walrus")
            await reached.wait()
        assert (await world.database["documents"].find_one({"_id": state.file_id}))["state"] == "pending"
    async with world.running():
        await world.finds(ann, "walrus", "note.txt", scope="content")
        await world.until_published(state.file_id, "file-indexed")


async def test_a_lost_index_is_built_anew(world: World) -> None:
    """The folder is gone: at the next start everything is found again, its texts from the store."""
    async with world.running():
        ann = await world.person("premium")
        state = await world.add(ann, "note.txt", b"walrus")
        await world.finds(ann, "walrus", "note.txt", scope="content")
        await world.settled()
    shutil.rmtree(world.folder)
    await world.objects.delete(state.object_key)
    async with world.running():
        assert await world.names(ann, "walrus", scope="content") == ["note.txt"]
        await world.until_published(state.file_id, "file-indexed")


async def test_three_hundred_names_published_at_once_are_all_found(fresh: World) -> None:
    """They are handled in batches, and each is published."""
    ann = await fresh.person("free")
    states = [await fresh.add(ann, f"small {number}.txt", b"", is_published=False) for number in range(300)]
    await fresh.publish(*(FileCreated(revision=1, file=state, path="/x", actor_id=ann) for state in states))

    async def done() -> bool:
        return await fresh.database["documents"].count_documents({"state": "done"}) == 300

    await eventually(done)
    assert len(await fresh.database["inbox"].distinct("handled_at")) < 50
    assert (await fresh.search(ann, "small"))["total"] == 300
    assert await fresh.database["outbox"].count_documents({}) == 300


async def test_leftovers_of_killed_workers_are_removed(world: World) -> None:
    """Temporary files of the process before are gone after a start."""
    left = world.folder / "work" / "docstore-extract-left"
    left.mkdir(parents=True)
    (left / "page.png").write_bytes(b"x")
    async with world.running():
        assert list((world.folder / "work").iterdir()) == []


async def test_cheap_documents_do_not_wait_for_pictures(fresh: World) -> None:
    """With scans under way a text and a Word file are searchable before they are."""
    ann = await fresh.person("premium")
    pages = [f"scanned page {number}" for number in range(6)]
    scans = [await fresh.add(ann, f"scan {number}.pdf", documents.scanned_pdf(*pages)) for number in range(3)]
    await fresh.finds(ann, "scan", *(scan.name for scan in scans))
    await fresh.add(ann, "note.txt", b"nimble walrus")
    await fresh.add(ann, "letter.docx", documents.word("nimble walrus"))
    await fresh.finds(ann, "walrus", "note.txt", "letter.docx", scope="content")
    assert len(await fresh.published(scans[-1].file_id)) == 0
