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

    def _upload_ended(self, envelope: Envelope[UploadExpired | UploadAborted], batch: Batch) -> None:
        batch.add(envelope.event.account_id, Released(envelope.event.upload_id), envelope)

    on_upload_expired = on_upload_aborted = _upload_ended

    def on_pack_completed(self, envelope: Envelope[PackCompleted], batch: Batch) -> None:
        event = envelope.event
        if event.refused:
            batch.add(event.account_id, Released(event.pack_id, event.refused_size), envelope)

    def _pack_ended(self, envelope: Envelope[PackExpired | PackAborted], batch: Batch) -> None:
        batch.add(envelope.event.account_id, Released(envelope.event.pack_id), envelope)

    on_pack_expired = on_pack_aborted = _pack_ended

    def _plan(self, envelope: Envelope[AccountCreated | AccountPlanChanged], batch: Batch) -> None:
        event = envelope.event
        batch.add(event.account_id, self._service.plan_set(event.plan, event.revision), envelope)

    on_account_created = on_account_plan_changed = _plan
