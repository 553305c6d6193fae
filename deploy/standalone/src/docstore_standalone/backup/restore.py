"""Restores a backup into an empty deployment."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from itertools import islice
from pathlib import Path

import orjson

from docstore_contents.s3.store import ObjectStore
from docstore_platform.mongodb.client import Mongo
from docstore_standalone.backup.after_restore import after_restore, repair_missing
from docstore_standalone.backup.catalogue import Stored
from docstore_standalone.backup.database.restore import RESTORE_MARKER, restore_documents, restore_indexes
from docstore_standalone.backup.deployment import Deployment, is_elsewhere, reached, started
from docstore_standalone.backup.manifest import BackupDamaged, BackupRefused, Manifest
from docstore_standalone.backup.objects.copy import AT_ONCE, all_of
from docstore_standalone.backup.objects.list import read_objects
from docstore_standalone.backup.objects.upload import copy_from_replica, upload_object
from docstore_standalone.backup.places.files import check_part, sha256_of
from docstore_standalone.backup.places.target import Target, choose
from docstore_standalone.backup.progress import Progress, Step, silent
from docstore_standalone.credentials import credentials_path
from docstore_standalone.embedded.access_log import PROBE_KEY
from docstore_standalone.settings import StandaloneSettings
from docstore_standalone.state import RESTORING_FILE, running_state, write_private

PAGE = 256

Compare = Callable[[Mongo, str, ObjectStore], Awaitable[None]]
"""Compares restored databases, whose names begin with the prefix, and contents with their backup."""


class Backup:
    """A complete backup to read. Raises what `choose` and `Manifest.read` raise."""

    def __init__(self, target: Target, name: str | None = None) -> None:
        self.target = target
        self.folder = target.open(choose(target, name))
        self.manifest = Manifest.read(self.folder)
        self.missing: list[str] = []
        """Keys of what was not restored: contents of files, and files of the archive."""

    def check_parts(self) -> None:
        """BackupDamaged unless databases, object list and secrets match the manifest."""
        for part in self.manifest.parts:
            check_part(self.folder, part)

    def objects(self) -> Iterator[Stored]:
        return read_objects(self.folder, self.manifest.objects)

    @property
    def identity(self) -> str:
        """What an interrupted restore continues with."""
        return self.manifest.digest

    @contextmanager
    def content(self, stored: Stored) -> Iterator[Path]:
        """Give a file with a content for the block; BackupDamaged unless every byte is as written."""
        address = f"{self.target.address}/contents/{stored.sha256[:2]}/{stored.sha256}"
        try:
            path = self.target.fetch(stored.sha256)
            try:
                if sha256_of(path) != stored.sha256:
                    raise BackupDamaged(f"the content of {stored.key} is damaged: {address} was changed")
                yield path
            finally:
                self.target.release(path)
        except FileNotFoundError:
            raise BackupDamaged(f"the content of {stored.key} is missing: {address}") from None

    async def replay(self, mongo: Mongo, prefix: str) -> None:
        """Apply later changes to the restored databases: none."""

    def later_objects(self) -> Iterator[Stored]:
        """Iterate over the objects that only the replayed changes refer to: none."""
        return iter(())

    def check(self, on_step: Progress) -> None:
        """Read everything: BackupDamaged unless every byte is as written.

        Damaged contents are renamed: the next backup copies them again, if the store still has them.
        """
        self.check_parts()
        size, damaged, errors = 0, set[str](), list[str]()
        for number, stored in enumerate(self.objects(), 1):
            try:
                with self.content(stored):
                    size += stored.size
            except BackupDamaged as error:
                damaged.add(stored.sha256)
                errors.append(str(error))
            on_step(Step("check", number, self.manifest.object_count, size))
        if damaged:
            others = f"; so are {len(errors) - 1} others" if len(errors) > 1 else ""
            raise BackupDamaged(f"{errors[0]}{others}; {self._quarantine(damaged)}")

    def _quarantine(self, damaged: Iterable[str]) -> str:
        """Rename damaged contents; return the consequence, for people."""
        try:
            with self.target.locked():
                for sha256 in damaged:
                    self.target.quarantine(sha256)
        except (BackupRefused, OSError) as error:
            return f"check the backup again, otherwise no backup copies it again: {error}"
        return "the next backup copies what the deployment still has of it"


async def restore_backup(backup: Backup, settings: StandaloneSettings, on_step: Progress) -> None:
    """Restore into the data folder, or the deployment, of the settings.

    BackupRefused if it is not empty, or of another region. Raises what `restore_into` and `start_servers` raise.
    """
    await asyncio.to_thread(backup.check_parts)
    if settings.region != backup.manifest.region:
        region = backup.manifest.region
        raise BackupRefused(f"it is a backup of the region {region}: set DOCSTORE_REGION={region}")
    async with _empty(backup, settings) as deployment:
        await restore_into(deployment, backup, on_step)


async def restore_into(
    deployment: Deployment, backup: Backup, on_step: Progress, compare: Compare | None = None
) -> None:
    """Restore contents first, then the databases; after an interruption, restore the same backup again. Contents that
    no backup has are copied from the replica of the bucket, if there is one.

    `compare` is called before services repair their databases.

    `backup` has passed `check_parts`; each content is verified when it is restored. BackupDamaged; BackupRefused if
    something else is there. PyMongoError, ObjectStoreError.
    """
    mongo = Mongo(deployment.mongo_url, app_name="docstore-restore")
    try:
        async with ObjectStore(deployment.s3) as store:
            is_again = await _begin(mongo, deployment, store, backup)
            await _restore_objects(store, backup, backup.objects(), on_step, is_again=is_again)
            prefix, manifest = deployment.database_prefix, backup.manifest
            await restore_documents(mongo, prefix, backup.folder, manifest, on_step)
            await backup.replay(mongo, prefix)
            await _restore_objects(store, backup, backup.later_objects(), silent, is_again=is_again)
            if deployment.replica is not None:
                backup.missing = await copy_from_replica(deployment.replica, store, backup.missing)
            if compare is not None:
                await compare(mongo, prefix, store)
            services, region = manifest.services, manifest.region
            backup.missing = await repair_missing(mongo, prefix, services, region, store, backup.missing)
            await after_restore(mongo, prefix, services, region, store)
            await restore_indexes(mongo, prefix, manifest)
        if deployment.folder is not None:
            (deployment.folder / RESTORING_FILE).unlink()
        await mongo.drop(f"{deployment.database_prefix}{RESTORE_MARKER}")
    finally:
        mongo.close()


@asynccontextmanager
async def _empty(backup: Backup, settings: StandaloneSettings) -> AsyncIterator[Deployment]:
    """Open the deployment to restore into. A data folder with an incomplete restore can't be started as a stack."""
    if is_elsewhere(settings):
        async with reached(settings) as deployment:
            yield deployment
        return
    folder, digest = settings.data, backup.identity
    if running_state(folder) is not None:
        raise BackupRefused(f"a stack is running in {folder}: restore into an empty folder")
    marker = folder / RESTORING_FILE
    if marker.exists():
        if orjson.loads(marker.read_bytes()) != digest:
            raise BackupRefused(f"the restore of another backup to {folder} is incomplete: continue it, or remove it")
    elif folder.exists() and any(folder.iterdir()):
        raise BackupRefused(f"{folder} is not empty: restore into an empty folder")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_private(marker, orjson.dumps(digest).decode())
    if backup.manifest.credentials is not None and not credentials_path(folder).exists():
        credentials = orjson.loads((backup.folder / backup.manifest.credentials.path).read_bytes())
        credentials.pop("server_secret", None)  # a new one: these are other servers, and contents are encrypted again
        write_private(credentials_path(folder), orjson.dumps(credentials).decode())
    async with started(settings) as deployment:
        yield deployment


async def _begin(mongo: Mongo, deployment: Deployment, store: ObjectStore, backup: Backup) -> bool:
    """Make sure that nothing else is there; return whether a restore of this backup was begun before."""
    prefix, digest = deployment.database_prefix, backup.identity
    marker = mongo.database(f"{prefix}{RESTORE_MARKER}")["restore"]
    known = await marker.find_one({"_id": "backup"})
    if known is None:
        if names := await mongo.database_names(prefix):
            raise BackupRefused(f"the database is not empty: there are {', '.join(names)}")
        page = await store.transport.call("list_objects_v2", MaxKeys=2)
        # A killed readiness check may have left its object there.
        if any(listed["Key"] != PROBE_KEY for listed in page.get("Contents", ())):
            raise BackupRefused(f"the bucket {deployment.s3.bucket} is not empty")
        await marker.insert_one({"_id": "backup", "digest": digest})
        return False
    if known["digest"] != digest:
        raise BackupRefused("the restore of another backup there is incomplete: continue it, or remove it")
    return True


async def _restore_objects(
    store: ObjectStore, backup: Backup, objects: Iterator[Stored], on_step: Progress, *, is_again: bool
) -> None:
    slots, size, done = asyncio.Semaphore(AT_ONCE), 0, 0

    async def restore(stored: Stored) -> int:
        async with slots:
            if is_again and await _is_there(store, stored):
                return 0
            with ExitStack() as using:
                path = await asyncio.to_thread(using.enter_context, backup.content(stored))
                await upload_object(store, stored.key, path, stored.size, stored.content_type, stored.metadata)
            return stored.size

    for page in pages(objects, PAGE):
        size += sum(await all_of(restore(stored) for stored in page))
        done += len(page)
        on_step(Step("restore contents", done, backup.manifest.object_count, size))


async def _is_there(store: ObjectStore, stored: Stored) -> bool:
    """Whether an earlier run has stored it: objects appear whole or not at all, and only restores write there."""
    info = await store.head(stored.key)
    return info is not None and info.size == stored.size


def pages(objects: Iterable[Stored], size: int) -> Iterator[list[Stored]]:
    source = iter(objects)
    while page := list(islice(source, size)):
        yield page
