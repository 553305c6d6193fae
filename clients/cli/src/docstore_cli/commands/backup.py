"""`docstore backup` and `docstore restore-backup`."""

import asyncio
import os
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from docstore_cli.options import AsJson, console, errors, failed, print_json, size_text
from docstore_cli.stack_options import Data, settings_for
from docstore_contents.deletion_hold import HoldLost
from docstore_contents.s3.store import ObjectStoreError
from docstore_platform.database import DatabaseError
from docstore_standalone.backup.deployment import Deployment, is_elsewhere, reached
from docstore_standalone.backup.manifest import BackupDamaged, BackupRefused
from docstore_standalone.backup.progress import Phase, Progress, Step
from docstore_standalone.backup.restore import Backup
from docstore_standalone.backup.restore import restore_backup as restore
from docstore_standalone.backup.take import Taken, take_backup
from docstore_standalone.embedded.binaries import ProgramMissing
from docstore_standalone.ports import PortTaken
from docstore_standalone.settings import StandaloneSettings
from docstore_standalone.state import AlreadyRunning, OtherLayout
from docstore_standalone.supervision.processes import ServerFailed

T = TypeVar("T")

FAILURES = (
    AlreadyRunning,
    BackupDamaged,
    BackupRefused,
    HoldLost,
    OSError,
    ObjectStoreError,
    OtherLayout,
    PortTaken,
    ProgramMissing,
    DatabaseError,
    ServerFailed,
)
PHASES: dict[Phase, str] = {
    "databases": "reading databases",
    "contents": "copying contents",
    "check": "reading contents",
    "restore contents": "restoring contents",
    "restore databases": "restoring databases",
}

Target = Annotated[Path, typer.Argument(help="Folder of backups; created if it is missing.")]
Source = Annotated[Path, typer.Argument(help="Folder of backups.")]
Keep = Annotated[int, typer.Option("--keep", min=1, help="Number of backups to keep; older ones are deleted.")]
Name = Annotated[str | None, typer.Option("--name", help="Name of the backup; by default the newest.")]
CHECK_HELP = "Only verify the backup. The next backup copies damaged files again."
Check = Annotated[bool, typer.Option("--check", help=CHECK_HELP)]


def backup(target: Target, data: Data = None, keep: Keep = 7, as_json: AsJson = False) -> None:
    """Back up a running deployment; unchanged contents are not copied again."""
    settings = settings_for(data)
    began = time.monotonic()
    with _shown() as on_step:
        taken = _run(_take(target.absolute(), settings, keep, on_step))
    seconds = time.monotonic() - began
    if as_json:
        print_json(_figures(taken, seconds))
        return
    manifest = taken.manifest
    console.print(
        f"Backed up {manifest.documents} documents and {manifest.object_count} contents"
        f" ({size_text(manifest.object_bytes)}) as of {manifest.snapshot_at:%Y-%m-%d %H:%M:%S} UTC in {seconds:.1f} s,"
        f" {taken.copied} of them new ({size_text(taken.copied_bytes)}): {taken.folder}",
        soft_wrap=True,
    )
    if manifest.credentials is not None:
        console.print("The backup contains the stack's secrets and all files: protect it.")


async def _take(target: Path, settings: StandaloneSettings, keep: int, on_step: Progress) -> Taken:
    async with reached(settings) as deployment:
        _warn_of_the_archive(deployment)
        return await take_backup(deployment, target, keep=keep, on_step=on_step)


def _warn_of_the_archive(deployment: Deployment) -> None:
    """Warn if analytics has its own bucket: backups contain only the content bucket."""
    bucket = os.environ.get("ANALYTICS_BUCKET", "")
    if bucket not in ("", deployment.s3.bucket):
        errors.print(
            f"[yellow]warning:[/] the archive and the sealed audit log are in a separate bucket, {escape(bucket)}"
            " (ANALYTICS_BUCKET), which is not in the backup: back it up separately",
            soft_wrap=True,
            highlight=False,
        )


def restore_backup(
    source: Source, data: Data = None, name: Name = None, check: Check = False, as_json: AsJson = False
) -> None:
    """Restore a backup into an empty data folder, or an empty deployment."""
    settings = settings_for(data)
    began = time.monotonic()
    with _shown() as on_step:
        chosen = _run(_restore(source.absolute(), settings, name, on_step, only_check=check))
    manifest, seconds = chosen.manifest, time.monotonic() - began
    where = "the configured deployment" if is_elsewhere(settings) else settings.data
    if as_json:
        figures = {"name": manifest.name, "documents": manifest.documents, "contents": manifest.object_count}
        print_json(figures | {"bytes": manifest.object_bytes, "seconds": round(seconds, 2), "restored": not check})
    elif check:
        console.print(f"{chosen.folder} is whole: {manifest.object_count} contents, read in {seconds:.1f} s.")
    else:
        console.print(
            f"Restored {manifest.documents} documents and {manifest.object_count} contents"
            f" ({size_text(manifest.object_bytes)}) as of {manifest.snapshot_at:%Y-%m-%d %H:%M:%S} UTC"
            f" into {where} in {seconds:.1f} s.",
            soft_wrap=True,
        )
        if not is_elsewhere(settings):
            console.print(f"Start it with: docstore up --data {settings.data}", soft_wrap=True)


async def _restore(
    source: Path, settings: StandaloneSettings, name: str | None, on_step: Progress, *, only_check: bool
) -> Backup:
    chosen = Backup(source, name)
    if only_check:
        await asyncio.to_thread(chosen.check, on_step)
    else:
        await restore(chosen, settings, on_step)
    return chosen


def _run(work: Coroutine[Any, Any, T]) -> T:
    try:
        return asyncio.run(work)
    except FAILURES as error:
        raise failed(str(error)) from None


@contextmanager
def _shown() -> Iterator[Progress]:
    """Show progress bars if stderr is a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[moved]}"))
    with Bars(*columns, TimeElapsedColumn(), console=errors, disable=not errors.is_terminal) as bars:
        tasks = {phase: bars.add_task(text, total=None, visible=False, moved="") for phase, text in PHASES.items()}

        def on_step(step: Step) -> None:
            moved = size_text(step.bytes) if step.bytes else ""
            bars.update(tasks[step.phase], completed=step.done, total=step.total or None, moved=moved, visible=True)

        yield on_step


def _figures(taken: Taken, seconds: float) -> dict[str, Any]:
    manifest = taken.manifest
    return {
        "folder": taken.folder,
        "name": manifest.name,
        "snapshot_at": manifest.snapshot_at,
        "documents": manifest.documents,
        "contents": manifest.object_count,
        "bytes": manifest.object_bytes,
        "copied": taken.copied,
        "copied_bytes": taken.copied_bytes,
        "removed": taken.removed,
        "seconds": round(seconds, 2),
    }
