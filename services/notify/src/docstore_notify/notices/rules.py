"""Effects of a batch of events: changes, shares, and their notices."""

from dataclasses import dataclass, field, replace
from datetime import datetime

from docstore_notify.contacts.rules import Contact
from docstore_notify.domain import Facts, Kind, Notice, personal_channels
from docstore_notify.shares.rules import Share
from docstore_notify.subscriptions.rules import FileChange, Subscription, seen_paths


@dataclass(frozen=True, slots=True)
class NoticeSource:
    """An event as the source of notices."""

    event_id: str
    facts: Facts
    traceparent: str | None

    def to(
        self,
        account_id: str,
        channel: str,
        kind: Kind,
        more: Facts | None = None,
        *,
        subscription_id: str | None = None,
        address: str = "",
    ) -> Notice:
        facts = {**self.facts, **(more or {})}
        return Notice(account_id, channel, kind, self.event_id, facts, self.traceparent, subscription_id, address)


@dataclass(frozen=True, slots=True)
class FollowedChange:
    """A change to a file, for its followers."""

    source: NoticeSource
    change: FileChange
    file_id: str
    ancestors: tuple[str, ...]
    owner_id: str
    readers: frozenset[str]


@dataclass(frozen=True, slots=True)
class ShareChange:
    """The current state of a share."""

    source: NoticeSource
    share: Share
    owner_id: str
    email: str
    hidden: bool = False
    """Whether its recipient has blocked the owner."""


@dataclass(slots=True)
class Batch:
    """Effects of a batch of events."""

    contacts: dict[str, Contact] = field(default_factory=dict)
    notices: list[Notice] = field(default_factory=list)
    changes: list[FollowedChange] = field(default_factory=list)
    shares: list[ShareChange] = field(default_factory=list)
    purged: set[str] = field(default_factory=set)
    taken_over: list[tuple[str, datetime]] = field(default_factory=list)
    """Accounts that another person has taken over, and when."""


def follower_notice(change: FollowedChange, subscription: Subscription) -> Notice:
    source = change.source
    if subscription.account_id != change.owner_id:
        facts = seen_paths(
            source.facts, file_id=change.file_id, ancestors=change.ancestors, followed_id=subscription.file_id
        )
        source = replace(source, facts=facts)
    return source.to(
        subscription.account_id,
        subscription.channel,
        "file_changed",
        {"subscription_id": subscription.id},
        subscription_id=subscription.id,
    )


def share_notices(change: ShareChange, before: Share | None) -> list[Notice]:
    share = change.share
    if share.invited_id is not None:
        asked = before is not None and before.invited_id is not None
        return [] if asked else personal(change.source, share.invited_id, "shared_with_you", {"change": "invited"})
    if before is not None and before.invited_id is not None:
        return []  # the recipient accepted it
    if share.account_id is None:
        return (
            [change.source.to(change.owner_id, "email", "invitation", address=change.email)] if before is None else []
        )
    if before is None or before.revoked or before.account_id is None:
        return personal(change.source, share.account_id, "shared_with_you", {"change": "shared"})
    if before.role != share.role:
        return personal(change.source, share.account_id, "shared_with_you", {"change": "role_changed"})
    return []


def personal(source: NoticeSource, account_id: str, kind: Kind, more: Facts | None = None) -> list[Notice]:
    """Return notices to a person, one for each channel that takes the kind."""
    return [source.to(account_id, channel, kind, more) for channel in personal_channels(kind)]
