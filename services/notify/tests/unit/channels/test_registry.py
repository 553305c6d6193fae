"""A channel is one registered class: nothing else has to know its name."""

from datetime import UTC, datetime
from typing import Any, ClassVar, Self, get_args

import pytest
from notify_fakes import FakeValidity

from docstore_events.catalogue import notifications
from docstore_notify.channels.base import Channel, ChannelResources
from docstore_notify.channels.registry import CHANNELS, ChannelRegistry
from docstore_notify.channels.results import Receipt
from docstore_notify.channels.target_fields import TargetFields, invalid_target
from docstore_notify.deliveries.attempt import DeliveryAttempt
from docstore_notify.domain import Delivery, Target
from docstore_notify.settings import NotifySettings
from docstore_platform.errors import DomainError
from docstore_platform.http.problems import problem_of
from docstore_platform.settings import InfraSettings

NOW = datetime(2026, 11, 22, tzinfo=UTC)


class PagerChannel(Channel):
    """A toy: pages a number."""

    name = "pager"
    help = "`{number}`: a pager"
    target_fields: ClassVar = {"number": "Of a pager."}

    def __init__(self) -> None:
        self.pages: list[tuple[str, str]] = []

    @classmethod
    def open(cls, resources: ChannelResources) -> Self:
        return cls()

    @classmethod
    def check_target(cls, fields: TargetFields, account_id: str, settings: NotifySettings) -> Target:
        number = fields.take("number")
        fields.end()
        if not number.isdigit():
            raise invalid_target("number must be digits.", "number")
        return Target(number)

    @classmethod
    def entered(cls, target: Target) -> dict[str, str]:
        return {"number": target.address}

    async def send(self, delivery: Delivery) -> Receipt:
        assert delivery.target is not None
        self.pages.append((delivery.target.address, delivery.id))
        return Receipt(None, "paged")


def resources() -> Any:
    """A toy needs none of them."""
    return None


async def test_a_registered_toy_channel_checks_targets_and_delivers() -> None:
    """One class in the registry is enough to validate a target, show it again, and send by the channel."""
    registry = ChannelRegistry([PagerChannel])
    settings = NotifySettings(infra=InfraSettings())
    target = registry.check_target("pager", {"number": "123"}, account_id="anna", settings=settings)
    assert registry.entered("pager", target) == {"number": "123"}
    assert (registry.names, registry.target_fields) == (("pager",), {"number": "Of a pager."})
    channels = registry.open(resources())
    delivery = Delivery("d1", "anna", "pager", "file_changed", NOW, NOW, ({},), ("e1",), target=target)
    result = await DeliveryAttempt(channels, FakeValidity(), 1.0).send(delivery)
    assert (result.outcome, result.detail) == ("sent", "paged")
    pager = channels["pager"]
    assert isinstance(pager, PagerChannel)
    assert pager.pages == [("123", "d1")]


def test_a_wrong_target_of_a_toy_channel_is_refused() -> None:
    """The class's own check decides; the registry refuses unknown channels, those that follow no files, and missing
    targets."""
    registry = ChannelRegistry([*CHANNELS, PagerChannel])
    settings = NotifySettings(infra=InfraSettings())
    for name, entered, code in (
        ("sms", {}, "unsupported_channel"),
        ("pager", {"number": "x"}, "invalid_target"),
        ("pager", {}, "invalid_target"),
        ("fax", {"number": "1"}, "unsupported_channel"),
    ):
        with pytest.raises(DomainError) as caught:
            registry.check_target(name, entered, account_id="anna", settings=settings)
        assert (problem_of(caught.value).status, caught.value.code) == (422, code)


def test_events_name_every_registered_channel() -> None:
    """The event contract is written by hand: a channel that is missing there could not be reported."""
    assert get_args(notifications.Channel) == tuple(channel.name for channel in CHANNELS)
