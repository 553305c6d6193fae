"""Registry of channels. To add one, add a line to `CHANNELS`."""

from collections.abc import Iterable, Mapping
from typing import Any

from docstore_notify.channels.base import Channel, ChannelResources
from docstore_notify.channels.email import EmailChannel
from docstore_notify.channels.eventbridge import EventBridgeChannel
from docstore_notify.channels.in_app import InAppChannel
from docstore_notify.channels.push import PushChannel
from docstore_notify.channels.sms import SmsChannel
from docstore_notify.channels.sns import SnsChannel
from docstore_notify.channels.sqs import SqsChannel
from docstore_notify.channels.target_fields import TargetFields, invalid_target
from docstore_notify.channels.webhook import WebhookChannel
from docstore_notify.domain import NOWHERE, Target
from docstore_notify.settings import NotifySettings
from docstore_platform.errors import invalid

CHANNELS: tuple[type[Channel], ...] = (
    EmailChannel,
    InAppChannel,
    WebhookChannel,
    SnsChannel,
    SqsChannel,
    EventBridgeChannel,
    PushChannel,
    SmsChannel,
)


class ChannelRegistry:
    """Channels by name."""

    def __init__(self, channels: Iterable[type[Channel]] = CHANNELS) -> None:
        self._channels = {channel.name: channel for channel in channels}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the channels that subscriptions can choose."""
        return tuple(name for name, channel in self._channels.items() if channel.for_files)

    @property
    def target_fields(self) -> dict[str, str]:
        """Names and descriptions of the target fields of all channels."""
        return {name: text for channel in self._channels.values() for name, text in channel.target_fields.items()}

    @property
    def help(self) -> str:
        """Description of each channel's targets."""
        return "; ".join(f"{name}: {one.help}" for name, one in self._channels.items() if one.target_fields)

    def find(self, name: str) -> type[Channel]:
        """Raises Invalid `unsupported_channel`."""
        channel = self._channels.get(name)
        if channel is None or not channel.for_files:
            raise invalid(f"channel must be one of {', '.join(self.names)}.", "unsupported_channel")
        return channel

    def check_target(
        self, name: str, entered: Mapping[str, Any] | None, *, account_id: str, settings: NotifySettings
    ) -> Target:
        """Check the `target` of a subscription. Raises Invalid `invalid_target`."""
        channel = self.find(name)
        if not channel.target_fields:
            if entered:
                raise invalid_target(f"The channel {name} takes no target.")
            return NOWHERE
        if not entered:
            raise invalid_target(f"The channel {name} needs a target.")
        return channel.check_target(TargetFields(entered), account_id, settings)

    def entered(self, name: str, target: Target) -> dict[str, str]:
        """Return the fields of a checked target for editing; a queue's URL has become its ARN."""
        channel = self._channels.get(name)
        return {field: value for field, value in channel.entered(target).items() if value} if channel else {}

    def open(self, resources: ChannelResources) -> dict[str, Channel]:
        """Open all channels, each to be closed. They share no threads, so none holds up another."""
        return {name: channel.open(resources) for name, channel in self._channels.items()}


REGISTRY = ChannelRegistry()
