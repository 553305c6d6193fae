"""What a channel is: a way to reach people or machines. Each is one class, registered in `registry.py`."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

from docstore_events.transaction import Transactor
from docstore_notify.channels.mail.rendering import Renderer
from docstore_notify.channels.results import Receipt
from docstore_notify.channels.target_fields import TargetFields
from docstore_notify.contacts.repository import Contacts
from docstore_notify.domain import NOWHERE, Delivery, Target
from docstore_notify.inbox.repository import Inbox
from docstore_notify.settings import NotifySettings
from docstore_platform.period_counts import PeriodCounts


@dataclass(frozen=True, slots=True)
class ChannelResources:
    """What channels are opened with; each takes what it needs."""

    settings: NotifySettings
    contacts: Contacts
    renderer: Renderer
    inbox: Inbox
    transactor: Transactor
    text_counts: PeriodCounts
    """Text messages to phones in the last day."""


class Channel(ABC):
    """The class describes the channel and checks targets; an open instance delivers."""

    name: ClassVar[str]
    """How subscriptions and events name it; never changed, since stored deliveries have it."""
    help: ClassVar[str] = ""
    """What a target is made of, for readers of the API's description."""
    target_fields: ClassVar[Mapping[str, str]] = {}
    """Names and descriptions of the fields of a target; none for channels that lead to the subscriber."""

    @classmethod
    @abstractmethod
    def open(cls, resources: ChannelResources) -> Self: ...

    @classmethod
    def check_target(cls, fields: TargetFields, account_id: str, settings: NotifySettings) -> Target:
        """The target that a person has entered. Raises Invalid `invalid_target`."""
        return NOWHERE

    @classmethod
    def entered(cls, target: Target) -> dict[str, str]:
        """The fields of a checked target, to be entered again: never a secret."""
        return {}

    @classmethod
    def new_secret(cls) -> str:
        """A secret that the receiver shares, shown to the subscriber once; empty if the channel needs none."""
        return ""

    @abstractmethod
    async def send(self, delivery: Delivery) -> Receipt | None:
        """Hand the message over; return once the channel has accepted it. Raises Refused or NotNow."""

    async def close(self) -> None:
        """Release connections and threads."""
        return
