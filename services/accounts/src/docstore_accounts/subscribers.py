"""What accounts hears: its own news, which the other regions are to know."""

from docstore_accounts.regions import Entry, hash_email
from docstore_accounts.replication import Replication
from docstore_events.accounts import AccountCreated, AccountEvent, AccountUpdated
from docstore_events.envelope import Envelope
from docstore_events.subscribers import Subscribers
from docstore_events.transaction import Transaction

Changed = dict[str, Entry]
"""The newest state heard of each account."""


class AccountsSubscribers(Subscribers[Changed]):
    def __init__(self, replication: Replication, pepper: str) -> None:
        self._replication = replication
        self._pepper = pepper

    def begin(self) -> Changed:
        return {}

    async def commit(self, unit: Changed, transaction: Transaction) -> None:
        await self._replication.announce(unit, transaction)

    def on_account_created(self, envelope: Envelope[AccountCreated], unit: Changed) -> None:
        self._note(envelope.event, unit)

    def on_account_updated(self, envelope: Envelope[AccountUpdated], unit: Changed) -> None:
        self._note(envelope.event, unit)

    def _note(self, event: AccountEvent, unit: Changed) -> None:
        email_hash = hash_email(self._pepper, event.email)
        entry = Entry(event.account_id, email_hash, event.home_region, event.status, event.revision)
        known = unit.get(event.account_id)
        if known is None or known.revision < entry.revision:
            unit[event.account_id] = entry
