"""Scheduled backups of running servers: due ones, failures, requests."""

from collections.abc import Callable
from pathlib import Path

import pytest

from docstore_platform.backups.state import BackupState, forget_state, request_backup
from docstore_platform.mongodb.client import Mongo
from docstore_platform.testing import eventually
from docstore_standalone import backup_schedule as schedule
from docstore_standalone.backup.database.oplog import Span
from docstore_standalone.backup.places.folder_target import FolderTarget
from docstore_standalone.backup_schedule import BackupScheduler
from docstore_standalone.servers import Servers
from docstore_standalone.settings import StandaloneSettings

pytestmark = pytest.mark.connected


@pytest.fixture
def scheduler(servers: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], BackupScheduler]:
    """Starts the schedule of the servers' folder, as each start of the stack does."""
    target = str(tmp_path / "backups")
    monkeypatch.setenv("DOCSTORE_BACKUP_TARGET", target)
    settings = StandaloneSettings(data=servers.folder, region=servers.region)
    return lambda: BackupScheduler(target, settings)


async def test_the_oplog_is_archived_while_the_stack_runs(
    servers: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Again and again, each file after the one before, by a process that ends with the stack."""
    target = tmp_path / "backups"
    monkeypatch.setenv("DOCSTORE_BACKUP_TARGET", str(target))
    monkeypatch.setenv("DOCSTORE_BACKUP_OPLOG_INTERVAL_SECONDS", "0.2")
    mongo = Mongo(servers.mongo_url, app_name="test")

    async def spans() -> list[Span] | None:
        await mongo.database("docstore_accounts")["clock"].update_one({"_id": 1}, {"$inc": {"n": 1}}, upsert=True)
        names = FolderTarget(target).logs()
        found = sorted(span for name in names if (span := Span.named(name)))
        return found if len(found) >= 3 else None

    async with schedule.backups_running(StandaloneSettings(data=servers.folder, region=servers.region)):
        found = await eventually(spans)
    await mongo.drop("docstore_accounts")
    mongo.close()
    forget_state(servers.folder)
    assert [span.begin for span in found[1:]] == [span.end for span in found[:-1]]


async def test_due_failed_and_requested_backups(
    servers: Servers, scheduler: Callable[[], BackupScheduler], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failure is noted and repeated only after a while, also after a restart; then one is taken, one on request."""
    await scheduler().run_once()
    failed = BackupState.read(servers.folder)
    assert failed is not None
    assert (failed.failures, failed.succeeded_at, failed.running) == (1, None, False)
    assert "nothing to back up" in failed.error
    mongo = Mongo(servers.mongo_url, app_name="test")
    await mongo.database("docstore_accounts")["accounts"].insert_one({"_id": "ada"})
    mongo.close()
    await scheduler().run_once()
    again = BackupState.read(servers.folder)
    assert again is not None
    assert (again.failures, again.failed_at) == (1, failed.failed_at)
    monkeypatch.setattr(schedule, "RETRY", schedule.RETRY * 0)
    after = scheduler()
    await after.run_once()
    taken = BackupState.read(servers.folder)
    assert taken is not None
    assert (taken.failures, taken.error) == (0, "")
    assert FolderTarget.existing(tmp_path / "backups").names() == [taken.name]
    await after.run_once()
    assert len(FolderTarget.existing(tmp_path / "backups").names()) == 1
    request_backup(servers.folder)
    request_backup(servers.folder)
    await after.run_once()
    await after.run_once()
    again = BackupState.read(servers.folder)
    assert again is not None
    assert again.name > taken.name
    assert again.next_at is not None
    assert again.next_at > taken.next_at if taken.next_at else True
