"""Handles events of quota: stored and purged files, uploads that ended without one, accounts and plans."""

from docstore_events.catalogue.accounts import AccountCreated, AccountPlanChanged
from docstore_events.catalogue.files import FileCreated, FileModified, FilePurged, VersionPruned
from docstore_events.catalogue.uploads import PackAborted, PackCompleted, PackExpired, UploadAborted, UploadExpired
from docstore_events.envelope import Envelope
from docstore_events.subscribers import Subscribers
from docstore_events.transaction import Transaction
from docstore_quota.rules import Added, Freed, Released
from docstore_quota.service import Batch, QuotaService


class QuotaSubscribers(Subscribers[Batch]):
    """Folders have no bytes and do not count as documents."""

    def __init__(self, service: QuotaService) -> None:
        self._service = service

    def begin(self) -> Batch:
        return Batch()

    async def commit(self, batch: Batch, transaction: Transaction) -> None:
        await self._service.apply(batch, transaction)

    def on_file_created(self, envelope: Envelope[FileCreated], batch: Batch) -> None:
        event, file = envelope.event, envelope.event.file
        if file.kind == "file":
            batch.add(file.owner_id, Added(file.size, 1, event.upload_id), envelope)

    def on_file_modified(self, envelope: Envelope[FileModified], batch: Batch) -> None:
        event = envelope.event
        batch.add(event.file.owner_id, Added(event.added_bytes, 0, event.upload_id), envelope)

    def on_version_pruned(self, envelope: Envelope[VersionPruned], batch: Batch) -> None:
        batch.add(envelope.event.file.owner_id, Freed(envelope.event.freed_bytes, 0), envelope)

    def on_file_purged(self, envelope: Envelope[FilePurged], batch: Batch) -> None:
        event, file = envelope.event, envelope.event.file
        if file.kind == "file":
            batch.add(file.owner_id, Freed(event.freed_bytes, 1), envelope)

    def on_upload_expired(self, envelope: Envelope[UploadExpired], batch: Batch) -> None:
        batch.add(envelope.event.account_id, Released(envelope.event.upload_id), envelope)

    def on_upload_aborted(self, envelope: Envelope[UploadAborted], batch: Batch) -> None:
        batch.add(envelope.event.account_id, Released(envelope.event.upload_id), envelope)

    def on_pack_completed(self, envelope: Envelope[PackCompleted], batch: Batch) -> None:
        event = envelope.event
        if event.refused:
            batch.add(event.account_id, Released(event.pack_id, event.refused_size), envelope)

    def on_pack_expired(self, envelope: Envelope[PackExpired], batch: Batch) -> None:
        batch.add(envelope.event.account_id, Released(envelope.event.pack_id), envelope)

    def on_pack_aborted(self, envelope: Envelope[PackAborted], batch: Batch) -> None:
        batch.add(envelope.event.account_id, Released(envelope.event.pack_id), envelope)

    def on_account_created(self, envelope: Envelope[AccountCreated], batch: Batch) -> None:
        event = envelope.event
        batch.add(event.account_id, self._service.plan_set(event.plan, event.revision), envelope)

    def on_account_plan_changed(self, envelope: Envelope[AccountPlanChanged], batch: Batch) -> None:
        event = envelope.event
        batch.add(event.account_id, self._service.plan_set(event.plan, event.revision), envelope)
