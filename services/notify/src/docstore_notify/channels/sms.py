"""Critical news of an account by text message to its owner's phone."""

from typing import ClassVar, Self

from docstore_notify.channels.aws import missing_rights
from docstore_notify.channels.base import Channel, ChannelResources
from docstore_notify.channels.results import Receipt, Refused
from docstore_notify.channels.text_messages import Purpose, TextMessages, sms_text
from docstore_notify.domain import Delivery
from docstore_notify.phone.repository import Phones
from docstore_notify.settings import NotifySettings


class SmsChannel(Channel):
    """Sends to the verified phone that the account has when the message is sent."""

    name = "sms"
    for_files: ClassVar = False

    def __init__(self, texts: TextMessages, phones: Phones) -> None:
        self._texts = texts
        self._phones = phones

    @classmethod
    def open(cls, resources: ChannelResources) -> Self:
        return cls(resources.texts, resources.phones)

    @classmethod
    def unavailable(cls, settings: NotifySettings) -> str:
        return missing_rights(settings)

    async def send(self, delivery: Delivery) -> Receipt:
        phone = await self._phones.find(delivery.account_id)
        if phone is None or not phone.verified:
            raise Refused("the account has no verified phone number")
        return await self._texts.send(delivery.account_id, phone.number, sms_text(delivery), Purpose.NEWS)
