"""Base class of channels, which reach people or machines. Each is one class, registered in `registry.py`."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

from docstore_contracts.accounts import AccountsClient
from docstore_events.transaction import Transactor
from docstore_notify.channels.aws_services.text_messages import TextMessages
from docstore_notify.channels.mail.rendering import Renderer
from docstore_notify.channels.results import Receipt
from docstore_notify.channels.target_fields import TargetFields
from docstore_notify.contacts.repository import Contacts
from docstore_notify.domain import NOWHERE, Delivery, Target
from docstore_notify.inbox.repository import Inbox
from docstore_notify.phone.repository import Phones
from docstore_notify.push_subscriptions.repository import PushSubscriptions
from docstore_notify.settings import NotifySettings


@dataclass(frozen=True, slots=True)
class ChannelResources:
    """Resources of channels; each takes what it needs."""

    settings: NotifySettings
    contacts: Contacts
    renderer: Renderer
    inbox: Inbox
    transactor: Transactor
    texts: TextMessages
    browsers: PushSubscriptions
    phones: Phones
    accounts: AccountsClient


class Channel(ABC):
    """A channel. The class describes it and checks targets; an open instance delivers."""

    name: ClassVar[str]
    """Name in subscriptions and events; never changes, since stored deliveries have it."""
    for_files: ClassVar[bool] = True
    """Whether subscriptions can choose it, to follow files."""
    help: ClassVar[str] = ""
    """Description of its targets in the API's documentation."""
    target_fields: ClassVar[Mapping[str, str]] = {}
    """Names and descriptions of a target's fields; none for channels to the subscriber."""

    @classmethod
    @abstractmethod
    def open(cls, resources: ChannelResources) -> Self: ...

    @classmethod
    def unavailable(cls, settings: NotifySettings) -> str:
        """Return why the channel can't work in this deployment, for people; empty if it can. It may block."""
        return ""

    @classmethod
    def check_target(cls, fields: TargetFields, account_id: str, settings: NotifySettings) -> Target:
        """Check a target as a person has entered it. Raises Invalid `invalid_target`."""
        return NOWHERE

    @classmethod
    def entered(cls, target: Target) -> dict[str, str]:
        """Return the fields of a checked target for editing, never a secret."""
        return {}

    @classmethod
    def new_secret(cls) -> str:
        """Return a secret to share with the receiver, shown to the subscriber once; empty if not needed."""
        return ""

    @abstractmethod
    async def send(self, delivery: Delivery) -> Receipt | None:
        """Send a message; return once the channel has accepted it. Raises Refused or NotNow."""

    async def close(self) -> None:
        """Release connections and threads."""
        return
