"""Builds and runs the parts of a region that is one of several: directory, claims, replication, routes."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import APIRouter

from docstore_accounts.account.repository import AccountRepository
from docstore_accounts.regions.api import ReceiveReset, regions_router
from docstore_accounts.regions.client import RegionClient, Signatures
from docstore_accounts.regions.monitor import RegionMonitor, RegionState
from docstore_accounts.regions.queue_repository import MongoReplicationQueue
from docstore_accounts.regions.repository import MongoDirectory, MongoIntroductions, MongoSignUps
from docstore_accounts.regions.service import CrossRegionClaims
from docstore_accounts.regions.subscribers import AccountsSubscribers
from docstore_accounts.regions.worker import Replication
from docstore_accounts.settings import AccountsSettings
from docstore_events.transaction import Transactor
from docstore_platform.clock import utc_now
from docstore_platform.mongodb.client import Database
from docstore_platform.settings import InfraSettings
from docstore_work.loop import Loop, running_loops


def this_region(infra: InfraSettings) -> RegionState:
    return RegionState(infra.region, infra.public_url.rstrip("/"), current=True, reachable=True)


class Regions:
    """Created only if there are other regions: a single one needs no consumer, sender or routes for it."""

    def __init__(
        self, settings: AccountsSettings, database: Database, transactor: Transactor, accounts: AccountRepository
    ) -> None:
        here = settings.infra.region
        pepper = settings.email_pepper.get_secret_value()
        self._signatures = Signatures(settings)
        self._others = {region: RegionClient(region, settings, self._signatures) for region in settings.peers}
        queue = MongoReplicationQueue(database, lease_seconds=settings.replication_lease_seconds)
        self._stores = MongoDirectory(database, here), MongoSignUps(database), queue
        directory, sign_ups, _ = self._stores
        introductions = MongoIntroductions(database)
        self.claims = CrossRegionClaims(
            here, pepper, self._others, directory, sign_ups, introductions, accounts, utc_now
        )
        self._replication = Replication(
            settings,
            self._others,
            accounts,
            directory,
            queue,
            introductions,
            transactor,
            wakeup_name=f"replication:{database.name}",
        )
        self.monitor = RegionMonitor(this_region(settings.infra), self._others.values(), queue)
        self._measuring = Loop.periodic(
            "accounts regions", self.monitor.measure, settings.region_probe_interval_seconds
        )
        self.subscribers = AccountsSubscribers(self._replication, pepper)

    def router(self, receive_reset: ReceiveReset) -> APIRouter:
        """Routes for the other regions."""
        return regions_router(self._signatures, self.claims, self._replication, receive_reset)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Replicate accounts to the other regions, and measure these, until the block ends."""
        for store in self._stores:
            await store.create_indexes()
        async with AsyncExitStack() as stack:
            for region in self._others.values():
                stack.push_async_callback(region.close)
            await self._replication.introduce()
            await stack.enter_async_context(self._replication.running())
            await stack.enter_async_context(running_loops([self._measuring]))
            yield
