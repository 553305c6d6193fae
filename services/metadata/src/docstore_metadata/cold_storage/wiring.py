"""Builds cold storage: who reads contents, retrievals, and the background work where the policy is on."""

from docstore_contracts.upload import UploadClient
from docstore_events.transaction import Transactor
from docstore_metadata.cold_storage.repository import MongoContentUse, MongoRequests
from docstore_metadata.cold_storage.service import ContentAccess, Fetch, RetrievalService
from docstore_metadata.cold_storage.worker import RetrievalWorker, UnusedContentsWorker
from docstore_metadata.settings import MetadataSettings
from docstore_metadata.storage import Store
from docstore_metadata.tree.lookup import Tree
from docstore_platform.clock import Clock
from docstore_platform.mongo import Database
from docstore_work.loop import Loop


class ColdStorage:
    """Cold storage by the settings; off unless they name a period or a storage class."""

    def __init__(self, settings: MetadataSettings, database: Database, uploads: UploadClient, clock: Clock) -> None:
        self.policy = settings.cold_policy
        self._settings, self._uploads, self._clock = settings, uploads, clock
        seconds = settings.job_lease_seconds
        self._use = MongoContentUse(database, self.policy.age, lease_seconds=seconds, clock=clock)
        self._requests = MongoRequests(database, lease_seconds=seconds, clock=clock)
        self.access = ContentAccess(self._use, uploads, self.policy, clock)

    def retrievals(self, fetch: Fetch) -> RetrievalService:
        return RetrievalService(self.access, self._requests, fetch, self._clock)

    def loops(self, store: Store, tree: Tree, transactor: Transactor) -> list[Loop]:
        """Return the background work; none where cold storage is off."""
        if not self.policy.is_on:
            return []
        seconds = self._settings.retrieval_interval_seconds
        retriever = RetrievalWorker(
            store, tree, transactor, self._requests, self._use, self._uploads, seconds, clock=self._clock
        )
        loops = [Loop("metadata retrievals", retriever.work, self._requests.wakeup_name, seconds)]
        if self.policy.after is not None:
            unused = UnusedContentsWorker(self._use, self._uploads)
            interval = self._settings.cold_interval_seconds
            loops.append(Loop.sweeping("metadata unused contents", unused.hand_over, interval))
        return loops

    async def create_indexes(self) -> None:
        if self.policy.is_on:
            await self._use.create_indexes(self._clock())
            await self._requests.create_indexes()
