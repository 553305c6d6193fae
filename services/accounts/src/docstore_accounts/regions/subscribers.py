"""Handles the service's own events: queues changed accounts for the other regions."""

from docstore_accounts.regions.rules import Entry, hash_email
from docstore_accounts.regions.worker import Replication
from docstore_events.catalogue.accounts import AccountCreated, AccountEvent, AccountUpdated
from docstore_events.envelope import Envelope
from docstore_events.subscribers import Subscribers
from docstore_events.transaction import Transaction

Batch = dict[str, Entry]
"""The newest state of each account."""


class AccountsSubscribers(Subscribers[Batch]):
    def __init__(self, replication: Replication, pepper: str) -> None:
        self._replication = replication
        self._pepper = pepper

    def begin(self) -> Batch:
        return {}

    async def commit(self, batch: Batch, transaction: Transaction) -> None:
        await self._replication.announce(batch, transaction)

    def on_account_created(self, envelope: Envelope[AccountCreated], batch: Batch) -> None:
        self._note(envelope.event, batch)

    def on_account_updated(self, envelope: Envelope[AccountUpdated], batch: Batch) -> None:
        self._note(envelope.event, batch)

    def _note(self, event: AccountEvent, batch: Batch) -> None:
        email_hash = hash_email(self._pepper, event.email)
        entry = Entry(event.account_id, email_hash, event.home_region, event.status, event.revision)
        known = batch.get(event.account_id)
        if known is None or known.revision < entry.revision:
            batch[event.account_id] = entry
