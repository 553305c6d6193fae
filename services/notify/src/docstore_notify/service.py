"""What notify does: it keeps whom to tell of what, and turns events into messages to be sent."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

from docstore_events.transaction import Transaction
from docstore_notify.delivery_store import Deliveries
from docstore_notify.domain import (
    ChannelName,
    Contact,
    Delivery,
    Facts,
    FileChange,
    Notice,
    Preferences,
    Subscription,
)
from docstore_notify.gathering import followers, gather
from docstore_notify.settings import NotifySettings
from docstore_notify.storage import Contacts, PreferenceStore, Subscriptions
from docstore_platform.clock import Clock, utc_now
from docstore_platform.ids import new_id
from docstore_platform.internal import ServiceClient
from docstore_platform.problems import not_found


class Files(Protocol):
    """What notify asks of the metadata service."""

    async def readable(self, account_id: str, file_id: str) -> bool:
        """Whether the account may read the file; Problem 503 if metadata can't be reached."""
        ...


class MetadataFiles:
    def __init__(self, client: ServiceClient) -> None:
        self._client = client

    async def readable(self, account_id: str, file_id: str) -> bool:
        body = {"account_id": account_id, "ids": [file_id]}
        answer: dict[str, Any] = await self._client.call("POST", "/internal/files/lookup", body)
        return bool(answer["files"])


@dataclass(frozen=True, slots=True)
class Changed:
    """A change to a file that its followers are to be told of."""

    file_id: str
    ancestors: tuple[str, ...]
    may_read: frozenset[str]
    change: FileChange
    event_id: str
    facts: Facts
    traceparent: str | None


@dataclass(slots=True)
class Heard:
    """What a batch of events means."""

    contacts: dict[str, Contact] = field(default_factory=dict)
    notices: list[Notice] = field(default_factory=list)
    changes: list[Changed] = field(default_factory=list)
    purged: set[str] = field(default_factory=set)


class NotifyService:
    """The use cases. Nothing is sent here: messages are written down with the event, and senders take them up."""

    def __init__(
        self,
        contacts: Contacts,
        subscriptions: Subscriptions,
        preferences: PreferenceStore,
        deliveries: Deliveries,
        files: Files,
        settings: NotifySettings,
        wakeup_name: str,
        clock: Clock = utc_now,
    ) -> None:
        self._contacts = contacts
        self._subscriptions = subscriptions
        self._preferences = preferences
        self._deliveries = deliveries
        self._files = files
        self._pause = timedelta(seconds=settings.digest_seconds)
        self._wakeup_name = wakeup_name
        self._clock = clock

    async def follow(
        self, account_id: str, file_id: str, channel: ChannelName, events: tuple[FileChange, ...]
    ) -> tuple[Subscription, bool]:
        """The subscription and whether it is new; 404 for a file the account may not read."""
        if not await self._files.readable(account_id, file_id):
            raise not_found("file")
        subscription_id = new_id()
        kept = await self._subscriptions.follow(subscription_id, account_id, file_id, channel, events, self._clock())
        return kept, kept.id == subscription_id

    async def subscriptions(self, account_id: str, after: str, limit: int, file_id: str | None) -> list[Subscription]:
        return await self._subscriptions.of_account(account_id, after, limit, file_id)

    async def subscription(self, account_id: str, subscription_id: str) -> Subscription:
        found = await self._subscriptions.get(account_id, subscription_id)
        if found is None:
            raise not_found("subscription")
        return found

    async def unfollow(self, account_id: str, subscription_id: str) -> None:
        if not await self._subscriptions.remove(account_id, subscription_id):
            raise not_found("subscription")

    async def preferences(self, account_id: str) -> Preferences:
        found = await self._preferences.find([account_id])
        return found.get(account_id, Preferences(account_id))

    async def prefer(self, preferences: Preferences) -> None:
        await self._preferences.put(preferences)

    async def take_in(self, heard: Heard, tx: Transaction) -> None:
        """Write down what a batch of events means, with the inbox rows of those events."""
        if heard.contacts:
            await self._contacts.keep_newest(heard.contacts.values(), tx.session)
        notices = [*heard.notices, *await self._for_followers(heard.changes, tx)]
        if heard.purged:
            await self._subscriptions.forget_files(heard.purged, tx.session)
        if notices:
            await self._write_down(notices, tx)

    async def _for_followers(self, changes: Sequence[Changed], tx: Transaction) -> list[Notice]:
        followed = {file_id for change in changes for file_id in (change.file_id, *change.ancestors)}
        if not followed:
            return []
        subscriptions = await self._subscriptions.to_any_of(followed, tx.session)
        return [
            Notice(one.account_id, one.channel, "file_changed", change.event_id, change.facts, change.traceparent)
            for change in changes
            for one in followers(
                subscriptions,
                file_id=change.file_id,
                ancestors=change.ancestors,
                owner_id="",
                readers=change.may_read,
                change=change.change,
            )
        ]

    async def _write_down(self, notices: Sequence[Notice], tx: Transaction) -> None:
        preferences = await self._preferences.find({notice.account_id for notice in notices})
        streams: defaultdict[str, list[Notice]] = defaultdict(list)
        for notice in notices:
            wishes = preferences.get(notice.account_id)
            if wishes is None or wishes.wants(notice.kind, notice.channel):
                streams[notice.stream].append(notice)
        if not streams:
            return
        latest = await self._deliveries.latest(streams, tx.session) if self._pause else {}
        now = self._clock()
        deliveries: list[Delivery] = []
        for stream, gathered in streams.items():
            deliveries += gather(gathered, latest.get(stream), now, self._pause, new_id)
        await self._deliveries.save(list(latest.values()), deliveries, tx.session)
        tx.wake_after(self._wakeup_name)
