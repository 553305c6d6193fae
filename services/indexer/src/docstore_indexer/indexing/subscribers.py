"""What the indexer hears: files as they change, accounts and their plans."""

from docstore_events.accounts import AccountCreated, AccountPlanChanged
from docstore_events.envelope import Envelope
from docstore_events.files import (
    FileAccessChanged,
    FileCreated,
    FileDeleted,
    FileEvent,
    FileModified,
    FileMoved,
    FilePurged,
    FileRestored,
    FileTagged,
)
from docstore_events.subscribers import Subscribers
from docstore_events.transaction import Transaction
from docstore_indexer.indexing.metadata import file_of, is_root
from docstore_indexer.indexing.rules import Heard
from docstore_indexer.indexing.service import IndexService, News


class IndexerSubscribers(Subscribers[News]):
    """Each event of a file tells all of its state, so the newest is all there is to know."""

    def __init__(self, service: IndexService) -> None:
        self._service = service

    def begin(self) -> News:
        return News()

    async def commit(self, unit: News, transaction: Transaction) -> None:
        await self._service.apply(unit, transaction)

    def on_file_created(self, envelope: Envelope[FileCreated], unit: News) -> None:
        _note(envelope, unit)

    def on_file_modified(self, envelope: Envelope[FileModified], unit: News) -> None:
        _note(envelope, unit)

    def on_file_moved(self, envelope: Envelope[FileMoved], unit: News) -> None:
        _note(envelope, unit)

    def on_file_tagged(self, envelope: Envelope[FileTagged], unit: News) -> None:
        _note(envelope, unit)

    def on_file_access_changed(self, envelope: Envelope[FileAccessChanged], unit: News) -> None:
        _note(envelope, unit)

    def on_file_restored(self, envelope: Envelope[FileRestored], unit: News) -> None:
        _note(envelope, unit)

    def on_file_deleted(self, envelope: Envelope[FileDeleted], unit: News) -> None:
        _note(envelope, unit, trashed=True)

    def on_file_purged(self, envelope: Envelope[FilePurged], unit: News) -> None:
        _note(envelope, unit, trashed=True, purged=True)

    def on_account_created(self, envelope: Envelope[AccountCreated], unit: News) -> None:
        event = envelope.event
        unit.add_plan(event.account_id, event.plan, event.revision, envelope.id)

    def on_account_plan_changed(self, envelope: Envelope[AccountPlanChanged], unit: News) -> None:
        event = envelope.event
        unit.add_plan(event.account_id, event.plan, event.revision, envelope.id)


def _note(envelope: Envelope[FileEvent], unit: News, *, trashed: bool = False, purged: bool = False) -> None:
    event = envelope.event
    if not is_root(event.file):
        file = file_of(event.file, event.revision, trashed=trashed, purged=purged)
        unit.add_file(Heard(file, (envelope.id,), envelope.traceparent))
