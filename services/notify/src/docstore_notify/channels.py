"""The channels to machines, by name."""

from typing import Protocol

from docstore_notify.aws import Aws
from docstore_notify.channel_settings import ChannelSettings
from docstore_notify.domain import ChannelName, Delivery
from docstore_notify.eventbridge import EventBridgeChannel
from docstore_notify.receipts import Receipt
from docstore_notify.safe_http import SafeHttp
from docstore_notify.sns import SnsChannel
from docstore_notify.sqs import SqsChannel
from docstore_notify.webhook import WebhookChannel


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
