"""Critical news of an account by text message to its owner's phone."""

from typing import ClassVar, Self

from docstore_notify.channels.aws_services.clients import missing_rights
from docstore_notify.channels.aws_services.text_messages import Purpose, TextMessages, sms_text
from docstore_notify.channels.base import Channel, ChannelResources
from docstore_notify.channels.results import Receipt, Refused
from docstore_notify.contacts.rules import LanguageOf
from docstore_notify.domain import Delivery
from docstore_notify.phone.repository import Phones
from docstore_notify.settings import NotifySettings


class SmsChannel(Channel):
    """Sends to the verified phone that the account has when the message is sent."""

    name = "sms"
    for_files: ClassVar = False

    def __init__(self, texts: TextMessages, phones: Phones, language_of: LanguageOf) -> None:
        self._texts = texts
        self._phones = phones
        self._language_of = language_of

    @classmethod
    def open(cls, resources: ChannelResources) -> Self:
        return cls(resources.texts, resources.phones, resources.contacts.language_of)

    @classmethod
    def unavailable(cls, settings: NotifySettings) -> str:
        return missing_rights(settings)

    async def send(self, delivery: Delivery) -> Receipt:
        phone = await self._phones.find(delivery.account_id)
        if phone is None or not phone.verified:
            raise Refused("the account has no verified phone number")
        text = sms_text(delivery, await self._language_of(delivery.account_id))
        return await self._texts.send(delivery.account_id, phone.number, text, Purpose.NEWS)
