"""Drills: an alert fires in a running stack, and ends as its page says, by the commands that are written there."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from drills import Operator, fires, until
from old_data_folder import opened_databases
from people import Person
from runbook_pages import Drill
from shell import Shell
from stacks import SHORT_WAITS, DetachedStack

from docstore_events.catalogue.event import TOPICS
from docstore_platform.mongodb.client import Mongo
from docstore_platform.testing import eventually
from docstore_standalone.chaos.faults import paused

pytestmark = [pytest.mark.connected, pytest.mark.faults]
NOT_A_BACKUP = "notes.txt"
TWO_MINUTES = 120_000
"""In milliseconds."""


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where backups go: a folder that somebody uses otherwise."""
    folder = tmp_path_factory.mktemp("target")
    (folder / NOT_A_BACKUP).write_text("the shopping list")
    return folder


@pytest.fixture(scope="module")
async def stack(target: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DetachedStack]:
    """Its audit log is anchored at once, and uploads count as stalled after a few seconds."""
    environment = {
        "DOCSTORE_BACKUP_TARGET": str(target),
        "ANALYTICS_SWEEP_INTERVAL_SECONDS": "0.5",
        "ANALYTICS_AUDIT_SEGMENT_DELAY_SECONDS": "1",
        "UPLOAD_SETTLE_ATTEMPTS": "2",
        "UPLOAD_SETTLE_LONGEST_DELAY_SECONDS": "1",
    }
    async with DetachedStack(tmp_path_factory.mktemp("drilled"), SHORT_WAITS | environment) as running:
        yield running


@pytest.fixture
async def mongo(stack: DetachedStack) -> AsyncIterator[Mongo]:
    async with opened_databases(stack.data, stack.state.addresses["mongodb"]) as opened:
        yield opened


@pytest.fixture
def operator(stack: DetachedStack, tmp_path: Path) -> Operator:
    return Operator(Shell(tmp_path), stack)


async def test_failed_backups(stack: DetachedStack, target: Path, operator: Operator) -> None:
    """The command tells the reason; once that is gone, a backup that is asked for ends the alert."""
    drill = Drill("BackupFailed")
    await until(drill, stack, firing=True)
    shown = await operator.run(drill, "docstore admin backups")
    assert shown.status == 1
    assert "is not a folder of backups" in shown.out.replace("\n", " ")
    (target / NOT_A_BACKUP).unlink()
    await operator.run(drill, "docstore admin backups --now")
    await until(drill, stack, firing=False)
    await operator.done(drill, "docstore admin backups")


async def test_dead_letters(stack: DetachedStack, operator: Operator) -> None:
    """A message that nobody can read is listed with its reason, and its waiting ends when it is discarded."""
    drill = Drill("DeadLettersWaiting")
    producer = AIOKafkaProducer(bootstrap_servers=stack.state.addresses["kafka"])
    await producer.start()
    await producer.send_and_wait(TOPICS[0], b"not an event", key=b"a")
    await producer.stop()
    await until(drill, stack, firing=True)
    reasons: set[str] = set()

    async def discarded() -> bool:
        for letter in (await operator.run(drill, "docstore events dead-letters --json")).json:
            reasons.add(letter["reason"])
            await operator.done(drill, "docstore events discard ID", ID=letter["id"])
        return not await fires(drill, stack)

    await eventually(discarded, seconds=60)  # each service puts its own there
    assert reasons == {"unreadable"}


async def test_stalled_uploads(stack: DetachedStack, mongo: Mongo, operator: Operator) -> None:
    """The log names the service that can't handle the upload; after the cause is gone, a replay ends the alert."""
    drill, letters = Drill("UploadsStalled"), Drill("DeadLettersWaiting")
    counted = mongo.database("docstore_quota")["accounts"]
    async with await Person.new(stack.gateway) as ada:
        upload = await ada.begin("/a.txt", 1)
        await ada.send(upload, b"a")
        await counted.update_one({"_id": ada.id}, {"$set": {"used": "damaged"}})
        await ada.complete(upload)
        await until(drill, stack, firing=True)
        (stalled,) = [line for line in operator.log().splitlines() if "uploads_stalled" in line]
        assert "quota" in stalled
        (letter,) = (await operator.run(letters, "docstore events dead-letters --json")).json
        await counted.update_one({"_id": ada.id}, {"$set": {"used": 0}})
        await operator.done(letters, "docstore events replay ID", ID=letter["id"])
        await until(drill, stack, firing=False)
        await ada.counted(1)


async def test_a_stuck_outbox(stack: DetachedStack, mongo: Mongo, operator: Operator) -> None:
    """Events wait while the broker hangs, are published once it goes on, and again by the command without effect."""
    drill = Drill("OutboxStuck")
    outbox = mongo.database("docstore_metadata")["outbox"]
    async with await Person.new(stack.gateway) as ada:
        await ada.upload("/a.txt", b"a")
        await ada.counted(1)
        async with paused([stack.process("broker")]):
            await ada.upload("/b.txt", b"b")
            long_ago = {"$set": {"created_at": {"$subtract": ["$created_at", TWO_MINUTES]}}}
            await outbox.update_many({"state": "pending"}, [long_ago])
            await until(drill, stack, firing=True)
        await until(drill, stack, firing=False)
        await ada.counted(2)
        await operator.done(drill, "docstore events republish --since 2h")
        await ada.counted(2)


async def test_a_service_that_hangs(stack: DetachedStack) -> None:
    """Nothing has to be done once it goes on, or another process has taken its place."""
    drill = Drill("ServiceDown")
    async with paused([stack.process("services")]):
        await until(drill, stack, firing=True)
    await until(drill, stack, firing=False)
    async with await Person.new(stack.gateway) as ada:
        await ada.upload("/a.txt", b"a")
        await ada.counted(1)


async def test_a_changed_audit_log(stack: DetachedStack, mongo: Mongo, operator: Operator) -> None:
    """The command names the entry; once it is as it was, the log verifies and is anchored again."""
    drill = Drill("AuditLogTampered")
    audit, seals = (mongo.database("docstore_analytics")[name] for name in ("audit", "audit_seals"))

    async def sealed_and_anchored() -> Any:
        entry, seal = [await each.find_one(sort=[("_id", -1)]) for each in (audit, seals)]
        if not entry or not seal or seal["last"] != entry["_id"]:
            return None
        anchored = [line for line in operator.log().splitlines() if "audit_log_anchored" in line]
        return entry if any(re.search(rf"\bnumber\W+{entry['_id']}\b", line) for line in anchored) else None

    entry = await eventually(sealed_and_anchored)  # else it would be sealed as it is changed now
    await audit.update_one({"_id": entry["_id"]}, {"$set": {"signature": "0" * 64}})
    verified = await operator.run(drill, "docstore admin verify-audit")
    assert f"entry {entry['_id']}" in verified.err
    await until(drill, stack, firing=True)
    await audit.replace_one({"_id": entry["_id"]}, entry)
    await until(drill, stack, firing=False)
    await operator.done(drill, "docstore admin verify-audit")
