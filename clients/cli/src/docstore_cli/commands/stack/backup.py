"""`docstore backup`: takes, deletes and verifies backups."""

import os
import time
from typing import Annotated, Any

import typer
from rich.markup import escape

from docstore_cli.groups import DefaultGroup
from docstore_cli.options import AsJson, Data, console, errors, failed, print_json, size_text
from docstore_cli.stack.backups import Endpoint, Name, Source, run_backup, shown_progress
from docstore_cli.stack.options import settings_for
from docstore_standalone.backup.database.oplog import Span
from docstore_standalone.backup.database.oplog_archive import OplogArchive
from docstore_standalone.backup.deployment import Deployment, reached
from docstore_standalone.backup.places.bucket import BucketOptions
from docstore_standalone.backup.places.place import SCHEME, existing_target, prepared_target
from docstore_standalone.backup.progress import Progress
from docstore_standalone.backup.pruning import Retention, prune
from docstore_standalone.backup.restore import Backup
from docstore_standalone.backup.take import Taken, take_backup
from docstore_standalone.backup.verification import Verification, verify_backup
from docstore_standalone.settings import LockMode, StandaloneSettings, StorageClass

SHOWN_DIFFERENCES = 20


class TakeByDefault(DefaultGroup):
    """`docstore backup TARGET` is `docstore backup take TARGET`."""

    default = "take"


app = typer.Typer(
    cls=TakeByDefault,
    help="Back up a running deployment; delete and verify backups.",
    no_args_is_help=True,
)

Target = Annotated[str, typer.Argument(help="Folder of backups or s3://BUCKET/PREFIX; created if it is missing.")]
Keep = Annotated[int | None, typer.Option("--keep", min=1, help="Number of newest backups to keep.", show_default="7")]
Daily = Annotated[int, typer.Option("--keep-daily", min=0, help="Keep the newest backup of this many days.")]
Weekly = Annotated[int, typer.Option("--keep-weekly", min=0, help="Keep the newest backup of this many weeks.")]
Monthly = Annotated[int, typer.Option("--keep-monthly", min=0, help="Keep the newest backup of this many months.")]
Class = Annotated[StorageClass | None, typer.Option("--storage-class", help="S3 storage class of contents.")]
LOCK_HELP = "S3 Object Lock: protect contents for at least this many days. The bucket must have Object Lock."
LockDays = Annotated[int, typer.Option("--lock-days", min=0, help=LOCK_HELP)]
Mode = Annotated[LockMode, typer.Option("--lock-mode", help="`compliance`: not even the account's owner can unlock.")]
Interval = Annotated[float, typer.Option("--interval", min=1, help="Seconds between two additions.")]
Days = Annotated[int, typer.Option("--days", min=1, help="Delete what is older than this many days.")]
Once = Annotated[bool, typer.Option("--once", help="Add what is new, and end.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be deleted.")]


def _retention(keep: int | None, daily: int, weekly: int, monthly: int) -> Retention:
    is_by_time = bool(daily or weekly or monthly)
    return Retention(keep or (0 if is_by_time else 7), daily, weekly, monthly)


@app.command()
def take(
    target: Target,
    data: Data = None,
    keep: Keep = None,
    keep_daily: Daily = 0,
    keep_weekly: Weekly = 0,
    keep_monthly: Monthly = 0,
    endpoint: Endpoint = None,
    storage_class: Class = None,
    lock_days: LockDays = 0,
    lock_mode: Mode = "governance",
    as_json: AsJson = False,
) -> None:
    """Back up a running deployment; unchanged contents are not copied again. The word `take` may be left out."""
    settings = settings_for(data)
    if not target.startswith(SCHEME) and (endpoint or storage_class or lock_days):
        raise failed("--endpoint, --storage-class and --lock-days are for s3://BUCKET/PREFIX")
    options = BucketOptions(endpoint, storage_class, lock_days, lock_mode)
    retention = _retention(keep, keep_daily, keep_weekly, keep_monthly)
    began = time.monotonic()
    with shown_progress() as on_step:
        taken = run_backup(_take(target, options, settings, retention, on_step))
    seconds = time.monotonic() - began
    if as_json:
        print_json(_figures(taken, seconds))
        return
    manifest = taken.manifest
    console.print(
        f"Backed up {manifest.documents} documents and {manifest.object_count} contents"
        f" ({size_text(manifest.object_bytes)}) as of {manifest.snapshot_at:%Y-%m-%d %H:%M:%S} UTC in {seconds:.1f} s,"
        f" {taken.copied} of them new ({size_text(taken.copied_bytes)}): {taken.location}",
        soft_wrap=True,
    )
    if taken.left_out:
        errors.print(
            f"[yellow]warning:[/] {len(taken.left_out)} contents are archived and were not found in the last backup:"
            " retrieve them and back up again (--json lists them)",
            soft_wrap=True,
        )
    if manifest.credentials is not None:
        console.print("The backup contains the stack's secrets and all files: protect it.")


async def _take(
    address: str, options: BucketOptions, settings: StandaloneSettings, retention: Retention, on_step: Progress
) -> Taken:
    async with reached(settings) as deployment:
        _warn_of_the_archive(deployment)
        with prepared_target(address, options) as target:
            return await take_backup(deployment, target, retention, on_step)


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


@app.command()
def oplog(
    target: Target,
    data: Data = None,
    interval: Interval = 60.0,
    days: Days = 7,
    endpoint: Endpoint = None,
    once: Once = False,
    as_json: AsJson = False,
) -> None:
    """Archive MongoDB's oplog beside the backups until Ctrl-C: `restore-backup --to TIME` restores to any second."""
    settings = settings_for(data)
    span = run_backup(_archive(target, BucketOptions(endpoint=endpoint), settings, None if once else interval, days))
    until = span.end.as_datetime() if span else None
    if as_json:
        print_json({"until": until})
    else:
        console.print(f"Archived the oplog: {f'until {until:%Y-%m-%d %H:%M:%S} UTC' if until else 'nothing new'}.")


async def _archive(
    address: str, options: BucketOptions, settings: StandaloneSettings, interval: float | None, days: int
) -> Span | None:
    async with reached(settings) as deployment:
        with prepared_target(address, options) as target:
            archive = OplogArchive(deployment, target, days=days)
            if interval is not None:
                await archive.run(interval)
            return await archive.archive()


@app.command("prune")
def prune_backups(
    source: Source,
    keep: Keep = None,
    keep_daily: Daily = 0,
    keep_weekly: Weekly = 0,
    keep_monthly: Monthly = 0,
    endpoint: Endpoint = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Delete backups past their retention. The newest is never deleted, and nothing is unless it is whole."""
    retention = _retention(keep, keep_daily, keep_weekly, keep_monthly)
    names, removed = run_backup(_prune(source, BucketOptions(endpoint=endpoint), retention, dry_run=dry_run))
    kept = [name for name in names if name not in removed]
    if as_json:
        print_json({"removed": removed, "kept": kept, "dry_run": dry_run})
        return
    for name in removed:
        console.print(f"{'Would delete' if dry_run else 'Deleted'} {name}", highlight=False)
    console.print(f"{len(kept)} kept: {', '.join(kept)}" if kept else "There are no backups.", soft_wrap=True)


async def _prune(
    source: str, options: BucketOptions, retention: Retention, *, dry_run: bool
) -> tuple[list[str], list[str]]:
    with existing_target(source, options) as target:
        if dry_run:
            names = target.names()
            kept = retention.kept(names)
            return names, [name for name in names if name not in kept]
        with target.locked(), target.catalogue() as known:
            names = target.names()
            return names, prune(target, known, retention)


@app.command()
def verify(source: Source, name: Name = None, endpoint: Endpoint = None, as_json: AsJson = False) -> None:
    """Restore a backup into temporary servers and compare every document and content. Exit status 1 if any differs."""
    began = time.monotonic()
    with shown_progress() as on_step:
        found = run_backup(_verify(source, BucketOptions(endpoint=endpoint), name, on_step))
    seconds = time.monotonic() - began
    if as_json:
        figures = {"name": found.name, "documents": found.documents, "contents": found.contents, "bytes": found.bytes}
        print_json({**figures, "differences": found.differences, "seconds": round(seconds, 2)})
    else:
        compared = f"{found.documents} documents and {found.contents} contents ({size_text(found.bytes)})"
        console.print(f"Restored {found.name} and compared {compared} in {seconds:.1f} s.", soft_wrap=True)
        for difference in found.differences[:SHOWN_DIFFERENCES]:
            console.print(f"  {escape(difference)}", highlight=False, soft_wrap=True)
        console.print(f"{len(found.differences)} differences." if found.differences else "Everything is the same.")
    if found.differences:
        raise typer.Exit(1)


async def _verify(source: str, options: BucketOptions, name: str | None, on_step: Progress) -> Verification:
    with existing_target(source, options) as target:
        return await verify_backup(Backup(target, name), on_step)


def _figures(taken: Taken, seconds: float) -> dict[str, Any]:
    manifest = taken.manifest
    return {
        "folder": taken.location,
        "name": manifest.name,
        "snapshot_at": manifest.snapshot_at,
        "documents": manifest.documents,
        "contents": manifest.object_count,
        "bytes": manifest.object_bytes,
        "copied": taken.copied,
        "copied_bytes": taken.copied_bytes,
        "removed": taken.removed,
        "left_out": taken.left_out,
        "seconds": round(seconds, 2),
    }
