"""`docstore restore-backup`."""

import asyncio
import time
from typing import Annotated

import typer

from docstore_cli.options import AsJson, console, print_json, size_text
from docstore_cli.stack.backups import Endpoint, Name, Source, run_backup, shown_progress
from docstore_cli.stack.options import Data, settings_for
from docstore_standalone.backup.bucket_target import BucketOptions
from docstore_standalone.backup.deployment import is_elsewhere
from docstore_standalone.backup.manifest import Manifest
from docstore_standalone.backup.place import existing_target
from docstore_standalone.backup.progress import Progress
from docstore_standalone.backup.restore import Backup
from docstore_standalone.backup.restore import restore_backup as restore
from docstore_standalone.settings import StandaloneSettings

CHECK_HELP = "Only verify the backup. The next backup copies damaged files again."
Check = Annotated[bool, typer.Option("--check", help=CHECK_HELP)]


def restore_backup(
    source: Source,
    data: Data = None,
    name: Name = None,
    endpoint: Endpoint = None,
    check: Check = False,
    as_json: AsJson = False,
) -> None:
    """Restore a backup into an empty data folder, or an empty deployment."""
    settings = settings_for(data)
    options = BucketOptions(endpoint=endpoint)
    began = time.monotonic()
    with shown_progress() as on_step:
        manifest, where_from = run_backup(_restore(source, options, settings, name, on_step, only_check=check))
    seconds = time.monotonic() - began
    where = "the configured deployment" if is_elsewhere(settings) else settings.data
    if as_json:
        figures = {"name": manifest.name, "documents": manifest.documents, "contents": manifest.object_count}
        print_json(figures | {"bytes": manifest.object_bytes, "seconds": round(seconds, 2), "restored": not check})
    elif check:
        console.print(f"{where_from} is whole: {manifest.object_count} contents, read in {seconds:.1f} s.")
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
    source: str,
    options: BucketOptions,
    settings: StandaloneSettings,
    name: str | None,
    on_step: Progress,
    *,
    only_check: bool,
) -> tuple[Manifest, str]:
    with existing_target(source, options) as target:
        chosen = Backup(target, name)
        if only_check:
            await asyncio.to_thread(chosen.check, on_step)
        else:
            await restore(chosen, settings, on_step)
        return chosen.manifest, target.location(chosen.manifest.name)
