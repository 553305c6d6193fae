"""Handles the events of accounts, of the index and of previews."""

from collections.abc import Callable
from dataclasses import dataclass, field

from docstore_events.accounts import AccountCreated, AccountEvent, AccountUpdated
from docstore_events.envelope import Envelope
from docstore_events.files import FileIndexed, FileIndexFailed, PreviewReady
from docstore_events.subscribers import Subscribers
from docstore_events.transaction import Transaction
from docstore_metadata.people.repository import Person
from docstore_metadata.sharing.pending import PendingShares
from docstore_metadata.sharing.rules import email_key
from docstore_metadata.tree.projection_repository import Projection


@dataclass(slots=True)
class Batch:
    """What a batch of events changes."""

    nodes: Projection
    people: dict[str, Person] = field(default_factory=dict)
    """By their e-mail addresses."""

    def register(self, account: AccountEvent) -> None:
        self.people[email_key(account.email)] = Person(
            account.account_id, account.revision, account.display_name, account.email_verified
        )


class MetadataSubscribers(Subscribers[Batch]):
    def __init__(self, new_projection: Callable[[], Projection], pending: PendingShares) -> None:
        self._new_projection = new_projection
        self._pending = pending

    def begin(self) -> Batch:
        return Batch(self._new_projection())

    def on_account_created(self, envelope: Envelope[AccountCreated], batch: Batch) -> None:
        """An account has a root folder from the beginning, and what was shared with its address once that is proven."""
        batch.register(envelope.event)
        batch.nodes.make_root(envelope.event.account_id, envelope.event.created_at)

    def on_account_updated(self, envelope: Envelope[AccountUpdated], batch: Batch) -> None:
        """It may have another address or name, and be suspended or no longer: then its trash has its time anew."""
        account = envelope.event
        batch.register(account)
        batch.nodes.set_account_state(account.account_id, account.revision, suspended=account.status == "suspended")

    def on_file_indexed(self, envelope: Envelope[FileIndexed], batch: Batch) -> None:
        """A search can find this version: it shows as indexed while it is the current one."""
        batch.nodes.set_indexed(envelope.event.file_id, envelope.event.version)

    def on_file_index_failed(self, envelope: Envelope[FileIndexFailed], batch: Batch) -> None:
        """The text of this version can't be had: it does not show as indexed, whatever came before."""
        batch.nodes.unset_indexed(envelope.event.file_id, envelope.event.version)

    def on_preview_ready(self, envelope: Envelope[PreviewReady], batch: Batch) -> None:
        """This version has a preview: the file shows so while it is the current one."""
        batch.nodes.set_preview(envelope.event.file_id, envelope.event.version)

    async def commit(self, batch: Batch, transaction: Transaction) -> None:
        await batch.nodes.write(transaction.session)
        if batch.people:
            await self._pending.register(batch.people, transaction)
