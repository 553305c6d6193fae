"""A service that publishes usage events and one that stores what it receives, on real servers."""

from typing import Any

from docstore_events.catalogue.usage import UsageChanged
from docstore_events.envelope import Envelope
from docstore_events.runtime import EventRuntime
from docstore_events.subscribers import Subscribers
from docstore_events.transaction import Transaction
from docstore_platform.mongodb.client import Database, Mongo
from docstore_platform.settings import InfraSettings
from docstore_platform.testing import eventually


class UsageLedger(Subscribers[list[UsageChanged]]):
    """Stores each event's figure."""

    def __init__(self, database: Database) -> None:
        self.rows = database["ledger"]

    def begin(self) -> list[UsageChanged]:
        return []

    def on_usage_changed(self, envelope: Envelope[UsageChanged], batch: list[UsageChanged]) -> None:
        batch.append(envelope.event)

    async def commit(self, batch: list[UsageChanged], transaction: Transaction) -> None:
        rows = [{"account": event.account_id, "used": event.used} for event in batch]
        await self.rows.insert_many(rows, session=transaction.session)

    async def of(self, account: str) -> list[int]:
        return [row["used"] async for row in self.rows.find({"account": account}).sort("_id", 1)]


class UsagePair:
    """A publishing service and a consuming one. `ledger`: what the consuming one does with the events."""

    def __init__(self, infra: InfraSettings, mongo: Mongo, ledger: type[UsageLedger] = UsageLedger) -> None:
        self.infra, self.mongo = infra, mongo
        self.published = mongo.database(f"{infra.database_prefix}teller")
        self.received = mongo.database(f"{infra.database_prefix}ledger")
        self.ledger: Any = ledger(self.received)

    def publisher(self) -> EventRuntime:
        return EventRuntime("teller", self.infra, self.mongo, self.published)

    def subscriber(self) -> EventRuntime:
        return EventRuntime("ledger", self.infra, self.mongo, self.received, self.ledger)

    async def publish(self, account: str, *figures: int) -> list[str]:
        """Publish an account's usage figures in one transaction; returns the ids of the events."""

        async def work(transaction: Transaction) -> list[str]:
            return [
                transaction.publish(
                    UsageChanged(revision=figure, account_id=account, used=figure, reserved=0, limit=9, documents=0)
                )
                for figure in figures
            ]

        return await self.publisher().transactor.run(work)

    async def receives(self, account: str, *figures: int, ordered: bool = True) -> None:
        """Wait until exactly these figures have arrived."""

        async def probe() -> bool:
            received = await self.ledger.of(account)
            return (received if ordered else sorted(received)) == list(figures)

        await eventually(probe)
