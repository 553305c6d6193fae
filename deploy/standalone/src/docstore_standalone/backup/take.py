"""Takes a backup of a running deployment."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog

from docstore_contents.deletion_hold import DeletionHold
from docstore_contents.s3.store import ObjectStore
from docstore_platform.clock import utc_now
from docstore_platform.ids import new_id
from docstore_platform.mongodb.client import Mongo, PyMongoError
from docstore_standalone.backup.catalogue import Catalogue, Stored
from docstore_standalone.backup.database.dump import RENEW_SECONDS, DatabaseDump, dump_databases
from docstore_standalone.backup.database.restore import RESTORE_MARKER
from docstore_standalone.backup.deployment import Deployment
from docstore_standalone.backup.manifest import MANIFEST, BackupDamaged, BackupRefused, Manifest, Part
from docstore_standalone.backup.objects.copy import ObjectCopier, list_objects, list_unlisted
from docstore_standalone.backup.objects.list import objects_of, write_objects
from docstore_standalone.backup.objects.references import referenced_keys
from docstore_standalone.backup.places.files import sha256_of
from docstore_standalone.backup.places.target import Target
from docstore_standalone.backup.progress import Progress
from docstore_standalone.backup.pruning import Retention, prune
from docstore_standalone.credentials import CREDENTIALS_FILE
from docstore_standalone.state import write_private

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Taken:
    """A backup, and how much of it is new. `left_out`: keys of archived contents that it does not have."""

    location: str
    manifest: Manifest
    copied: int
    copied_bytes: int
    removed: list[str]
    left_out: list[str]


async def take_backup(deployment: Deployment, target: Target, retention: Retention, on_step: Progress) -> Taken:
    """Add a backup to `target`, and delete those past their retention.

    The databases are read first, at one moment, then the objects; deletions of referenced objects are held back from
    before that moment until all are copied. BackupRefused, HoldLost, PyMongoError, ObjectStoreError, OSError.
    """
    mongo = Mongo(deployment.mongo_url, app_name="docstore-backup")
    try:
        with target.locked(), target.catalogue() as known:
            _check_region(target, deployment)
            began_at = utc_now()
            here = target.begin(began_at)
            async with _deletions_held(mongo, deployment) as check_held, ObjectStore(deployment.s3) as store:
                dump = await dump_databases(mongo, deployment.database_prefix, here, on_step)
                await list_objects(store, known)
                await list_unlisted(store, known, referenced_keys(mongo, deployment.database_prefix))
                copier = ObjectCopier(store, known, target, on_step)
                await copier.run(check_held)
                await asyncio.to_thread(copier.reuse_archived, _newest_objects(target))
            manifest = _manifest(deployment, here, began_at, dump, known)
            await asyncio.to_thread(_finish, target, here, manifest, known)
            known.forget_unlisted()
            removed = await asyncio.to_thread(prune, target, known, retention)
            figures = copier.copied, copier.copied_bytes, removed, copier.left_out
            return Taken(target.location(here.name), manifest, *figures)
    finally:
        mongo.close()


def _check_region(target: Target, deployment: Deployment) -> None:
    for name in target.names()[-1:]:
        region = Manifest.read(target.open(name, [MANIFEST])).region
        if region != deployment.region:
            raise BackupRefused(f"{target.address} has backups of the region {region}; this is {deployment.region}")


def _newest_objects(target: Target) -> Iterator[Stored]:
    """Iterate over the objects of the newest backup; of none if their list is damaged."""
    try:
        for name in target.names()[-1:]:
            yield from objects_of(target, name)
    except BackupDamaged as error:
        log.error("newest_backup_damaged", error=str(error))


@asynccontextmanager
async def _deletions_held(mongo: Mongo, deployment: Deployment) -> AsyncIterator[Callable[[], None]]:
    """Hold back deletions for the block; give a check, also run at the end, that raises HoldLost."""
    prefix = deployment.database_prefix
    names = [name for name in await mongo.database_names(prefix) if name != f"{prefix}{RESTORE_MARKER}"]
    databases = [mongo.database(name) for name in names]
    hold = DeletionHold(databases, new_id())
    await hold.take()
    renewing = asyncio.create_task(_renew(hold))

    def check() -> None:
        if renewing.done():
            renewing.result()

    try:
        yield check
        check()
        await hold.renew()
    finally:
        renewing.cancel()
        await asyncio.gather(renewing, return_exceptions=True)
        await hold.release()


async def _renew(hold: DeletionHold) -> None:
    while True:
        await asyncio.sleep(RENEW_SECONDS)
        try:
            await hold.renew()
        except PyMongoError as error:  # only the next renewal shows whether it has expired
            log.warning("deletions_still_held", error=str(error))


def _finish(target: Target, here: Path, manifest: Manifest, known: Catalogue) -> None:
    target.retain(known)
    target.finish(here, manifest)


def _manifest(deployment: Deployment, here: Path, began_at: datetime, dump: DatabaseDump, known: Catalogue) -> Manifest:
    objects, count, size = write_objects(here, known.stored())
    return Manifest(
        name=here.name,
        region=deployment.region,
        began_at=began_at,
        finished_at=utc_now(),
        snapshot_at=dump.taken_at,
        oplog_time=dump.oplog_time,
        collections=dump.collections,
        objects=objects,
        object_count=count,
        object_bytes=size,
        credentials=_write_credentials(deployment, here),
    )


def _write_credentials(deployment: Deployment, here: Path) -> Part | None:
    if (credentials := deployment.credentials) is None:
        return None
    path = here / CREDENTIALS_FILE
    write_private(path, credentials.model_dump_json(indent=2))
    return Part(path=CREDENTIALS_FILE, size=path.stat().st_size, sha256=sha256_of(path))
