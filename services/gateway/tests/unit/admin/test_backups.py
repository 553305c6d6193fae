"""What administrators see of scheduled backups, and how they ask for one."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from docstore_gateway.admin.backups import BackupsService
from docstore_gateway.metrics import backup_failures, backup_succeeded_seconds
from docstore_platform.backups.state import BackupState, take_request
from docstore_platform.errors import Conflict

TAKEN = datetime(2026, 11, 23, 3, tzinfo=UTC)


@pytest.mark.parametrize("is_local", [True, False])
def test_without_a_schedule_there_is_nothing_to_ask_for(tmp_path: Path, is_local: bool) -> None:
    """In a stack without a target, and in a deployment without a stack."""
    service = BackupsService(tmp_path if is_local else None)
    assert service.report()["scheduled"] is False
    with pytest.raises(Conflict, match="backups_not_scheduled"):
        service.request()


def test_a_schedule_is_reported_and_takes_requests(tmp_path: Path) -> None:
    """As the stack last wrote it, in the report and in the metrics; a request reaches the stack once."""
    service = BackupsService(tmp_path)
    BackupState(target="/backups", succeeded_at=TAKEN, name="one", failures=2, error="disk full").write(tmp_path)
    report = service.request()
    assert (report["scheduled"], report["succeeded_at"], report["error"]) == (
        True,
        "2026-11-23T03:00:00.000Z",
        "disk full",
    )
    figures = [next(iter(each.collect())).samples[0].value for each in (backup_succeeded_seconds, backup_failures)]
    assert figures == [TAKEN.timestamp(), 2.0]
    assert [take_request(tmp_path), take_request(tmp_path)] == [True, False]
