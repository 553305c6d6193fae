"""Builds the background work on contents of versions: removal of unreferenced ones, colder storage of old ones."""

from functools import partial

from docstore_contents.deletion_hold import deletions_held
from docstore_contents.s3.store import ObjectStore
from docstore_contracts.upload import UploadClient
from docstore_metadata.storage import Core
from docstore_metadata.versions.repository import MongoOldContents, MongoUnreferencedContents
from docstore_metadata.versions.tiering import StorageTiering
from docstore_metadata.versions.unreferenced_contents import UnreferencedContentRemover
from docstore_work.loop import Loop


class StoredContents:
    """Contents of versions in the object store; tiering is off unless the settings name a period."""

    def __init__(self, core: Core, objects: ObjectStore, uploads: UploadClient) -> None:
        settings, jobs = core.settings, core.store.jobs
        unreferenced = MongoUnreferencedContents(core.database, lease_seconds=settings.job_lease_seconds)
        remover = UnreferencedContentRemover(unreferenced, objects, uploads, partial(deletions_held, core.database))
        poll_seconds = settings.job_interval_ms / 1000
        self.loops = [Loop("metadata object removal", remover.remove_due, jobs.wakeup_name, poll_seconds)]
        self._indexes = [unreferenced.create_indexes]
        if days := settings.cold_after_days:
            old = MongoOldContents(core.database)
            tiering = StorageTiering(old, core.store.versions, objects, days=days, now=core.earlier_now)
            self.loops.append(Loop.sweeping("metadata cold storage", tiering.cool, settings.cold_interval_seconds))
            self._indexes.append(old.create_indexes)

    async def create_indexes(self) -> None:
        for create in self._indexes:
            await create()
