"""Types that features share: kinds of messages, notices, deliveries, targets."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal, get_args

ChosenKind = Literal[
    "upload_done",
    "file_changed",
    "shared_with_you",
    "link_opened",
    "link_expiring",
    "content_retrieved",
    "new_device",
    "quota_exceeded",
    "quota_restored",
    "subscription_disabled",
]
"""Kinds that preferences switch on and off."""
Kind = (
    ChosenKind
    | Literal["invitation", "test", "password_reset", "email_verification", "password_notice", "account_invitation"]
)
"""Kinds of messages. `invitation` goes to an unverified address; `test` is requested by the subscriber,
`password_reset` by anyone who claims to own the account, `email_verification` by a sign-up, `account_invitation` by an
administrator. `password_notice`: the password was changed, an administrator has created a reset link, or an API token,
which works as a password, was created."""
CHOSEN_KINDS: tuple[ChosenKind, ...] = get_args(ChosenKind)
KINDS: tuple[Kind, ...] = (
    *CHOSEN_KINDS,
    "invitation",
    "test",
    "password_reset",
    "email_verification",
    "password_notice",
    "account_invitation",
)
URGENT: frozenset[Kind] = frozenset({"password_reset", "email_verification", "password_notice"})
"""E-mails that the recipient waits for or must act on: never delayed for a digest."""
ENDABLE: frozenset[Kind] = frozenset(KINDS) - URGENT - {"account_invitation"}
"""E-mails with an unsubscribe link, without those too important to lose by one click."""
CRITICAL: frozenset[Kind] = frozenset({"new_device", "password_notice", "quota_exceeded", "link_expiring"})
"""News of an account that its owner should know at once: by text message, too, and a phone may wake up for them."""

SUMMARIZED: frozenset[Kind] = frozenset({"upload_done"})
"""A person's own actions, which come in long runs: one message at the start and one at the end of a run."""

PersonalChannel = Literal["email", "in_app", "push", "sms"]
PERSONAL: tuple[PersonalChannel, ...] = get_args(PersonalChannel)
"""Channels to a person, filtered by preferences. All others lead to machines and send each event that their
subscription asks for."""


def personal_channels(kind: Kind) -> tuple[PersonalChannel, ...]:
    """Return the channels that take a kind: text messages are for critical news only."""
    return tuple(channel for channel in PERSONAL if channel != "sms" or kind in CRITICAL)


State = Literal["pending", "sent", "failed"]
Facts = dict[str, str | int | bool]

MAX_LISTED = 50
"""Items that a message lists; others are counted."""
MAX_EVENTS = 5_000
"""Events in one message; more begin another."""
LONGEST_RUN = timedelta(hours=1)
"""A longer run of a person's own actions gets messages in between."""


@dataclass(frozen=True, slots=True)
class Target:
    """Destination of a subscription's messages."""

    address: str
    """URL of a webhook; ARN of a topic, queue or bus; phone number; e-mail address of an invitation or verification; id
    of a browser."""
    secret: str = ""
    """Signs webhooks: `whsec_` and base64."""
    role_arn: str = ""
    """The customer's role, assumed for each call."""
    external_id: str = ""
    """Sent when the role is assumed: the id of the account that entered the target, so that no other account can use
    the role by naming it (AWS: the confused deputy problem)."""
    region: str = ""


NOWHERE = Target("")


@dataclass(frozen=True, slots=True)
class Notice:
    """One event for one person or machine."""

    account_id: str
    channel: str
    kind: Kind
    event_id: str
    facts: Facts
    traceparent: str | None = None
    subscription_id: str | None = None
    """The subscription that asked for it."""
    address: str = ""
    """Address of an invitation or a verification; id of a browser."""

    @property
    def stream(self) -> str:
        """Notices of one stream are combined into one message; a machine's stream is its own."""
        return f"{self.account_id}:{self.channel}:{self.kind}" + (f":{self.address}" if self.address else "")

    @property
    def to_machine(self) -> bool:
        return self.channel not in PERSONAL


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to one person or machine."""

    id: str
    account_id: str
    """Recipient's account; in an invitation, the sender's."""
    channel: str
    kind: Kind
    created_at: datetime
    due_at: datetime
    """Planned time; failed attempts do not change it."""
    items: tuple[Facts, ...] = ()
    """Listed events: the first of `event_ids`, in order."""
    event_ids: tuple[str, ...] = ()
    state: State = "pending"
    attempts: int = 0
    """How many workers have claimed it."""
    traceparent: str | None = None
    """Trace of its first event."""
    target: Target | None = None
    """Destination at a machine, set when it is sent; the address of an invitation or a verification; a browser."""
    subscription_id: str | None = None
    """The machine's subscription."""

    @property
    def stream(self) -> str:
        address = f":{self.target.address}" if self.channel in PERSONAL and self.target else ""
        return f"{self.account_id}:{self.channel}:{self.kind}{address}"

    @property
    def unlisted(self) -> int:
        return len(self.event_ids) - len(self.items)

    def with_notices(self, notices: Sequence[Notice]) -> "Delivery":
        room = max(MAX_LISTED - len(self.items), 0)
        items = (*self.items, *(notice.facts for notice in notices[:room]))
        return replace(self, items=items, event_ids=(*self.event_ids, *(notice.event_id for notice in notices)))

    def without(self, dropped: Sequence[bool]) -> "Delivery":
        """Return the delivery without the items marked in `dropped`."""
        kept = [index for index, gone in enumerate(dropped) if not gone]
        rest = self.event_ids[len(self.items) :]
        event_ids = (*(self.event_ids[index] for index in kept), *rest)
        return replace(self, items=tuple(self.items[index] for index in kept), event_ids=event_ids)

    @property
    def takes_more(self) -> int:
        """How many more events fit: none once a worker has claimed it, since it may have been sent."""
        return MAX_EVENTS - len(self.event_ids) if self.state == "pending" and self.attempts == 0 else 0
