"""Drills: an alert's condition is caused in a running stack and ended by the commands of its page, as written there."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiokafka import AIOKafkaProducer
from old_data_folder import opened_databases
from runbook_pages import Drill
from shell import Result, Shell
from stacks import SHORT_WAITS, DetachedStack

from docstore_events.catalogue.event import TOPICS
from docstore_platform.testing import eventually

pytestmark = [pytest.mark.connected, pytest.mark.faults]
NOT_A_BACKUP = "notes.txt"


class DrilledStack(DetachedStack):
    """Its backups go to a folder that somebody uses otherwise, and its audit log is anchored at once."""

    def __init__(self, data: Path, target: Path) -> None:
        self.target = target
        environment = {
            "DOCSTORE_BACKUP_TARGET": str(target),
            "ANALYTICS_SWEEP_INTERVAL_SECONDS": "0.5",
            "ANALYTICS_AUDIT_SEGMENT_DELAY_SECONDS": "1",
        }
        super().__init__(data, SHORT_WAITS | environment)

    async def fires(self, drill: Drill) -> bool:
        async with (
            aiohttp.ClientSession() as http,
            http.get(f"{self.state.addresses['operations']}/metrics") as answer,
        ):
            return drill.holds(await answer.text())

    async def until(self, drill: Drill, *, firing: bool) -> None:
        async def as_expected() -> bool:
            return await self.fires(drill) is firing

        await eventually(as_expected, seconds=60, every=0.2)


class Operator:
    """Runs the commands of a page, on the stack of one data folder."""

    def __init__(self, shell: Shell, stack: DrilledStack) -> None:
        self._shell, self._stack = shell, stack

    async def run(self, drill: Drill, written: str, **values: str) -> Result:
        return await self._shell.run(*drill.command(written, **values), "--data", self._stack.data)

    async def done(self, drill: Drill, written: str, **values: str) -> str:
        result = await self.run(drill, written, **values)
        assert result.status == 0, result
        return result.out


@pytest.fixture(scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DrilledStack]:
    target = tmp_path_factory.mktemp("target")
    (target / NOT_A_BACKUP).write_text("the shopping list")
    async with DrilledStack(tmp_path_factory.mktemp("drilled"), target) as running:
        yield running


@pytest.fixture
def operator(stack: DrilledStack, tmp_path: Path) -> Operator:
    return Operator(Shell(tmp_path), stack)


async def test_failed_backups(stack: DrilledStack, operator: Operator) -> None:
    """The command tells the reason; once that is gone, a backup that is asked for ends the alert."""
    drill = Drill("BackupFailed")
    await stack.until(drill, firing=True)
    shown = await operator.run(drill, "docstore admin backups")
    assert shown.status == 1
    assert "is not a folder of backups" in shown.out.replace("\n", " ")
    (stack.target / NOT_A_BACKUP).unlink()
    await operator.run(drill, "docstore admin backups --now")
    await stack.until(drill, firing=False)
    await operator.done(drill, "docstore admin backups")


async def test_dead_letters(stack: DrilledStack, operator: Operator) -> None:
    """A message that nobody can read is listed with its reason, and its waiting ends when it is discarded."""
    drill = Drill("DeadLettersWaiting")
    producer = AIOKafkaProducer(bootstrap_servers=stack.state.addresses["kafka"])
    await producer.start()
    await producer.send_and_wait(TOPICS[0], b"not an event", key=b"a")
    await producer.stop()
    await stack.until(drill, firing=True)
    reasons: set[str] = set()

    async def discarded() -> bool:
        for letter in (await operator.run(drill, "docstore events dead-letters --json")).json:
            reasons.add(letter["reason"])
            await operator.done(drill, "docstore events discard ID", ID=letter["id"])
        return not await stack.fires(drill)

    await eventually(discarded, seconds=60)  # each service puts its own there
    assert reasons == {"unreadable"}


async def test_a_changed_audit_log(stack: DrilledStack, operator: Operator) -> None:
    """The command names the entry; once it is as it was, the log verifies and is anchored again."""
    drill = Drill("AuditLogTampered")
    async with opened_databases(stack.data, stack.state.addresses["mongodb"]) as mongo:
        audit, anchors = (mongo.database("docstore_analytics")[name] for name in ("audit", "audit_anchor"))

        async def anchored() -> bool:
            return await anchors.find_one() is not None

        await eventually(anchored, seconds=30)
        (entry,) = await audit.find().sort("_id", -1).limit(1).to_list()
        await audit.update_one({"_id": entry["_id"]}, {"$set": {"signature": "0" * 64}})
        verified = await operator.run(drill, "docstore admin verify-audit")
        assert f"entry {entry['_id']}" in verified.err
        await stack.until(drill, firing=True)
        await audit.replace_one({"_id": entry["_id"]}, entry)
    await stack.until(drill, firing=False)
    await operator.done(drill, "docstore admin verify-audit")
