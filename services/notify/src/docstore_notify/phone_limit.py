"""Bounds the text messages that an account has sent in a day: the number may be anybody's, and DocStore pays."""

from docstore_notify.channels import MachineChannel
from docstore_notify.counts import MongoCounts
from docstore_notify.domain import Delivery, Refused
from docstore_notify.receipts import Receipt


class PhoneLimit:
    """A channel around SNS's, which knows no bounds. `texts` counts by the day, every try."""

    def __init__(self, channel: MachineChannel, texts: MongoCounts, a_day: int) -> None:
        self._channel = channel
        self._texts = texts
        self._a_day = a_day

    async def send(self, delivery: Delivery) -> Receipt | None:
        to_phone = delivery.target is not None and delivery.target.address.startswith("+")
        if to_phone and (await self._texts.add(delivery.account_id)).number > self._a_day:
            raise Refused(f"an account has at most {self._a_day} text messages a day")
        return await self._channel.send(delivery)
