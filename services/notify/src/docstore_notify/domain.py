"""The rules of telling people: what is told, to whom, by which channel, how it is gathered and how often tried."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

Kind = Literal["upload_done", "file_changed", "quota_exceeded", "quota_restored"]
KINDS: tuple[Kind, ...] = ("upload_done", "file_changed", "quota_exceeded", "quota_restored")
ChannelName = Literal["email"]
CHANNELS: tuple[ChannelName, ...] = ("email",)
FileChange = Literal["created", "modified", "moved", "deleted", "restored"]
FILE_CHANGES: tuple[FileChange, ...] = ("created", "modified", "moved", "deleted", "restored")
State = Literal["pending", "sent", "failed"]

Facts = dict[str, str | int | bool]

MAX_LISTED = 50
"""Items a message lists; of the others it tells the number."""
MAX_EVENTS = 5_000
"""Events one message tells of; more begin another."""
FIRST_RETRY = timedelta(seconds=1)
LONGEST_RETRY = timedelta(minutes=15)


class Refused(Exception):
    """The channel will never take this message; the text is a reason for operators."""


class NotNow(Exception):
    """The channel can't take the message now, and may later."""


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom a message reaches."""

    account_id: str
    email: str
    display_name: str
    revision: int


@dataclass(frozen=True, slots=True)
class Subscription:
    """Someone follows a file, or a folder with all in it."""

    id: str
    account_id: str
    file_id: str
    channel: ChannelName
    events: tuple[FileChange, ...]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a person has switched on or off; what is not said is on."""

    account_id: str
    choices: Mapping[Kind, Mapping[ChannelName, bool]] = field(default_factory=dict)

    def wants(self, kind: Kind, channel: ChannelName) -> bool:
        return self.choices.get(kind, {}).get(channel, True)


@dataclass(frozen=True, slots=True)
class Notice:
    """One event that one person is to be told of."""

    account_id: str
    channel: ChannelName
    kind: Kind
    event_id: str
    facts: Facts
    traceparent: str | None = None

    @property
    def stream(self) -> str:
        """Notices of one stream are gathered into one message."""
        return f"{self.account_id}:{self.channel}:{self.kind}"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to one person."""

    id: str
    account_id: str
    channel: ChannelName
    kind: Kind
    created_at: datetime
    due_at: datetime
    """When it is to be sent; a failed try does not change it."""
    items: tuple[Facts, ...] = ()
    event_ids: tuple[str, ...] = ()
    state: State = "pending"
    attempts: int = 0
    """How many senders have taken it up."""
    traceparent: str | None = None
    """Trace of the first event it tells of."""

    @property
    def stream(self) -> str:
        return f"{self.account_id}:{self.channel}:{self.kind}"

    @property
    def unlisted(self) -> int:
        return len(self.event_ids) - len(self.items)

    def with_notices(self, notices: Sequence[Notice]) -> "Delivery":
        room = max(MAX_LISTED - len(self.items), 0)
        items = (*self.items, *(notice.facts for notice in notices[:room]))
        return replace(self, items=items, event_ids=(*self.event_ids, *(notice.event_id for notice in notices)))

    @property
    def takes_more(self) -> int:
        """How many more events it may tell of: none once a sender has had it, since it may have been sent."""
        return MAX_EVENTS - len(self.event_ids) if self.state == "pending" and self.attempts == 0 else 0


def gather(
    notices: Sequence[Notice], latest: Delivery | None, now: datetime, pause: timedelta, new_id: Callable[[], str]
) -> list[Delivery]:
    """The deliveries, new or grown, that tell `notices` of one stream, whose last delivery was `latest`.

    The first message goes at once; those after it wait until `pause` has passed since the one before, and take in
    what comes meanwhile. Without a pause every event is a message of its own.
    """
    if not pause:
        return [_new(new_id(), [notice], now, now) for notice in notices]
    result: list[Delivery] = []
    rest = list(notices)
    if latest is not None and latest.takes_more:
        result.append(latest.with_notices(rest[: latest.takes_more]))
        rest = rest[latest.takes_more :]
    due = max(now, latest.due_at + pause) if latest is not None else now
    while rest:
        result.append(_new(new_id(), rest[:MAX_EVENTS], now, due))
        rest = rest[MAX_EVENTS:]
        due += pause
    return result


def _new(delivery_id: str, notices: Sequence[Notice], now: datetime, due: datetime) -> Delivery:
    first = notices[0]
    empty = Delivery(delivery_id, first.account_id, first.channel, first.kind, now, due, traceparent=first.traceparent)
    return empty.with_notices(notices)


def followers(
    subscriptions: Iterable[Subscription],
    *,
    file_id: str,
    ancestors: Collection[str],
    may_read: Collection[str],
    change: FileChange,
) -> list[tuple[str, ChannelName]]:
    """Who is told of a change, by which channel: once, though they may follow both the file and a folder above it."""
    told = {
        (subscription.account_id, subscription.channel): None
        for subscription in subscriptions
        if (subscription.file_id == file_id or subscription.file_id in ancestors)
        and subscription.account_id in may_read
        and change in subscription.events
    }
    return list(told)


def retry_after(attempts: int) -> timedelta:
    """How long to wait after so many attempts: twice as long each time, up to a quarter of an hour."""
    doublings = max(min(attempts - 1, 20), 0)
    return min(FIRST_RETRY * (1 << doublings), LONGEST_RETRY)
