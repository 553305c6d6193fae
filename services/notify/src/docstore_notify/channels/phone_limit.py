"""Bounds the text messages that an account has sent in a day: the number may be anybody's, and DocStore pays."""

from docstore_notify.channels.registry import MachineChannel
from docstore_notify.channels.results import Receipt, Refused
from docstore_notify.domain import Delivery
from docstore_platform.period_counts import PeriodCounts

A_NUMBER_A_DAY = 20
"""Nobody has proven that the number is theirs."""


class PhoneLimit:
    """A channel around SNS's, which knows no bounds. `texts` counts by the day, every try."""

    def __init__(self, channel: MachineChannel, texts: PeriodCounts, a_day: int) -> None:
        self._channel = channel
        self._texts = texts
        self._a_day = a_day

    async def send(self, delivery: Delivery) -> Receipt | None:
        to_phone = delivery.target is not None and delivery.target.address.startswith("+")
        if to_phone and delivery.target is not None:
            if (await self._texts.add(delivery.account_id)).number > self._a_day:
                raise Refused(f"an account has at most {self._a_day} text messages a day")
            if (await self._texts.add(delivery.target.address)).number > A_NUMBER_A_DAY:
                raise Refused(f"a phone number is sent at most {A_NUMBER_A_DAY} text messages a day, by all accounts")
        return await self._channel.send(delivery)
