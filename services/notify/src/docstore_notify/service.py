"""What events mean for notify: whom to tell of what. Nothing is sent here: messages are written down with the event."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from docstore_events.transaction import Transaction
from docstore_notify.domain import PERSONAL, ChannelName, Contact, Facts, FileChange, Kind, Notice, Subscription
from docstore_notify.gathering import followers, seen_paths
from docstore_notify.lane_store import Lanes
from docstore_notify.notices import NoticeBook
from docstore_notify.rechecks import Rechecks
from docstore_notify.share_limits import ShareLimits
from docstore_notify.share_store import Share, Shares
from docstore_notify.storage import Contacts
from docstore_notify.subscription_store import Subscriptions


@dataclass(frozen=True, slots=True)
class Told:
    """An event, and what is told of it."""

    event_id: str
    facts: Facts
    traceparent: str | None

    def to(
        self,
        account_id: str,
        channel: ChannelName,
        kind: Kind,
        more: Facts | None = None,
        *,
        subscription_id: str | None = None,
        address: str = "",
    ) -> Notice:
        facts = {**self.facts, **(more or {})}
        return Notice(account_id, channel, kind, self.event_id, facts, self.traceparent, subscription_id, address)


@dataclass(frozen=True, slots=True)
class Changed:
    """A change to a file that its followers are to be told of."""

    told: Told
    change: FileChange
    file_id: str
    ancestors: tuple[str, ...]
    owner_id: str
    readers: frozenset[str]


@dataclass(frozen=True, slots=True)
class ShareNews:
    """A share as it stands now."""

    told: Told
    share: Share
    owner_id: str
    email: str
    hidden: bool = False
    """Its person wants nothing from the owner."""


@dataclass(slots=True)
class Heard:
    """What a batch of events means."""

    contacts: dict[str, Contact] = field(default_factory=dict)
    notices: list[Notice] = field(default_factory=list)
    changes: list[Changed] = field(default_factory=list)
    shares: list[ShareNews] = field(default_factory=list)
    purged: set[str] = field(default_factory=set)


class NotifyService:
    """Takes in batches of events."""

    def __init__(
        self,
        contacts: Contacts,
        subscriptions: Subscriptions,
        shares: Shares,
        limits: ShareLimits,
        lanes: Lanes,
        rechecks: Rechecks,
        book: NoticeBook,
        recheck_wakeup: str,
    ) -> None:
        self._contacts = contacts
        self._subscriptions = subscriptions
        self._shares = shares
        self._limits = limits
        self._lanes = lanes
        self._rechecks = rechecks
        self._book = book
        self._recheck_wakeup = recheck_wakeup

    async def take_in(self, heard: Heard, tx: Transaction) -> None:
        """Write down what a batch of events means, with the inbox rows of those events."""
        if heard.contacts:
            await self._contacts.keep_newest(heard.contacts.values(), tx.session)
        notices = [
            *await self._for_followers(heard.changes, tx),
            *heard.notices,
            *await self._of_shares(heard.shares, tx),
        ]
        if heard.purged:
            await self._forget(heard.purged, tx)
        if notices:
            await self._book.write(notices, tx)

    async def _for_followers(self, changes: Sequence[Changed], tx: Transaction) -> list[Notice]:
        followed = {file_id for change in changes for file_id in (change.file_id, *change.ancestors)}
        if not followed:
            return []
        subscriptions = await self._subscriptions.to_any_of(followed, tx.session)
        return [
            _follower_notice(change, one)
            for change in changes
            for one in followers(
                subscriptions,
                file_id=change.file_id,
                ancestors=change.ancestors,
                owner_id=change.owner_id,
                readers=change.readers,
                change=change.change,
            )
        ]

    async def _of_shares(self, news: Sequence[ShareNews], tx: Transaction) -> list[Notice]:
        """Tell a person what is shared with them, once, and again when their role changes; invite who has no account,
        once; look again at the subscriptions of who has lost a right."""
        if not news:
            return []
        known = await self._shares.find({one.share.id for one in news}, tx.session)
        notices: list[Notice] = []
        lost: set[str] = set()
        for one in news:
            before = known.get(one.share.id)
            if before is not None and one.share.revision <= before.revision:
                continue
            known[one.share.id] = one.share
            if one.share.revoked:
                account_id = one.share.account_id or (before.account_id if before else None)
                lost |= {account_id} if account_id else set()
            elif not one.hidden:
                notices += _of_share(one, before)
        new = [notice for notice in notices if notice.facts.get("change") != "role_changed"]
        told = await self._limits.allowed(new, tx.session) if new else []
        notices = [notice for notice in notices if notice not in new or notice in told]
        await self._shares.keep(known.values(), tx.session)
        if lost:
            await self._rechecks.add(lost, tx.session)
            tx.wake_after(self._recheck_wakeup)
        return notices

    async def _forget(self, file_ids: set[str], tx: Transaction) -> None:
        gone = await self._subscriptions.of_files(file_ids, tx.session)
        if gone:
            await self._subscriptions.forget(gone, tx.session)
        machines = {one.id for one in gone if one.channel not in PERSONAL}
        if machines:
            await self._lanes.feed(machines, tx.session)  # so that a sender finds them gone, and ends what waits


def _follower_notice(change: Changed, subscription: Subscription) -> Notice:
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


def _of_share(news: ShareNews, before: Share | None) -> list[Notice]:
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


def personal(told: Told, account_id: str, kind: Kind, more: Facts | None = None) -> list[Notice]:
    """To a person, by every channel that leads to one."""
    return [told.to(account_id, channel, kind, more) for channel in PERSONAL]
