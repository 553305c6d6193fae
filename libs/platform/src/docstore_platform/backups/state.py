"""State of scheduled backups: a file that the stack writes and the gateway reads, and a request the other way round."""

import os
from datetime import datetime
from pathlib import Path
from typing import Self

from pydantic import BaseModel, Field

STATE_FILE = "backups.json"
REQUEST_FILE = "backup-requested"


class BackupState(BaseModel):
    """State of a stack's backups."""

    target: str = Field(description="address of the place of backups")
    running: bool = False
    succeeded_at: datetime | None = Field(None, description="when the last complete backup began")
    name: str = Field("", description="name of the last complete backup")
    failed_at: datetime | None = Field(None, description="when the last failure was noticed")
    failures: int = Field(0, description="failures since the last complete backup")
    error: str = Field("", description="reason of the last failure; empty after a success")
    next_at: datetime | None = None

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """Return the state in `folder`; None if no backup is scheduled."""
        try:
            return cls.model_validate_json((folder / STATE_FILE).read_bytes())
        except FileNotFoundError:
            return None

    def write(self, folder: Path) -> None:
        """Replace the state atomically."""
        path = folder / STATE_FILE
        new = path.with_name(f"{path.name}.new")
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(self.model_dump_json(indent=2))
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)


def forget_state(folder: Path) -> None:
    """Remove the state: no backup is scheduled."""
    (folder / STATE_FILE).unlink(missing_ok=True)


def request_backup(folder: Path) -> None:
    """Ask the stack for a backup as soon as possible; asking again before it begins changes nothing."""
    (folder / REQUEST_FILE).touch(mode=0o600)


def take_request(folder: Path) -> bool:
    """Return whether a backup was asked for since the last call."""
    try:
        (folder / REQUEST_FILE).unlink()
    except FileNotFoundError:
        return False
    return True
