"""`docstore restore-backup`."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Annotated

import typer

from docstore_cli.options import AsJson, Data, console, errors, failed, print_json, size_text
from docstore_cli.stack.backups import Endpoint, Name, Source, run_backup, shown_progress
from docstore_cli.stack.options import settings_for
from docstore_standalone.backup.deployment import is_elsewhere
from docstore_standalone.backup.places.bucket import BucketOptions
from docstore_standalone.backup.places.place import existing_target
from docstore_standalone.backup.point_in_time import PointInTime
from docstore_standalone.backup.progress import Progress
from docstore_standalone.backup.restore import Backup
from docstore_standalone.backup.restore import restore_backup as restore
from docstore_standalone.settings import StandaloneSettings

CHECK_HELP = "Only verify the backup. The next backup copies damaged files again."
TO_HELP = "Restore to this second, such as 2026-11-23T14:31:59Z, by the archived oplog."
To = Annotated[str | None, typer.Option("--to", help=TO_HELP, show_default=False)]
Check = Annotated[bool, typer.Option("--check", help=CHECK_HELP)]


def restore_backup(
    source: Source,
    data: Data = None,
    name: Name = None,
    endpoint: Endpoint = None,
    check: Check = False,
    to: To = None,
    as_json: AsJson = False,
) -> None:
    """Restore a backup into an empty data folder, or an empty deployment."""
    if to and (name or check):
        raise failed("--to chooses the backup by itself: leave out --name and --check")
    settings, until = settings_for(data), _moment(to) if to else None
    options = BucketOptions(endpoint=endpoint)
    began = time.monotonic()
    with shown_progress() as on_step:
        backup = run_backup(_restore(source, options, settings, name or until, on_step, only_check=check))
    manifest, missing = backup.manifest, backup.missing
    where_from, moment = backup.target.location(manifest.name), until or manifest.snapshot_at
    seconds = time.monotonic() - began
    where = "the configured deployment" if is_elsewhere(settings) else settings.data
    if as_json:
        figures = {"name": manifest.name, "documents": manifest.documents, "contents": manifest.object_count}
        figures |= {"bytes": manifest.object_bytes, "seconds": round(seconds, 2), "restored": not check}
        print_json(figures | {"as_of": moment, "missing": missing})
    elif check:
        console.print(f"{where_from} is whole: {manifest.object_count} contents, read in {seconds:.1f} s.")
    else:
        console.print(
            f"Restored {manifest.documents} documents and {manifest.object_count} contents"
            f" ({size_text(manifest.object_bytes)}) as of {moment:%Y-%m-%d %H:%M:%S} UTC"
            f" into {where} in {seconds:.1f} s.",
            soft_wrap=True,
        )
        if missing:
            errors.print(
                f"[yellow]warning:[/] {len(missing)} contents of files or files of the archive are in no backup or"
                " replica (--json lists them)",
                soft_wrap=True,
            )
        if not is_elsewhere(settings):
            console.print(f"Start it with: docstore up --data {settings.data}", soft_wrap=True)


async def _restore(
    source: str,
    options: BucketOptions,
    settings: StandaloneSettings,
    which: str | datetime | None,
    on_step: Progress,
    *,
    only_check: bool,
) -> Backup:
    with existing_target(source, options) as target:
        chosen = PointInTime(target, which) if isinstance(which, datetime) else Backup(target, which)
        if only_check:
            await asyncio.to_thread(chosen.check, on_step)
        else:
            await restore(chosen, settings, on_step)
        return chosen


def _moment(text: str) -> datetime:
    """Return a moment; without an offset it is in UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise failed(f"{text} is no time: it is written as 2026-11-23T14:31:59Z") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
