"""Handles events of files and accounts: queues what the index must show."""

from docstore_events.catalogue.accounts import AccountCreated, AccountPlanChanged
from docstore_events.catalogue.files import (
    FileDeleted,
    FileEvent,
    FilePurged,
)
from docstore_events.envelope import Envelope
from docstore_events.subscribers import Subscribers
from docstore_events.transaction import Transaction
from docstore_indexer.indexing.metadata import file_of, is_root
from docstore_indexer.indexing.rules import FileChange
from docstore_indexer.indexing.service import Batch, IndexService


class IndexerSubscribers(Subscribers[Batch]):
    """Keeps the newest event of each file, since each contains the whole state."""

    def __init__(self, service: IndexService) -> None:
        self._service = service

    def begin(self) -> Batch:
        return Batch()

    async def commit(self, batch: Batch, transaction: Transaction) -> None:
        await self._service.apply(batch, transaction)

    def _current(self, envelope: Envelope[FileEvent], batch: Batch) -> None:
        _add_file(envelope, batch)

    on_file_created = on_file_modified = on_file_moved = on_file_tagged = _current
    on_file_access_changed = on_file_restored = _current

    def on_file_deleted(self, envelope: Envelope[FileDeleted], batch: Batch) -> None:
        _add_file(envelope, batch, trashed=True)

    def on_file_purged(self, envelope: Envelope[FilePurged], batch: Batch) -> None:
        _add_file(envelope, batch, trashed=True, purged=True)

    def _plan(self, envelope: Envelope[AccountCreated | AccountPlanChanged], batch: Batch) -> None:
        event = envelope.event
        batch.add_plan(event.account_id, event.plan, event.revision, envelope.id)

    on_account_created = on_account_plan_changed = _plan


def _add_file(envelope: Envelope[FileEvent], batch: Batch, *, trashed: bool = False, purged: bool = False) -> None:
    event = envelope.event
    if not is_root(event.file):
        file = file_of(event.file, event.revision, trashed=trashed, purged=purged)
        batch.add_file(FileChange(file, (envelope.id,), envelope.traceparent))
