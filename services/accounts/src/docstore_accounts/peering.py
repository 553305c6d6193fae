"""Wires what a region with peers has more than one on its own."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from docstore_accounts.claims import AllRegions
from docstore_accounts.directory import MongoDirectory, MongoIntroductions, MongoSignUps
from docstore_accounts.peer_api import peer_router
from docstore_accounts.peers import Peer, Signatures
from docstore_accounts.replication import Replication
from docstore_accounts.replication_queue import MongoReplicationQueue
from docstore_accounts.settings import AccountsSettings
from docstore_accounts.storage import AccountStore
from docstore_accounts.subscribers import AccountsSubscribers
from docstore_events.transaction import Transactor
from docstore_platform.clock import utc_now
from docstore_platform.mongo import Database


class Peering:
    """Made only where there are peers: a region on its own has no consumer, no sender and no route for others."""

    def __init__(
        self, settings: AccountsSettings, database: Database, transactor: Transactor, accounts: AccountStore
    ) -> None:
        region = settings.infra.region
        pepper = settings.email_pepper.get_secret_value()
        signatures = Signatures(settings)
        self._peers = {peer: Peer(peer, settings, signatures) for peer in settings.peers}
        self._stores = MongoDirectory(database, region), MongoSignUps(database), MongoReplicationQueue(database)
        directory, sign_ups, queue = self._stores
        introductions = MongoIntroductions(database)
        self.emails = AllRegions(region, pepper, self._peers, directory, sign_ups, introductions, accounts, utc_now)
        self._replication = Replication(
            settings,
            self._peers,
            accounts,
            directory,
            queue,
            introductions,
            transactor,
            utc_now,
            wakeup_name=f"replication:{database.name}",
        )
        self.subscribers = AccountsSubscribers(self._replication, pepper)
        self.router = peer_router(signatures, self.emails, self._replication)

    async def create_indexes(self) -> None:
        for store in self._stores:
            await store.create_indexes()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Peers are told of accounts until the block ends."""
        async with AsyncExitStack() as stack:
            for peer in self._peers.values():
                stack.push_async_callback(peer.close)
            await self._replication.introduce()
            await stack.enter_async_context(self._replication.running())
            yield
