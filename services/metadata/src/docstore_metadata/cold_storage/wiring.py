"""Builds cold storage: who reads contents, retrievals, and the background work where the policy is on."""

from docstore_contracts.upload import UploadClient
from docstore_metadata.cold_storage.repository import MongoContentUse, MongoRequests
from docstore_metadata.cold_storage.service import ContentAccess, Fetch, RetrievalService
from docstore_metadata.cold_storage.worker import RetrievalWorker, UnusedContentsWorker
from docstore_metadata.storage import Core
from docstore_work.loop import Loop


class ColdStorage:
    """Cold storage by the settings; off unless they name a period or a storage class."""

    def __init__(self, core: Core, uploads: UploadClient) -> None:
        self.policy = core.settings.cold_policy
        self._core, self._uploads = core, uploads
        seconds = core.settings.job_lease_seconds
        self._use = MongoContentUse(core.database, self.policy.age, lease_seconds=seconds, clock=core.clock)
        self._requests = MongoRequests(core.database, lease_seconds=seconds, clock=core.clock)
        self.access = ContentAccess(self._use, uploads, self.policy, core.clock)
        self.loops = self._make_loops() if self.policy.is_on else []

    def retrievals(self, fetch: Fetch) -> RetrievalService:
        return RetrievalService(self.access, self._requests, fetch, self._core.clock)

    def _make_loops(self) -> list[Loop]:
        core, seconds = self._core, self._core.settings.retrieval_interval_seconds
        retriever = RetrievalWorker(
            core.store,
            core.plain_tree,
            core.transactor,
            self._requests,
            self._use,
            self._uploads,
            seconds,
            clock=core.clock,
        )
        loops = [Loop("metadata retrievals", retriever.work, self._requests.wakeup_name, seconds)]
        if self.policy.after is not None:
            unused = UnusedContentsWorker(self._use, self._uploads)
            interval = core.settings.cold_interval_seconds
            loops.append(Loop.sweeping("metadata unused contents", unused.hand_over, interval))
        return loops

    async def create_indexes(self) -> None:
        if self.policy.is_on:
            await self._use.create_indexes(self._core.clock())
            await self._requests.create_indexes()
