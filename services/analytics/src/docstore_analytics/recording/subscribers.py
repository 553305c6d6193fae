"""Handles all events: each is archived, and its handler adds its other effects."""

from docstore_analytics.activity.entries import file_activity, sharing_activity
from docstore_analytics.recording.service import Batch, RecordingService
from docstore_analytics.reports.rules import PlanSeen, UsageSeen
from docstore_events.catalogue.accounts import (
    AccountCreated,
    AccountEvent,
    AccountInvited,
    ApiTokenCreated,
    ApiTokenRevoked,
    EmailVerificationRequested,
    PasswordChanged,
    PasswordReset,
    PasswordResetLinkMade,
    PasswordResetRequested,
    SessionStarted,
)
from docstore_events.catalogue.audit import ApiCalled
from docstore_events.catalogue.event import Event
from docstore_events.catalogue.files import (
    FileEvent,
    FilePurged,
)
from docstore_events.catalogue.notifications import NotificationFailed, NotificationSent
from docstore_events.catalogue.shares import (
    FileShared,
    LinkCreated,
    LinkEvent,
    LinkOpened,
    LinkRevoked,
    ShareEvent,
    ShareRevoked,
)
from docstore_events.catalogue.uploads import (
    PackAborted,
    PackCompleted,
    PackExpired,
    UploadAborted,
    UploadCompleted,
    UploadExpired,
)
from docstore_events.catalogue.usage import QuotaExceeded, UsageEvent
from docstore_events.envelope import Envelope
from docstore_events.subscribers import Handler, Subscribers
from docstore_events.transaction import Transaction

FIRST = 1
"""Revision of a new object."""


class AnalyticsSubscribers(Subscribers[Batch]):
    def __init__(self, service: RecordingService) -> None:
        self._service = service

    def begin(self) -> Batch:
        return Batch()

    async def commit(self, batch: Batch, transaction: Transaction) -> None:
        await self._service.record(batch, transaction)

    def handlers(self) -> dict[type[Event], Handler]:
        """Return the handlers, each of which also archives its event."""
        return {event: _archiving(handler) for event, handler in super().handlers().items()}

    def _archive_only(self, envelope: Envelope[Event], batch: Batch) -> None:
        """Do nothing besides archiving."""

    on_file_indexed = on_file_index_failed = on_preview_ready = on_preview_failed = _archive_only
    on_upload_initiated = on_upload_stalled = on_pack_initiated = on_pack_stalled = _archive_only
    on_link_expiring = on_content_retrieved = _archive_only

    # --- accounts ----------------------------------------------------------------------------------------

    def on_account_created(self, envelope: Envelope[AccountCreated], batch: Batch) -> None:
        self._account(envelope, batch)
        batch.count(envelope.time, "sign_ups")

    def _account(self, envelope: Envelope[AccountEvent], batch: Batch) -> None:
        event = envelope.event
        batch.see(PlanSeen(event.account_id, event.plan, event.revision, envelope.time, event.display_name))
        batch.changed(envelope, "", event.account_id, f"{event.plan} {event.role} {event.status}")

    on_account_updated = on_account_plan_changed = _account

    def on_account_invited(self, envelope: Envelope[AccountInvited], batch: Batch) -> None:
        batch.changed(envelope, envelope.event.invited_by, envelope.event.invitation_id, envelope.event.email)

    def _by_mail(
        self, envelope: Envelope[PasswordResetRequested | PasswordReset | EmailVerificationRequested], batch: Batch
    ) -> None:
        """An event caused by a mailed link, whose user need not be logged in: only the account is known."""
        batch.changed(envelope, "", envelope.event.account_id)

    on_password_reset_requested = on_password_reset = on_email_verification_requested = _by_mail

    def on_password_reset_link_made(self, envelope: Envelope[PasswordResetLinkMade], batch: Batch) -> None:
        batch.changed(envelope, envelope.event.made_by, envelope.event.account_id)

    def on_password_changed(self, envelope: Envelope[PasswordChanged], batch: Batch) -> None:
        batch.changed(envelope, envelope.event.account_id, envelope.event.account_id, envelope.event.device)

    def on_api_token_created(self, envelope: Envelope[ApiTokenCreated], batch: Batch) -> None:
        event = envelope.event
        batch.changed(envelope, event.account_id, event.token_id, f"{event.name}: {' '.join(event.scopes)}")

    def on_api_token_revoked(self, envelope: Envelope[ApiTokenRevoked], batch: Batch) -> None:
        batch.changed(envelope, envelope.event.account_id, envelope.event.token_id)

    def on_session_started(self, envelope: Envelope[SessionStarted], batch: Batch) -> None:
        event = envelope.event
        batch.count(envelope.time, "log_ins")
        batch.changed(envelope, event.account_id, event.session_id, event.device)

    # --- files -------------------------------------------------------------------------------------------

    def on_file_purged(self, envelope: Envelope[FilePurged], batch: Batch) -> None:
        self._file(envelope, batch)
        batch.file(envelope.event.file.file_id).gone = True

    def _file(self, envelope: Envelope[FileEvent], batch: Batch) -> None:
        event = envelope.event
        detail = f"{event.path} {event.by_link}" if event.by_link else event.path
        batch.changed(envelope, event.actor_id, event.file.file_id, detail)
        batch.show(file_activity(envelope))

    on_file_created = on_file_modified = on_version_pruned = on_file_moved = on_file_tagged = _file
    on_file_deleted = on_file_restored = on_file_access_changed = _file

    # --- shares and links --------------------------------------------------------------------------------

    def on_file_shared(self, envelope: Envelope[FileShared], batch: Batch) -> None:
        self._share(envelope, batch)
        if envelope.event.revision == FIRST:  # else its role changed, or the person signed up
            batch.count(envelope.time, "shares", by="person")
            batch.file(envelope.event.file_id).shares += 1

    def on_share_revoked(self, envelope: Envelope[ShareRevoked], batch: Batch) -> None:
        self._share(envelope, batch)
        batch.file(envelope.event.file_id).shares -= 1

    def _share(self, envelope: Envelope[ShareEvent], batch: Batch) -> None:
        event = envelope.event
        batch.changed(envelope, event.actor_id, event.file_id, f"{event.role} {event.email}")
        batch.show(sharing_activity(envelope))
        batch.file(event.file_id).name(event.file_name, event.owner_id)

    def on_link_created(self, envelope: Envelope[LinkCreated], batch: Batch) -> None:
        self._link(envelope, batch)
        batch.count(envelope.time, "shares", by="link")
        batch.file(envelope.event.file_id).links += 1

    def on_link_revoked(self, envelope: Envelope[LinkRevoked], batch: Batch) -> None:
        self._link(envelope, batch)
        batch.file(envelope.event.file_id).links -= 1

    def on_link_opened(self, envelope: Envelope[LinkOpened], batch: Batch) -> None:
        self._link(envelope, batch)
        batch.count(envelope.time, "link_opens")
        batch.file(envelope.event.file_id).opens += 1

    def _link(self, envelope: Envelope[LinkEvent], batch: Batch) -> None:
        event = envelope.event
        # Opening a link is anonymous; only the owner creates or revokes it.
        actor_id = "" if isinstance(event, LinkOpened) else event.owner_id
        batch.changed(envelope, actor_id, event.file_id, event.link_id)
        batch.show(sharing_activity(envelope))
        batch.file(event.file_id).name(event.file_name, event.owner_id)

    # --- uploads and usage -------------------------------------------------------------------------------

    def on_upload_completed(self, envelope: Envelope[UploadCompleted], batch: Batch) -> None:
        event = envelope.event
        batch.count_of(event.account_id, envelope.time, "uploads")
        batch.count_of(event.account_id, envelope.time, "uploaded_bytes", event.size)

    def on_upload_expired(self, envelope: Envelope[UploadExpired], batch: Batch) -> None:
        batch.count(envelope.time, "uploads_failed", by="expired")

    def on_upload_aborted(self, envelope: Envelope[UploadAborted], batch: Batch) -> None:
        batch.count(envelope.time, "uploads_failed", by="aborted")

    def on_pack_completed(self, envelope: Envelope[PackCompleted], batch: Batch) -> None:
        event = envelope.event
        batch.count_of(event.account_id, envelope.time, "uploads", event.files - len(event.refused))
        batch.count_of(event.account_id, envelope.time, "uploaded_bytes", event.size - event.refused_size)

    def on_pack_expired(self, envelope: Envelope[PackExpired], batch: Batch) -> None:
        batch.count(envelope.time, "uploads_failed", envelope.event.files, by="expired")

    def on_pack_aborted(self, envelope: Envelope[PackAborted], batch: Batch) -> None:
        batch.count(envelope.time, "uploads_failed", envelope.event.files, by="aborted")

    def on_quota_exceeded(self, envelope: Envelope[QuotaExceeded], batch: Batch) -> None:
        self._usage(envelope, batch)
        batch.count(envelope.time, "quota_exceeded")

    def _usage(self, envelope: Envelope[UsageEvent], batch: Batch) -> None:
        event = envelope.event
        batch.see(UsageSeen(event.account_id, event.used, event.documents, event.revision, envelope.time))

    on_usage_changed = on_quota_restored = _usage

    # --- notifications and calls -------------------------------------------------------------------------

    def on_notification_sent(self, envelope: Envelope[NotificationSent], batch: Batch) -> None:
        batch.count(envelope.time, "notifications", by=envelope.event.channel)

    def on_notification_failed(self, envelope: Envelope[NotificationFailed], batch: Batch) -> None:
        batch.count(envelope.time, "notifications_failed", by=envelope.event.channel)

    def on_api_called(self, envelope: Envelope[ApiCalled], batch: Batch) -> None:
        for call in envelope.event.calls:
            batch.called(call)
            batch.count(call.at, "calls", by=f"{call.status // 100}xx")
            if call.account_id:
                batch.count_of(call.account_id, call.at, "downloads", len(call.read))
            else:
                batch.count(call.at, "downloads", len(call.read), by="link")
            for file_id in call.read:
                batch.file(file_id).downloads += 1


def _archiving(handler: Handler) -> Handler:
    def archive_and_handle(envelope: Envelope[Event], batch: Batch) -> None:
        batch.archive(envelope)
        handler(envelope, batch)

    return archive_and_handle
