"""What analytics hears: everything. Each event goes into the archive; here is what else it means."""

from docstore_analytics.activity import file_activity, sharing_activity
from docstore_analytics.domain import PlanSeen, UsageSeen
from docstore_analytics.service import AnalyticsService, Heard
from docstore_events.accounts import (
    AccountCreated,
    AccountEvent,
    AccountInvited,
    AccountPlanChanged,
    AccountUpdated,
    EmailVerificationRequested,
    PasswordChanged,
    PasswordReset,
    PasswordResetLinkMade,
    PasswordResetRequested,
    SessionStarted,
)
from docstore_events.audit import ApiCalled
from docstore_events.envelope import Envelope
from docstore_events.files import (
    FileAccessChanged,
    FileCreated,
    FileDeleted,
    FileEvent,
    FileIndexed,
    FileIndexFailed,
    FileModified,
    FileMoved,
    FilePurged,
    FileRestored,
    FileTagged,
    PreviewFailed,
    PreviewReady,
    VersionPruned,
)
from docstore_events.notifications import NotificationFailed, NotificationSent
from docstore_events.shares import (
    FileShared,
    LinkCreated,
    LinkEvent,
    LinkExpiring,
    LinkOpened,
    LinkRevoked,
    ShareEvent,
    ShareRevoked,
)
from docstore_events.subscribers import Subscribers
from docstore_events.transaction import Transaction
from docstore_events.uploads import (
    PackAborted,
    PackCompleted,
    PackExpired,
    PackInitiated,
    PackStalled,
    UploadAborted,
    UploadCompleted,
    UploadExpired,
    UploadInitiated,
    UploadStalled,
)
from docstore_events.usage import QuotaExceeded, QuotaRestored, UsageChanged, UsageEvent

FIRST = 1
"""Revision of what has just come to be."""


class AnalyticsSubscribers(Subscribers[Heard]):
    def __init__(self, service: AnalyticsService) -> None:
        self._service = service

    def begin(self) -> Heard:
        return Heard()

    async def commit(self, unit: Heard, transaction: Transaction) -> None:
        await self._service.apply(unit, transaction)

    # --- accounts ----------------------------------------------------------------------------------------

    def on_account_created(self, envelope: Envelope[AccountCreated], unit: Heard) -> None:
        self._account(envelope, unit)
        unit.count(envelope.time, "sign_ups")

    def on_account_updated(self, envelope: Envelope[AccountUpdated], unit: Heard) -> None:
        self._account(envelope, unit)

    def on_account_plan_changed(self, envelope: Envelope[AccountPlanChanged], unit: Heard) -> None:
        self._account(envelope, unit)

    def _account(self, envelope: Envelope[AccountEvent], unit: Heard) -> None:
        event = envelope.event
        unit.archive(envelope)
        unit.see(PlanSeen(event.account_id, event.plan, event.revision, envelope.time, event.display_name))
        unit.changed(envelope, "", event.account_id, f"{event.plan} {event.role} {event.status}")

    def on_password_reset_requested(self, envelope: Envelope[PasswordResetRequested], unit: Heard) -> None:
        self._by_mail(envelope, unit)

    def on_password_reset(self, envelope: Envelope[PasswordReset], unit: Heard) -> None:
        self._by_mail(envelope, unit)

    def on_email_verification_requested(self, envelope: Envelope[EmailVerificationRequested], unit: Heard) -> None:
        self._by_mail(envelope, unit)

    def on_account_invited(self, envelope: Envelope[AccountInvited], unit: Heard) -> None:
        unit.archive(envelope)
        unit.changed(envelope, envelope.event.invited_by, envelope.event.invitation_id, envelope.event.email)

    def _by_mail(
        self, envelope: Envelope[PasswordResetRequested | PasswordReset | EmailVerificationRequested], unit: Heard
    ) -> None:
        """Whoever asks for a link or uses it need not be logged in: known is only whose account it is about."""
        unit.archive(envelope)
        unit.changed(envelope, "", envelope.event.account_id)

    def on_password_reset_link_made(self, envelope: Envelope[PasswordResetLinkMade], unit: Heard) -> None:
        unit.archive(envelope)
        unit.changed(envelope, envelope.event.made_by, envelope.event.account_id)

    def on_password_changed(self, envelope: Envelope[PasswordChanged], unit: Heard) -> None:
        unit.archive(envelope)
        unit.changed(envelope, envelope.event.account_id, envelope.event.account_id, envelope.event.device)

    def on_session_started(self, envelope: Envelope[SessionStarted], unit: Heard) -> None:
        event = envelope.event
        unit.archive(envelope)
        unit.count(envelope.time, "log_ins")
        unit.changed(envelope, event.account_id, event.session_id, event.device)

    # --- files -------------------------------------------------------------------------------------------

    def on_file_created(self, envelope: Envelope[FileCreated], unit: Heard) -> None:
        self._file(envelope, unit)

    def on_file_modified(self, envelope: Envelope[FileModified], unit: Heard) -> None:
        self._file(envelope, unit)

    def on_file_moved(self, envelope: Envelope[FileMoved], unit: Heard) -> None:
        self._file(envelope, unit)

    def on_file_tagged(self, envelope: Envelope[FileTagged], unit: Heard) -> None:
        self._file(envelope, unit)

    def on_file_deleted(self, envelope: Envelope[FileDeleted], unit: Heard) -> None:
        self._file(envelope, unit)

    def on_file_restored(self, envelope: Envelope[FileRestored], unit: Heard) -> None:
        self._file(envelope, unit)

    def on_file_access_changed(self, envelope: Envelope[FileAccessChanged], unit: Heard) -> None:
        self._file(envelope, unit)

    def on_file_purged(self, envelope: Envelope[FilePurged], unit: Heard) -> None:
        self._file(envelope, unit)
        unit.file(envelope.event.file.file_id).gone = True

    def on_version_pruned(self, envelope: Envelope[VersionPruned], unit: Heard) -> None:
        self._file(envelope, unit)

    def _file(self, envelope: Envelope[FileEvent], unit: Heard) -> None:
        event = envelope.event
        unit.archive(envelope)
        unit.changed(envelope, event.actor_id, event.file.file_id, event.path)
        unit.show(file_activity(envelope))

    def on_file_indexed(self, envelope: Envelope[FileIndexed], unit: Heard) -> None:
        unit.archive(envelope)

    def on_file_index_failed(self, envelope: Envelope[FileIndexFailed], unit: Heard) -> None:
        unit.archive(envelope)

    def on_preview_ready(self, envelope: Envelope[PreviewReady], unit: Heard) -> None:
        unit.archive(envelope)

    def on_preview_failed(self, envelope: Envelope[PreviewFailed], unit: Heard) -> None:
        unit.archive(envelope)

    # --- shares and links --------------------------------------------------------------------------------

    def on_file_shared(self, envelope: Envelope[FileShared], unit: Heard) -> None:
        self._share(envelope, unit)
        if envelope.event.revision == FIRST:  # else another role, or its person has signed up
            unit.count(envelope.time, "shares", by="person")
            unit.file(envelope.event.file_id).shares += 1

    def on_share_revoked(self, envelope: Envelope[ShareRevoked], unit: Heard) -> None:
        self._share(envelope, unit)
        unit.file(envelope.event.file_id).shares -= 1

    def _share(self, envelope: Envelope[ShareEvent], unit: Heard) -> None:
        event = envelope.event
        unit.archive(envelope)
        unit.changed(envelope, event.actor_id, event.file_id, f"{event.role} {event.email}")
        unit.show(sharing_activity(envelope))
        unit.file(event.file_id).name(event.file_name, event.owner_id)

    def on_link_created(self, envelope: Envelope[LinkCreated], unit: Heard) -> None:
        self._link(envelope, unit)
        unit.count(envelope.time, "shares", by="link")
        unit.file(envelope.event.file_id).links += 1

    def on_link_revoked(self, envelope: Envelope[LinkRevoked], unit: Heard) -> None:
        self._link(envelope, unit)
        unit.file(envelope.event.file_id).links -= 1

    def on_link_opened(self, envelope: Envelope[LinkOpened], unit: Heard) -> None:
        self._link(envelope, unit)
        unit.count(envelope.time, "link_opens")
        unit.file(envelope.event.file_id).opens += 1

    def on_link_expiring(self, envelope: Envelope[LinkExpiring], unit: Heard) -> None:
        unit.archive(envelope)

    def _link(self, envelope: Envelope[LinkEvent], unit: Heard) -> None:
        event = envelope.event
        unit.archive(envelope)
        # Whoever opens a link is nobody known; only its owner makes it or takes it back.
        actor_id = "" if isinstance(event, LinkOpened) else event.owner_id
        unit.changed(envelope, actor_id, event.file_id, event.link_id)
        unit.show(sharing_activity(envelope))
        unit.file(event.file_id).name(event.file_name, event.owner_id)

    # --- uploads and usage -------------------------------------------------------------------------------

    def on_upload_initiated(self, envelope: Envelope[UploadInitiated], unit: Heard) -> None:
        unit.archive(envelope)

    def on_upload_completed(self, envelope: Envelope[UploadCompleted], unit: Heard) -> None:
        event = envelope.event
        unit.archive(envelope)
        unit.count_of(event.account_id, envelope.time, "uploads")
        unit.count_of(event.account_id, envelope.time, "uploaded_bytes", event.size)

    def on_upload_expired(self, envelope: Envelope[UploadExpired], unit: Heard) -> None:
        unit.archive(envelope)
        unit.count(envelope.time, "uploads_failed", by="expired")

    def on_upload_aborted(self, envelope: Envelope[UploadAborted], unit: Heard) -> None:
        unit.archive(envelope)
        unit.count(envelope.time, "uploads_failed", by="aborted")

    def on_upload_stalled(self, envelope: Envelope[UploadStalled], unit: Heard) -> None:
        unit.archive(envelope)

    def on_pack_initiated(self, envelope: Envelope[PackInitiated], unit: Heard) -> None:
        unit.archive(envelope)

    def on_pack_completed(self, envelope: Envelope[PackCompleted], unit: Heard) -> None:
        event = envelope.event
        unit.archive(envelope)
        unit.count_of(event.account_id, envelope.time, "uploads", event.files - len(event.refused))
        unit.count_of(event.account_id, envelope.time, "uploaded_bytes", event.size - event.refused_size)

    def on_pack_expired(self, envelope: Envelope[PackExpired], unit: Heard) -> None:
        unit.archive(envelope)
        unit.count(envelope.time, "uploads_failed", envelope.event.files, by="expired")

    def on_pack_aborted(self, envelope: Envelope[PackAborted], unit: Heard) -> None:
        unit.archive(envelope)
        unit.count(envelope.time, "uploads_failed", envelope.event.files, by="aborted")

    def on_pack_stalled(self, envelope: Envelope[PackStalled], unit: Heard) -> None:
        unit.archive(envelope)

    def on_usage_changed(self, envelope: Envelope[UsageChanged], unit: Heard) -> None:
        self._usage(envelope, unit)

    def on_quota_exceeded(self, envelope: Envelope[QuotaExceeded], unit: Heard) -> None:
        self._usage(envelope, unit)
        unit.count(envelope.time, "quota_exceeded")

    def on_quota_restored(self, envelope: Envelope[QuotaRestored], unit: Heard) -> None:
        self._usage(envelope, unit)

    def _usage(self, envelope: Envelope[UsageEvent], unit: Heard) -> None:
        event = envelope.event
        unit.archive(envelope)
        unit.see(UsageSeen(event.account_id, event.used, event.documents, event.revision, envelope.time))

    # --- notifications and calls -------------------------------------------------------------------------

    def on_notification_sent(self, envelope: Envelope[NotificationSent], unit: Heard) -> None:
        unit.archive(envelope)
        unit.count(envelope.time, "notifications", by=envelope.event.channel)

    def on_notification_failed(self, envelope: Envelope[NotificationFailed], unit: Heard) -> None:
        unit.archive(envelope)
        unit.count(envelope.time, "notifications_failed", by=envelope.event.channel)

    def on_api_called(self, envelope: Envelope[ApiCalled], unit: Heard) -> None:
        unit.archive(envelope)
        for call in envelope.event.calls:
            unit.called(call)
            unit.count(call.at, "calls", by=f"{call.status // 100}xx")
            if call.account_id:
                unit.count_of(call.account_id, call.at, "downloads", len(call.read))
            else:
                unit.count(call.at, "downloads", len(call.read), by="link")
            for file_id in call.read:
                unit.file(file_id).downloads += 1
