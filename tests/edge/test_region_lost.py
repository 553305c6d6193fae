"""A region is lost, and comes back on other servers by the commands of its runbook, as they are written there."""

import asyncio
import os
import re
import shutil
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest
from people import PASSWORD, Person
from replicas import OTHER, REPLICA, Replica
from stacks import SHORT_WAITS, DetachedStack, processes_of, run

from docstore_platform.testing import eventually
from docstore_standalone.backup.database.oplog import Span, first_after

pytestmark = [pytest.mark.connected, pytest.mark.faults]

RUNBOOK = Path(__file__).parents[2] / "docs" / "runbook" / "region-lost.md"
REGION = "us-west-2"


async def backed_up(stack: DetachedStack, backups: Path) -> bool:
    """Whether a backup could be taken: one at a time, and the stack takes them itself."""
    status, _ = await run("backup", str(backups), "--data", str(stack.data))
    return status == 0


async def archived(backups: Path, moment: datetime) -> None:
    """Wait until the oplog of the moment is beside the backups."""

    def is_there() -> bool:
        spans = (Span.named(path.name) for path in backups.rglob("*.bson.zst"))
        return any(span.end >= first_after(moment) for span in spans if span is not None)

    await eventually(lambda: asyncio.to_thread(is_there))


async def lose(stack: DetachedStack) -> None:
    """Kill every process of the stack at once, and delete all that it had."""
    for process in processes_of(stack.data):
        with suppress(psutil.NoSuchProcess):  # it has ended with its parent
            process.kill()

    async def is_dead() -> bool:
        return not processes_of(stack.data)

    await eventually(is_dead)
    await asyncio.to_thread(shutil.rmtree, stack.data)


async def follow_runbook(environment: dict[str, str]) -> None:
    """Run the commands of the runbook in one shell."""
    runbook = await asyncio.to_thread(RUNBOOK.read_text)
    commands = re.findall(r"```sh\n(.*?)```", runbook, re.DOTALL)
    process = await asyncio.create_subprocess_exec(
        *("bash", "-euo", "pipefail", "-c", "\n".join(commands)),
        env=os.environ | SHORT_WAITS | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()


async def test_a_lost_region_comes_back_elsewhere(replica: Replica, tmp_path: Path) -> None:
    """With its accounts and files: those of the backup, and later ones, whole or in blocks, from oplog and replica."""
    backups, data = tmp_path / "backups", tmp_path / "new"
    environment = {"DOCSTORE_BACKUP_TARGET": str(backups), "DOCSTORE_BACKUP_OPLOG_INTERVAL_SECONDS": "1"}
    home = DetachedStack(tmp_path / "home", SHORT_WAITS | environment)
    await home.up()
    parts = (b"first block " * 6000, b"second block " * 6000)
    async with await Person.new(home.gateway) as ada:
        before = await ada.upload("/before.txt", b"in the backup")
        await eventually(lambda: backed_up(home, backups))
        after = await ada.upload("/after.txt", b"after the backup")
        blocks = await ada.upload_blocks("/blocks.bin", parts)
        await replica.follow(home.bucket)
        last_second = datetime.now(UTC)
        await ada.call("POST", "/v1/folders", {"path": "/too late"})
        await archived(backups, last_second)
        await lose(home)
        commands = Path(sys.executable).parent
        await follow_runbook(
            {
                "PATH": f"{commands}:{os.environ['PATH']}",
                "LOST_REGION": REGION,
                "REPLICA_ENDPOINT": replica.endpoint,
                "REPLICA_REGION": OTHER,
                "REPLICA_BUCKET": REPLICA,
                "REPLICA_KEY_ID": replica.keys.access_key_id,
                "REPLICA_SECRET": replica.keys.secret_access_key,
                "BACKUPS": str(backups),
                "LAST_SECOND": last_second.isoformat(timespec="seconds"),
                "DATA": str(data),
            }
        )
        elsewhere = DetachedStack(data, SHORT_WAITS)
        try:
            async with Person(elsewhere.gateway) as again:
                await again.log_in(ada.email, PASSWORD)
                assert await again.content(before["id"]) == b"in the backup"
                assert await again.content(after["id"]) == b"after the backup"
                assert await again.content(blocks["id"]) == b"".join(parts)
                await again.upload("/elsewhere.txt", b"written elsewhere")
        finally:
            await elsewhere.down()
