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
    """Replace the status file atomically. Errors are ignored, also a damaged file before: syncing matters more."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    before = read_status(folder)
    synced_at = now if state == "idle" else before.synced_at if before else ""
    status = Status(str(folder), state, now, pending or len(failures), failures[:KEPT], aside[:KEPT], synced_at)
    with suppress(OSError):
        path = state_folder(folder) / "status.json"
        beside = path.with_suffix(".new")
        beside.write_text(json.dumps(asdict(status)), encoding="utf-8")
        os.replace(beside, path)


def was_synced(folder: Path) -> bool:
    """Whether a sync has written the folder's status, even if it can't be read now."""
    return (state_folder(folder) / "status.json").exists()


def read_status(folder: Path) -> Status | None:
    """Read the status; None if there is none that can be read.

    A power cut may leave an empty file, and a newer client may have written other fields.
    """
    try:
        return Status(**json.loads((state_folder(folder) / "status.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
