"""Drills of pages that end with a setting: an alert's condition is caused, and ended by a restart with that setting."""

import io
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from drills import Operator, fires, until
from old_data_folder import opened_databases
from people import PASSWORD, Person
from PIL import Image
from runbook_pages import Drill
from shell import Shell
from stacks import SHORT_WAITS, DetachedStack
from without_landlock import python_without_landlock

from docstore_analytics.archive.columns import EVENTS
from docstore_platform.testing import eventually

pytestmark = [pytest.mark.connected, pytest.mark.faults]
MISCONFIGURED = {
    "ANALYTICS_CHILD_TIMEOUT_SECONDS": "0.01",
    "ANALYTICS_SEGMENT_DELAY_SECONDS": "1",
    "ANALYTICS_SWEEP_INTERVAL_SECONDS": "0.5",
    "UPLOAD_LIFETIME_SECONDS": "60",
    "UPLOAD_STRAY_GRACE_SECONDS": "1",
    "UPLOAD_STRAY_PASS_DELAY_SECONDS": "1",
}
FOUR_HOURS = 4 * 3600 * 1000
"""In milliseconds."""
MORE_THAN_MAY_WAIT = 501


@pytest.fixture
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DetachedStack]:
    """Its archive has no time to be written, and its parsers can't be confined."""
    python = python_without_landlock(tmp_path_factory.mktemp("python"))
    data = tmp_path_factory.mktemp("misconfigured")
    async with DetachedStack(data, SHORT_WAITS | MISCONFIGURED, python=python) as running:
        yield running


@pytest.fixture
def operator(stack: DetachedStack, tmp_path: Path) -> Operator:
    return Operator(Shell(tmp_path), stack)


def picture(number: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (1, 1), (number % 256, number // 256, 0)).save(out, "PNG")
    return out.getvalue()


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


async def test_parsers_that_cannot_be_confined(stack: DetachedStack, operator: Operator) -> None:
    """All documents and pictures wait, and are found and shown once the operator accepts a weaker sandbox."""
    sandbox, index, previews = Drill("ParserSandboxUnavailable"), Drill("IndexBehind"), Drill("PreviewsBehind")
    numbers = range(MORE_THAN_MAY_WAIT)
    async with await Person.new(stack.gateway) as ada:
        await ada.choose("premium")
        await ada.upload_batch({f"/{number}.html": f"<p>lighthouse {number}</p>".encode() for number in numbers})
        pictures = await ada.upload_batch({f"/{number}.png": picture(number) for number in numbers})
        for drill in (sandbox, index, previews):
            await until(drill, stack, firing=True)
        assert "Landlock" in operator.log()
        assert await ada.search("lighthouse", **{"in": "content"}) == []
    await stack.restart(sandbox.setting("DOCSTORE_ALLOW_WEAK_SANDBOX", "true"))
    assert not await fires(sandbox, stack)
    for drill in (index, previews):
        await until(drill, stack, firing=False)
    async with Person(stack.gateway) as again:
        await again.log_in(ada.email, PASSWORD)
        await again.found("lighthouse 499", "/499.html", **{"in": "content"})

        async def shown() -> bool:
            return bool((await again.call("GET", f"/v1/files/{pictures[0]['id']}"))["preview"])

        await eventually(shown)
