"""What a batch of events means: changes, shares, and the notices that follow from them."""

from dataclasses import dataclass, field, replace

from docstore_notify.contacts.rules import Contact
from docstore_notify.domain import PERSONAL, Facts, Kind, Notice
from docstore_notify.shares.rules import Share
from docstore_notify.subscriptions.rules import FileChange, Subscription, seen_paths


@dataclass(frozen=True, slots=True)
class NoticeSource:
    """An event, and what is told of it."""

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
    """A change to a file that its followers are to be told of."""

    told: NoticeSource
    change: FileChange
    file_id: str
    ancestors: tuple[str, ...]
    owner_id: str
    readers: frozenset[str]


@dataclass(frozen=True, slots=True)
class ShareChange:
    """A share as it stands now."""

    told: NoticeSource
    share: Share
    owner_id: str
    email: str
    hidden: bool = False
    """Its person wants nothing from the owner."""


@dataclass(slots=True)
class Batch:
    """What a batch of events means."""

    contacts: dict[str, Contact] = field(default_factory=dict)
    notices: list[Notice] = field(default_factory=list)
    changes: list[FollowedChange] = field(default_factory=list)
    shares: list[ShareChange] = field(default_factory=list)
    purged: set[str] = field(default_factory=set)


def _follower_notice(change: FollowedChange, subscription: Subscription) -> Notice:
    told = change.told
    if subscription.account_id != change.owner_id:
        facts = seen_paths(
            told.facts, file_id=change.file_id, ancestors=change.ancestors, followed_id=subscription.file_id
        )
        told = replace(told, facts=facts)
    return told.to(
        subscription.account_id,
        subscription.channel,
        "file_changed",
        {"subscription_id": subscription.id},
        subscription_id=subscription.id,
    )


def _of_share(news: ShareChange, before: Share | None) -> list[Notice]:
    share = news.share
    if share.invited_id is not None:
        asked = before is not None
        return [] if asked else personal(news.told, share.invited_id, "shared_with_you", {"change": "invited"})
    if before is not None and before.invited_id is not None:
        return []  # they have accepted it themselves
    if share.account_id is None:
        return [news.told.to(news.owner_id, "email", "invitation", address=news.email)] if before is None else []
    if before is None or before.revoked or before.account_id is None:
        return personal(news.told, share.account_id, "shared_with_you", {"change": "shared"})
    if before.role != share.role:
        return personal(news.told, share.account_id, "shared_with_you", {"change": "role_changed"})
    return []


def personal(told: NoticeSource, account_id: str, kind: Kind, more: Facts | None = None) -> list[Notice]:
    """To a person, by every channel that leads to one."""
    return [told.to(account_id, channel, kind, more) for channel in PERSONAL]
