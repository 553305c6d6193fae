"""What the public routes answer, as the API's description shows it."""

from datetime import datetime
from typing import Literal

from docstore_notify.domain import ChannelName, ChosenKind, FileChange, Kind, State
from docstore_platform.answers import Answer, Page, sometimes


class Preference(Answer):
    """Where a person is told of something."""

    email: bool
    """By e-mail."""
    in_app: bool
    """In the app."""


Preferences = dict[ChosenKind, Preference]


class FollowTarget(Answer):
    """Where messages go, as it was entered; it can be entered again."""

    url: str = sometimes()
    """Of a webhook."""
    topic_arn: str = sometimes()
    """Of an SNS topic."""
    phone_number: str = sometimes()
    """In international form."""
    queue: str = sometimes()
    """ARN of an SQS queue."""
    bus: str = sometimes()
    """Name or ARN of an EventBridge bus."""
    role_arn: str = sometimes()
    """IAM role that DocStore takes for it."""
    region: str = sometimes()
    """AWS region."""


class Subscription(Answer):
    """The caller follows a file, or a folder with all in it."""

    id: str
    """What changing and ending it takes."""
    file_id: str
    """The file or folder."""
    channel: ChannelName
    """How the caller is told."""
    target: FollowTarget | None
    """Null for the channels that lead to the caller."""
    events: list[FileChange]
    """What the caller is told of."""
    state: Literal["active", "disabled"]
    """A channel that failed for long is disabled."""
    disabled_reason: str | None
    """Why nothing is sent any more; null while it is active."""
    created_at: datetime
    """When it was made."""


class CreatedSubscription(Subscription):
    """A subscription that was just made."""

    secret: str = sometimes()
    """Of a webhook: what signs its messages (Standard Webhooks); told this once."""


class SubscriptionPage(Page[Subscription]):
    """A page of what the caller follows."""


class DeliveryTry(Answer):
    """One time that a message was sent."""

    at: datetime
    """When."""
    status: int | None
    """HTTP status that the receiver answered; null if there was none."""
    detail: str
    """What came of it, for people."""


class Delivery(Answer):
    """A message, and what became of it."""

    id: str
    """The same in every try: a receiver tells doubles by it."""
    kind: Kind
    """What it tells."""
    state: State
    """`pending` while it may still be tried."""
    created_at: datetime
    """When there was something to tell."""
    event_ids: list[str]
    """Events that it tells of."""
    attempts: int
    """How often it was tried."""
    tries: list[DeliveryTry]
    """The last 20."""
    next_try_at: datetime | None
    """Null if there will be none."""


class DeliveryPage(Page[Delivery]):
    """A page of a subscription's messages."""


class TestResult(Answer):
    """How sending a test message ended."""

    delivery_id: str
    """As in the subscription's deliveries."""
    state: State
    """How it ended."""
    status: int | None
    """HTTP status that the receiver answered; null if there was none."""
    detail: str
    """What came of it, for people."""


class Notification(Answer):
    """Something that is told in the app."""

    id: str
    """What marking it as read takes."""
    kind: Kind
    """What it tells."""
    created_at: datetime
    """When it was told."""
    read: bool
    """Whether it was marked as read."""
    title: str
    """One line for people."""
    items: list[dict[str, str | int | bool]]
    """What happened, by name, as the kind has it; up to 50."""
    more: int
    """How many there are besides."""
    file_id: str | None
    """The file that all of it is about; null if that is not one."""


class NotificationPage(Page[Notification]):
    """A page of what was told in the app."""

    unread: int
    """Of all; counted up to 1,000."""


class Unread(Answer):
    """What is left to read."""

    unread: int
    """Counted up to 1,000."""
