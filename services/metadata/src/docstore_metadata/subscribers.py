"""Handles events of accounts, the indexer and media."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from docstore_events.catalogue.accounts import AccountCreated, AccountEvent, AccountUpdated, PasswordReset
from docstore_events.catalogue.files import FileIndexed, FileIndexFailed, PreviewReady
from docstore_events.envelope import Envelope
from docstore_events.subscribers import Subscribers
from docstore_events.transaction import Transaction
from docstore_metadata.jobs.repository import Jobs
from docstore_metadata.people.repository import Person
from docstore_metadata.people.rules import email_key
from docstore_metadata.sharing.pending import PendingShares
from docstore_metadata.tree.documents import root_node
from docstore_metadata.tree.projection_repository import MongoProjection


@dataclass(slots=True)
class Batch:
    """The changes of a batch of events."""

    nodes: MongoProjection
    people: dict[str, Person] = field(default_factory=dict)
    """By e-mail address."""
    taken_over: list[tuple[str, datetime]] = field(default_factory=list)
    """Accounts that another person has taken over, and when."""

    def register(self, account: AccountEvent) -> None:
        self.people[email_key(account.email)] = Person(
            account.account_id, account.revision, account.display_name, account.email_verified
        )


class MetadataSubscribers(Subscribers[Batch]):
    def __init__(self, new_projection: Callable[[], MongoProjection], pending: PendingShares, jobs: Jobs) -> None:
        self._new_projection = new_projection
        self._pending = pending
        self._jobs = jobs

    def begin(self) -> Batch:
        return Batch(self._new_projection())

    def on_account_created(self, envelope: Envelope[AccountCreated], batch: Batch) -> None:
        """Create the account's root folder, and grant the shares with its address if that is proven."""
        batch.register(envelope.event)
        batch.nodes.make_root(envelope.event.account_id, envelope.event.created_at)

    def on_account_updated(self, envelope: Envelope[AccountUpdated], batch: Batch) -> None:
        """Update address, name and suspension. When a suspension ends, the account's retention restarts."""
        account = envelope.event
        batch.register(account)
        batch.nodes.set_account_state(account.account_id, account.revision, suspended=account.status == "suspended")

    def on_password_reset(self, envelope: Envelope[PasswordReset], batch: Batch) -> None:
        """End the shares and links of an account that was taken over, since another person may have made them."""
        event = envelope.event
        if event.taken_over_at is not None:
            batch.taken_over.append((event.account_id, event.taken_over_at))

    def on_file_indexed(self, envelope: Envelope[FileIndexed], batch: Batch) -> None:
        """Show the file as indexed while this version is the current one."""
        batch.nodes.set_indexed(envelope.event.file_id, envelope.event.version)

    def on_file_index_failed(self, envelope: Envelope[FileIndexFailed], batch: Batch) -> None:
        """Show the file as not indexed, even after an earlier `file-indexed`."""
        batch.nodes.unset_indexed(envelope.event.file_id, envelope.event.version)

    def on_preview_ready(self, envelope: Envelope[PreviewReady], batch: Batch) -> None:
        """Show that the file has a preview, and a photo by its date, while this version is the current one."""
        event = envelope.event
        batch.nodes.set_preview(event.file_id, event.version)
        if event.of != "pdf":
            batch.nodes.set_photo(event.file_id, event.version, _moment(event.taken_at))

    async def commit(self, batch: Batch, transaction: Transaction) -> None:
        await batch.nodes.write(transaction.session)
        if batch.people:
            await self._pending.register(batch.people, transaction)
        for account_id, moment in batch.taken_over:
            root = root_node(account_id, moment)
            await self._jobs.add("take_over", root, account_id, transaction, before=moment)


def _moment(text: str | None) -> datetime | None:
    """A camera's time as if it were UTC; None for one that no calendar has."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None
    except ValueError:
        return None
