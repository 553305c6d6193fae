"""The channels to machines, by name."""

from typing import Protocol

from docstore_notify.channels.aws import Aws
from docstore_notify.channels.eventbridge import EventBridgeChannel
from docstore_notify.channels.results import Receipt
from docstore_notify.channels.safe_http.client import SafeHttp
from docstore_notify.channels.sns import SnsChannel
from docstore_notify.channels.sqs import SqsChannel
from docstore_notify.channels.webhook import WebhookChannel
from docstore_notify.domain import ChannelName, Delivery
from docstore_notify.settings import ChannelSettings


class Channel(Protocol):
    """A way to reach people or machines."""

    async def send(self, delivery: Delivery) -> Receipt | None:
        """Hand the message over; return once the channel has accepted it. Raises Refused or NotNow."""
        ...


class MachineChannel(Protocol):
    """The sender's channel, with what it holds open."""

    async def send(self, delivery: Delivery) -> Receipt | None: ...

    async def close(self) -> None:
        """Let go of connections and threads."""
        ...


def open_channels(settings: ChannelSettings) -> dict[ChannelName, MachineChannel]:
    """Those that lead to machines; each is to be closed. None shares threads with another, so none holds one up."""
    return {
        "webhook": WebhookChannel(SafeHttp(settings.webhook_allowed_networks, settings.webhook_seconds)),
        "sns": SnsChannel(Aws(settings)),
        "sqs": SqsChannel(Aws(settings)),
        "eventbridge": EventBridgeChannel(Aws(settings)),
    }
