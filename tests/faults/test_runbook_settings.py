"""Drills of pages that end with a setting: an alert's condition is caused, and ended by a restart with that setting."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from drills import Operator, until
from old_data_folder import opened_databases
from people import Person
from runbook_pages import Drill
from shell import Shell
from stacks import SHORT_WAITS, DetachedStack

from docstore_analytics.archive.columns import EVENTS
from docstore_platform.testing import eventually

pytestmark = [pytest.mark.connected, pytest.mark.faults]
MISCONFIGURED = {
    "ANALYTICS_CHILD_TIMEOUT_SECONDS": "0.01",
    "ANALYTICS_SEGMENT_DELAY_SECONDS": "1",
    "ANALYTICS_SWEEP_INTERVAL_SECONDS": "0.5",
    "UPLOAD_STRAY_GRACE_SECONDS": "1",
    "UPLOAD_STRAY_PASS_DELAY_SECONDS": "1",
}
FOUR_HOURS = 4 * 3600 * 1000
"""In milliseconds."""


@pytest.fixture
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DetachedStack]:
    """Its archive has no time to be written."""
    async with DetachedStack(tmp_path_factory.mktemp("misconfigured"), SHORT_WAITS | MISCONFIGURED) as running:
        yield running


@pytest.fixture
def operator(stack: DetachedStack, tmp_path: Path) -> Operator:
    return Operator(Shell(tmp_path), stack)


async def test_an_archive_that_is_not_written(stack: DetachedStack, operator: Operator) -> None:
    """The log contains the error; with enough time the archive is written."""
    drill = Drill("ArchiveBehind")
    async with opened_databases(stack.data, stack.state.addresses["mongodb"]) as mongo:
        waiting = mongo.database("docstore_analytics")[EVENTS.waiting]
        async with await Person.new(stack.gateway):
            await eventually(waiting.find_one)
        await waiting.update_many({}, [{"$set": {"created_at": {"$subtract": ["$created_at", FOUR_HOURS]}}}])
        await until(drill, stack, firing=True)

    async def is_logged() -> bool:
        return "background_work_failed" in operator.log()

    await eventually(is_logged)
    await stack.restart(drill.setting("ANALYTICS_CHILD_TIMEOUT_SECONDS", "60"))
    await until(drill, stack, firing=False)


async def test_unknown_objects(stack: DetachedStack, operator: Operator) -> None:
    """The command lists them; once they may be deleted they are, and the command finds none."""
    drill, key = Drill("UnknownObjects"), "accounts/nobody/packs/unknown"
    await stack.bucket.replace(key, b"unknown")
    await until(drill, stack, firing=True)
    shown = await operator.run(drill, "docstore admin verify objects")
    assert (shown.status, key in shown.out) == (1, True), shown
    await stack.restart(drill.setting("UPLOAD_DELETE_UNKNOWN", "true"))

    async def deleted() -> bool:
        return await stack.bucket.keys_under(key) == []

    await eventually(deleted)
    await until(drill, stack, firing=False)
    await operator.done(drill, "docstore admin verify objects")
