"""Scheduled backups of the stack, as administrators see them."""

from datetime import datetime
from pathlib import Path
from typing import Any

from docstore_gateway.metrics import backup_failures, backup_succeeded_seconds
from docstore_platform.backups.state import BackupState, request_backup
from docstore_platform.clock import rfc3339
from docstore_platform.errors import Conflict

NONE: dict[str, Any] = {"scheduled": False, **dict.fromkeys(BackupState.model_fields), "running": False}


class BackupsService:
    """Reads the state that the stack writes into `folder`, and asks for backups; without a folder there are none."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        backup_succeeded_seconds.set_function(lambda: _seconds(self._state()))
        backup_failures.set_function(lambda: _failures(self._state()))

    def report(self) -> dict[str, Any]:
        """Return the state of the schedule."""
        state = self._state()
        if state is None:
            return NONE
        fields = {name: rfc3339(value) if isinstance(value, datetime) else value for name, value in state}
        return {"scheduled": True, **fields}

    def request(self) -> dict[str, Any]:
        """Have a backup taken as soon as possible. Conflict where none is scheduled."""
        if self._folder is None or self._state() is None:
            raise Conflict(
                "No backups are scheduled here. Set DOCSTORE_BACKUP_TARGET and restart the stack.",
                code="backups_not_scheduled",
            )
        request_backup(self._folder)
        return self.report()

    def _state(self) -> BackupState | None:
        return BackupState.read(self._folder) if self._folder else None


def _seconds(state: BackupState | None) -> float:
    succeeded: datetime | None = state.succeeded_at if state else None
    return succeeded.timestamp() if succeeded else 0.0


def _failures(state: BackupState | None) -> float:
    return state.failures if state else 0.0
