"""Handles events of all services: derives the notices of each."""

from docstore_events.catalogue.accounts import (
    AccountCreated,
    AccountEvent,
    AccountInvited,
    AccountUpdated,
    ApiTokenCreated,
    EmailVerificationRequested,
    PasswordChanged,
    PasswordReset,
    PasswordResetLinkMade,
    PasswordResetRequested,
    SessionStarted,
)
from docstore_events.catalogue.event import Event
from docstore_events.catalogue.files import (
    ContentRetrieved,
    FileCreated,
    FileDeleted,
    FileEvent,
    FileModified,
    FileMoved,
    FilePurged,
    FileRestored,
    FileTagged,
)
from docstore_events.catalogue.shares import FileShared, LinkEvent, LinkExpiring, LinkOpened, ShareEvent, ShareRevoked
from docstore_events.catalogue.uploads import PackCompleted, UploadCompleted
from docstore_events.catalogue.usage import QuotaExceeded, QuotaRestored, UsageEvent
from docstore_events.envelope import Envelope
from docstore_events.subscribers import Subscribers
from docstore_events.transaction import Transaction
from docstore_notify.contacts.rules import Contact
from docstore_notify.domain import Facts, Kind
from docstore_notify.notices.rules import Batch, FollowedChange, NoticeSource, ShareChange, personal
from docstore_notify.notices.service import NotifyService
from docstore_notify.shares.rules import Share
from docstore_notify.subscriptions.rules import FileChange
from docstore_platform.clock import rfc3339


class NotifySubscribers(Subscribers[Batch]):
    def __init__(self, service: NotifyService) -> None:
        self._service = service

    def begin(self) -> Batch:
        return Batch()

    async def commit(self, batch: Batch, transaction: Transaction) -> None:
        await self._service.handle(batch, transaction)

    def on_account_created(self, envelope: Envelope[AccountCreated], batch: Batch) -> None:
        _contact(envelope.event, batch)

    def on_account_updated(self, envelope: Envelope[AccountUpdated], batch: Batch) -> None:
        _contact(envelope.event, batch)

    def on_session_started(self, envelope: Envelope[SessionStarted], batch: Batch) -> None:
        event = envelope.event
        if event.new_device and not event.first_login:
            batch.notices += personal(_source(envelope, {"device": event.device}), event.account_id, "new_device")

    def on_password_reset_requested(self, envelope: Envelope[PasswordResetRequested], batch: Batch) -> None:
        """By mail only: the owner without the password can't see the app, and the user of a stolen session must not."""
        event = envelope.event
        source = _source(envelope, {"reset_id": event.reset_id, "expires_at": rfc3339(event.expires_at)})
        batch.notices.append(source.to(event.account_id, "email", "password_reset"))

    def on_account_invited(self, envelope: Envelope[AccountInvited], batch: Batch) -> None:
        event = envelope.event
        source = _source(envelope, {"invited_at": rfc3339(event.invited_at), "owner_id": event.invited_by})
        batch.notices.append(source.to(event.invited_by, "email", "account_invitation", address=event.email))

    def on_email_verification_requested(self, envelope: Envelope[EmailVerificationRequested], batch: Batch) -> None:
        """To the address under verification, whatever the account's address is when the mail is sent."""
        event = envelope.event
        source = _source(envelope, {"verification_id": event.verification_id, "expires_at": rfc3339(event.expires_at)})
        batch.notices.append(source.to(event.account_id, "email", "email_verification", address=event.email))

    def on_password_changed(self, envelope: Envelope[PasswordChanged], batch: Batch) -> None:
        facts: Facts = {"change": "changed", "device": envelope.event.device}
        _password_notice(envelope, envelope.event.account_id, facts, batch)

    def on_password_reset(self, envelope: Envelope[PasswordReset], batch: Batch) -> None:
        """Notify the owner; of an account that was taken over, end what another person may have set up."""
        event = envelope.event
        _password_notice(envelope, event.account_id, {"change": "reset", "device": ""}, batch)
        if event.taken_over_at is not None:
            batch.taken_over.append((event.account_id, event.taken_over_at))

    def on_password_reset_link_made(self, envelope: Envelope[PasswordResetLinkMade], batch: Batch) -> None:
        facts: Facts = {"change": "link_made", "device": "", "expires_at": rfc3339(envelope.event.expires_at)}
        _password_notice(envelope, envelope.event.account_id, facts, batch)

    def on_api_token_created(self, envelope: Envelope[ApiTokenCreated], batch: Batch) -> None:
        event = envelope.event
        facts: Facts = {"change": "token_created", "device": event.device, "name": event.name}
        facts["scopes"] = ", ".join(event.scopes)
        _password_notice(envelope, event.account_id, facts, batch)

    def on_upload_completed(self, envelope: Envelope[UploadCompleted], batch: Batch) -> None:
        event = envelope.event
        if not event.notify_uploader:
            return
        facts: Facts = {
            "path": event.path,
            "file_id": event.file_id,
            "size": event.size,
            "version": event.version,
            "conflicted": event.conflicted,
            "in_absence": event.completed_by == "workflow",
        }
        # `path` is as the uploader sees it, who may be an editor of another account's folder.
        batch.notices += personal(_source(envelope, facts), event.uploaded_by or event.account_id, "upload_done")

    def on_pack_completed(self, envelope: Envelope[PackCompleted], batch: Batch) -> None:
        """One notice, however many files."""
        event = envelope.event
        files = event.files - len(event.refused)
        if files and event.notify_uploader:
            facts: Facts = {
                "path": event.path,
                "files": files,
                "size": event.size,
                "conflicted": event.conflicted,
                "in_absence": event.completed_by == "workflow",
            }
            batch.notices += personal(_source(envelope, facts), event.account_id, "upload_done")

    def on_file_created(self, envelope: Envelope[FileCreated], batch: Batch) -> None:
        _followed("created", envelope, batch)

    def on_file_modified(self, envelope: Envelope[FileModified], batch: Batch) -> None:
        _followed("modified", envelope, batch)

    def on_file_moved(self, envelope: Envelope[FileMoved], batch: Batch) -> None:
        _followed("moved", envelope, batch, {"previous_path": envelope.event.previous_path})

    def on_file_tagged(self, envelope: Envelope[FileTagged], batch: Batch) -> None:
        event = envelope.event
        facts: Facts = {"tags": ", ".join(event.file.tags)}
        if "metadata" in event.changed:
            facts["metadata"] = ", ".join(f"{name}: {value}" for name, value in event.file.metadata.items())
        _followed("tagged", envelope, batch, facts)

    def on_file_deleted(self, envelope: Envelope[FileDeleted], batch: Batch) -> None:
        _followed("deleted", envelope, batch)

    def on_file_restored(self, envelope: Envelope[FileRestored], batch: Batch) -> None:
        _followed("restored", envelope, batch)

    def on_content_retrieved(self, envelope: Envelope[ContentRetrieved], batch: Batch) -> None:
        event = envelope.event
        facts: Facts = {"path": event.path, "file_id": event.file_id, "version": event.version}
        batch.notices += personal(_source(envelope, facts), event.account_id, "content_retrieved")

    def on_file_purged(self, envelope: Envelope[FilePurged], batch: Batch) -> None:
        batch.purged.add(envelope.event.file.file_id)

    def on_file_shared(self, envelope: Envelope[FileShared], batch: Batch) -> None:
        _share("shared", envelope, batch)

    def on_share_revoked(self, envelope: Envelope[ShareRevoked], batch: Batch) -> None:
        _share("unshared", envelope, batch)

    def on_link_opened(self, envelope: Envelope[LinkOpened], batch: Batch) -> None:
        event = envelope.event
        source = _source(envelope, _link(event) | {"change": "link_opened", "opens": event.opens})
        batch.changes.append(
            FollowedChange(source, "link_opened", event.file_id, event.ancestors, event.owner_id, readers=frozenset())
        )
        batch.notices += personal(source, event.owner_id, "link_opened")

    def on_link_expiring(self, envelope: Envelope[LinkExpiring], batch: Batch) -> None:
        event = envelope.event
        expires_at = rfc3339(event.expires_at) if event.expires_at else ""
        source = _source(envelope, _link(event) | {"expires_at": expires_at})
        batch.notices += personal(source, event.owner_id, "link_expiring")

    def on_quota_exceeded(self, envelope: Envelope[QuotaExceeded], batch: Batch) -> None:
        _usage("quota_exceeded", envelope, batch, {"requested": envelope.event.requested})

    def on_quota_restored(self, envelope: Envelope[QuotaRestored], batch: Batch) -> None:
        _usage("quota_restored", envelope, batch, {})


def _source(envelope: Envelope[Event], facts: Facts) -> NoticeSource:
    return NoticeSource(envelope.id, {**facts, "at": rfc3339(envelope.time)}, envelope.traceparent)


def _contact(event: AccountEvent, batch: Batch) -> None:
    known = batch.contacts.get(event.account_id)
    if known is None or event.revision > known.revision:
        batch.contacts[event.account_id] = Contact(
            event.account_id,
            event.email,
            event.display_name,
            event.revision,
            event.email_verified,
            event.language or "en",
        )


def _usage(kind: Kind, envelope: Envelope[UsageEvent], batch: Batch, more: Facts) -> None:
    event = envelope.event
    facts: Facts = {"used": event.used, "limit": event.limit, **more}
    batch.notices += personal(_source(envelope, facts), event.account_id, kind)


def _followed(change: FileChange, envelope: Envelope[FileEvent], batch: Batch, more: Facts | None = None) -> None:
    event, file = envelope.event, envelope.event.file
    facts: Facts = {
        "change": change,
        "file_id": file.file_id,
        "owner_id": file.owner_id,
        "path": event.path,
        "kind": file.kind,
        "version": file.version,
        "actor_id": event.actor_id,
        "device": "" if event.by_link else file.device,
        **(more or {}),
    }
    if event.by_link:
        facts["by_link"] = event.by_link
    source = _source(envelope, facts)
    if event.by_link:  # owners follow what they let visitors edit
        batch.notices += personal(source, file.owner_id, "file_changed")
    batch.changes.append(
        FollowedChange(source, change, file.file_id, file.ancestors, file.owner_id, readers=frozenset(file.readers))
    )


def _password_notice(envelope: Envelope[Event], account_id: str, facts: Facts, batch: Batch) -> None:
    """Not in the app: the user of a stolen session must not delete it. Only a changed password is pushed and texted."""
    source = _source(envelope, facts)
    channels = ("email", "push", "sms") if facts["change"] in ("changed", "reset") else ("email",)
    batch.notices += [source.to(account_id, channel, "password_notice") for channel in channels]


def _share(change: FileChange, envelope: Envelope[ShareEvent], batch: Batch) -> None:
    event = envelope.event
    facts: Facts = {
        "file_id": event.file_id,
        "owner_id": event.owner_id,
        "path": event.file_name,
        "kind": event.kind,
        "share_id": event.share_id,
        "role": event.role,
        "actor_id": event.actor_id,
        "device": "",
    }
    owners = _source(envelope, {**facts, "change": change, "person": event.email})
    batch.changes.append(
        FollowedChange(owners, change, event.file_id, event.ancestors, event.owner_id, readers=frozenset())
    )
    revoked = change == "unshared"
    share = Share(event.share_id, event.revision, event.account_id, event.role, revoked, event.invited_id)
    batch.shares.append(ShareChange(_source(envelope, facts), share, event.owner_id, event.email, event.hidden))


def _link(event: LinkEvent) -> Facts:
    return {
        "file_id": event.file_id,
        "owner_id": event.owner_id,
        "path": event.file_name,
        "link_id": event.link_id,
        "actor_id": "",
        "device": "",
    }
