"""Status file of a synced folder: shows what the engine is doing while it runs."""

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from docstore_sync.state_folder import state_folder

KEPT = 100


@dataclass(frozen=True, slots=True)
class Status:
    """`state`: syncing, idle (in sync), waiting (something failed), offline or paused; `at`: since when, in UTC;
    `aside`: skipped paths with the reason; `synced_at`: when both sides were last the same, in UTC."""

    folder: str
    state: str
    at: str
    pending: int
    failures: list[str]
    aside: list[str]
    synced_at: str = ""


def write_status(folder: Path, state: str, failures: list[str], aside: list[str], pending: int = 0) -> None:
    """Replace the status file atomically. Errors are ignored: syncing matters more."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    before = read_status(folder)
    synced_at = now if state == "idle" else before.synced_at if before else ""
    status = Status(str(folder), state, now, pending or len(failures), failures[:KEPT], aside[:KEPT], synced_at)
    path = state_folder(folder) / "status.json"
    beside = path.with_suffix(".new")
    with suppress(OSError):
        beside.write_text(json.dumps(asdict(status)), encoding="utf-8")
        os.replace(beside, path)


def read_status(folder: Path) -> Status | None:
    """Read the status; None if the folder was never synced."""
    try:
        return Status(**json.loads((state_folder(folder) / "status.json").read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
