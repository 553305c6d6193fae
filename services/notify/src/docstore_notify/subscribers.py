"""What notify hears, and whom each event is news for."""

from docstore_events.accounts import AccountCreated, AccountEvent, AccountUpdated
from docstore_events.envelope import Envelope
from docstore_events.files import (
    FileCreated,
    FileDeleted,
    FileEvent,
    FileModified,
    FileMoved,
    FilePurged,
    FileRestored,
)
from docstore_events.subscribers import Subscribers
from docstore_events.transaction import Transaction
from docstore_events.uploads import UploadCompleted
from docstore_events.usage import QuotaExceeded, QuotaRestored, UsageEvent
from docstore_notify.domain import CHANNELS, Contact, Facts, FileChange, Kind, Notice
from docstore_notify.service import Changed, Heard, NotifyService
from docstore_platform.clock import rfc3339


class NotifySubscribers(Subscribers[Heard]):
    def __init__(self, service: NotifyService) -> None:
        self._service = service

    def begin(self) -> Heard:
        return Heard()

    async def commit(self, unit: Heard, transaction: Transaction) -> None:
        await self._service.take_in(unit, transaction)

    def on_account_created(self, envelope: Envelope[AccountCreated], unit: Heard) -> None:
        _contact(envelope.event, unit)

    def on_account_updated(self, envelope: Envelope[AccountUpdated], unit: Heard) -> None:
        _contact(envelope.event, unit)

    def on_upload_completed(self, envelope: Envelope[UploadCompleted], unit: Heard) -> None:
        event = envelope.event
        facts: Facts = {
            "path": event.path,
            "size": event.size,
            "version": event.version,
            "conflicted": event.conflicted,
            "in_absence": event.completed_by == "workflow",
            "at": rfc3339(envelope.time),
        }
        _tell(event.account_id, "upload_done", facts, envelope, unit)

    def on_file_created(self, envelope: Envelope[FileCreated], unit: Heard) -> None:
        _followed("created", envelope, unit)

    def on_file_modified(self, envelope: Envelope[FileModified], unit: Heard) -> None:
        _followed("modified", envelope, unit)

    def on_file_moved(self, envelope: Envelope[FileMoved], unit: Heard) -> None:
        _followed("moved", envelope, unit, {"previous_path": envelope.event.previous_path})

    def on_file_deleted(self, envelope: Envelope[FileDeleted], unit: Heard) -> None:
        _followed("deleted", envelope, unit)

    def on_file_restored(self, envelope: Envelope[FileRestored], unit: Heard) -> None:
        _followed("restored", envelope, unit)

    def on_file_purged(self, envelope: Envelope[FilePurged], unit: Heard) -> None:
        unit.purged.add(envelope.event.file.file_id)

    def on_quota_exceeded(self, envelope: Envelope[QuotaExceeded], unit: Heard) -> None:
        _usage("quota_exceeded", envelope, unit, {"requested": envelope.event.requested})

    def on_quota_restored(self, envelope: Envelope[QuotaRestored], unit: Heard) -> None:
        _usage("quota_restored", envelope, unit, {})


def _contact(event: AccountEvent, unit: Heard) -> None:
    known = unit.contacts.get(event.account_id)
    if known is None or event.revision > known.revision:
        unit.contacts[event.account_id] = Contact(event.account_id, event.email, event.display_name, event.revision)


def _tell(
    account_id: str, kind: Kind, facts: Facts, envelope: Envelope[UploadCompleted] | Envelope[UsageEvent], unit: Heard
) -> None:
    for channel in CHANNELS:
        unit.notices.append(Notice(account_id, channel, kind, envelope.id, facts, envelope.traceparent))


def _usage(kind: Kind, envelope: Envelope[UsageEvent], unit: Heard, more: Facts) -> None:
    event = envelope.event
    facts: Facts = {"used": event.used, "limit": event.limit, "at": rfc3339(envelope.time), **more}
    _tell(event.account_id, kind, facts, envelope, unit)


def _followed(change: FileChange, envelope: Envelope[FileEvent], unit: Heard, more: Facts | None = None) -> None:
    event, file = envelope.event, envelope.event.file
    facts: Facts = {
        "change": change,
        "path": event.path,
        "kind": file.kind,
        "actor_id": event.actor_id,
        "device": file.device,
        "at": rfc3339(envelope.time),
        **(more or {}),
    }
    may_read = frozenset((file.owner_id, *file.readers))
    unit.changes.append(
        Changed(file.file_id, file.ancestors, may_read, change, envelope.id, facts, envelope.traceparent)
    )
