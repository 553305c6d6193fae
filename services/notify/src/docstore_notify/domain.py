"""What features share: kinds of messages, notices, deliveries, targets."""

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
    "new_device",
    "quota_exceeded",
    "quota_restored",
    "subscription_disabled",
]
"""What an account's preferences switch on and off."""
Kind = (
    ChosenKind
    | Literal["invitation", "test", "password_reset", "email_verification", "password_notice", "account_invitation"]
)
"""What a message tells. `invitation` goes to an address that nobody has verified; `test` is asked for by the follower,
`password_reset` by whoever says that they are the account's owner, `email_verification` by signing up;
`account_invitation` is an administrator's.
`password_notice` tells the owner that the password was changed, or that an administrator has made a reset link."""
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
"""E-mails that somebody waits for or must act on: never held back for a digest."""
ENDABLE: frozenset[Kind] = frozenset(KINDS) - URGENT - {"account_invitation"}
"""E-mails that can be ended by a link in them: nobody shuts themselves out by one click."""

SUMMARIZED: frozenset[Kind] = frozenset({"upload_done"})
"""Of one's own acts, which come in long runs: one message at the beginning and one at the end of a run."""

PersonalChannel = Literal["email", "in_app"]
PERSONAL: tuple[PersonalChannel, ...] = get_args(PersonalChannel)
"""Channels to a person: preferences choose what goes by them. All others lead to machines, and send what their
subscription asks for, event by event."""

State = Literal["pending", "sent", "failed"]
Facts = dict[str, str | int | bool]

MAX_LISTED = 50
"""Items a message lists; it counts the others."""
MAX_EVENTS = 5_000
"""Events in one message; more begin another."""
LONGEST_RUN = timedelta(hours=1)
"""A run of one's own acts that goes on for longer is told of in between."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a subscription's messages go."""

    address: str
    """URL of a webhook; ARN of a topic, a queue or a bus; a phone number; the e-mail address of an invitation or
    a verification."""
    secret: str = ""
    """Signs webhooks: `whsec_` and base64."""
    role_arn: str = ""
    """The customer's role, taken for each call."""
    external_id: str = ""
    """Said when the role is taken: the id of the account that entered the target, so that none can use another's role
    by naming it (AWS calls this the confused deputy)."""
    region: str = ""


NOWHERE = Target("")


@dataclass(frozen=True, slots=True)
class Notice:
    """One event that one person, or one machine, is notified of."""

    account_id: str
    channel: str
    kind: Kind
    event_id: str
    facts: Facts
    traceparent: str | None = None
    subscription_id: str | None = None
    """The subscription that asked for it."""
    address: str = ""
    """Where an invitation or a verification goes."""

    @property
    def stream(self) -> str:
        """Notices of one stream are gathered into one message; a machine's have one of their own."""
        return f"{self.account_id}:{self.channel}:{self.kind}" + (f":{self.address}" if self.address else "")

    @property
    def to_machine(self) -> bool:
        return self.channel not in PERSONAL


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to one person or machine."""

    id: str
    account_id: str
    """Whose it is; the one who invites, in an invitation."""
    channel: str
    kind: Kind
    created_at: datetime
    due_at: datetime
    """When it was planned to be sent; a failed attempt does not change it."""
    items: tuple[Facts, ...] = ()
    """What happened, as far as it is listed: of the first of `event_ids`, in their order."""
    event_ids: tuple[str, ...] = ()
    state: State = "pending"
    attempts: int = 0
    """How many workers have claimed it."""
    traceparent: str | None = None
    """Trace of the first event it tells of."""
    target: Target | None = None
    """Where a machine's message goes, known when it is sent; the address of an invitation or a verification."""
    subscription_id: str | None = None
    """The subscription whose machine it goes to."""

    @property
    def stream(self) -> str:
        address = f":{self.target.address}" if self.channel == "email" and self.target else ""
        return f"{self.account_id}:{self.channel}:{self.kind}{address}"

    @property
    def unlisted(self) -> int:
        return len(self.event_ids) - len(self.items)

    def with_notices(self, notices: Sequence[Notice]) -> "Delivery":
        room = max(MAX_LISTED - len(self.items), 0)
        items = (*self.items, *(notice.facts for notice in notices[:room]))
        return replace(self, items=items, event_ids=(*self.event_ids, *(notice.event_id for notice in notices)))

    def without(self, dropped: Sequence[bool]) -> "Delivery":
        """What is left to be told when the items marked in `dropped` may no longer be."""
        kept = [index for index, gone in enumerate(dropped) if not gone]
        rest = self.event_ids[len(self.items) :]
        event_ids = (*(self.event_ids[index] for index in kept), *rest)
        return replace(self, items=tuple(self.items[index] for index in kept), event_ids=event_ids)

    @property
    def takes_more(self) -> int:
        """How many more events fit: none once a worker has claimed it, since it may have been sent."""
        return MAX_EVENTS - len(self.event_ids) if self.state == "pending" and self.attempts == 0 else 0
