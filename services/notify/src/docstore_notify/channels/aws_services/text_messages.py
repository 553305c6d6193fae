"""Text messages to phones by Amazon SNS, each of one segment."""

import math
from datetime import timedelta
from enum import Enum
from typing import Self

import structlog

from docstore_notify.channels.aws_services.clients import Aws
from docstore_notify.channels.results import NotNow, Receipt, Refused
from docstore_notify.domain import NOWHERE, Delivery
from docstore_notify.settings import NotifySettings
from docstore_notify.texts import one_line, subject
from docstore_platform.errors import TooMany, invalid, unavailable
from docstore_platform.languages import SOURCE
from docstore_platform.security.period_counts import PeriodCounts

log = structlog.get_logger(__name__)

TEXTS_PER_NUMBER = 20
CODES_PER_ACCOUNT = 10
CODES_PER_NUMBER = 5
"""Anyone with an account can enter any number: a number gets few codes, and a code has few tries in a day."""

GSM_CHARS = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""The basic set of GSM 03.38: any other character halves the length of the message."""
GSM_LENGTH = 160
UNICODE_LENGTH = 70
"""In UTF-16 units."""
PREFIX = "DocStore: "


class Purpose(Enum):
    """What a text is for. Each has its own count of a number: no other account can use up that of a verified phone."""

    FOLLOWED = ""
    """Changes, to a number that anyone may have entered."""
    CODE = "codes:"
    NEWS = "news:"
    """To a phone that its owner has verified."""


class TooManyTexts(Refused):
    """A limit of text messages is reached, for `left`."""

    def __init__(self, detail: str, left: timedelta) -> None:
        super().__init__(detail)
        self.left = left


class TextMessages:
    """Sends text messages. They are limited, since anyone's number can be entered and DocStore pays; `counts` counts
    every attempt of a day. No number appears in an error, since errors are logged and published."""

    def __init__(self, aws: Aws, counts: PeriodCounts, per_account: int, of_all: int) -> None:
        self._aws = aws
        self._counts = counts
        self._per_account = per_account
        self._of_all = of_all

    @classmethod
    def open(cls, settings: NotifySettings, counts: PeriodCounts) -> Self:
        return cls(Aws(settings), counts, settings.max_texts_per_day, settings.max_all_texts_per_day)

    async def send(self, account_id: str, number: str, text: str, purpose: Purpose = Purpose.FOLLOWED) -> Receipt:
        """Send a text for an account. Raises Refused, TooManyTexts or NotNow."""
        await self._count(account_id, number, purpose)
        kind = {"DataType": "String", "StringValue": "Transactional"}
        attributes = {"AWS.SNS.SMS.SMSType": kind}
        try:
            response = await self._aws.call(
                "sns",
                NOWHERE,
                lambda client: client.publish(PhoneNumber=number, Message=text, MessageAttributes=attributes),
            )
        except Refused as error:
            raise Refused(_without(number, error), error.status) from None
        except NotNow as error:
            raise NotNow(_without(number, error), error.retry_after, error.status) from None
        return Receipt(response["ResponseMetadata"]["HTTPStatusCode"], response["MessageId"])

    async def send_code(self, account_id: str, number: str, text: str) -> None:
        """Send a text that a person waits for, once. 422 `invalid_phone_number`, 429 `too_many_texts`, 503."""
        try:
            await self.send(account_id, number, PREFIX + text, Purpose.CODE)
        except TooManyTexts as error:
            seconds = max(1, math.ceil(error.left.total_seconds()))
            raise TooMany(f"No text message was sent: {error}.", code="too_many_texts", retry_after=seconds) from error
        except Refused as error:
            raise invalid("Text messages can't be sent to this phone number.", "invalid_phone_number") from error
        except NotNow as error:
            raise unavailable("Sending text messages") from error

    async def close(self) -> None:
        await self._aws.close()

    async def _count(self, account_id: str, number: str, purpose: Purpose) -> None:
        if purpose is Purpose.CODE:
            await self._count_one("an account can have {} codes sent", CODES_PER_ACCOUNT, purpose.value + account_id)
        await self._count_one("an account can have {} text messages sent", self._per_account, account_id)
        per_number = CODES_PER_NUMBER if purpose is Purpose.CODE else TEXTS_PER_NUMBER
        await self._count_one("a phone number can get {} text messages", per_number, purpose.value + number)
        await self._count_one("this server sends {} text messages", self._of_all, "all")

    async def _count_one(self, rule: str, limit: int, key: str) -> None:
        count = await self._counts.add(key)
        if count.number == limit + 1:
            log.warning("text_message_limit_reached", rule=rule.format(limit))
        if count.number > limit:
            raise TooManyTexts(f"{rule.format(f'at most {limit}')} a day", count.left)


def _without(number: str, error: Exception) -> str:
    return str(error).replace(number, "the number").replace(number.removeprefix("+"), "the number")


def sms_text(delivery: Delivery, language: str = SOURCE) -> str:
    text = PREFIX + one_line(subject(delivery, language))
    if set(text) <= GSM_CHARS:
        return text if len(text) <= GSM_LENGTH else text[: GSM_LENGTH - 3] + "..."
    if _units(text) <= UNICODE_LENGTH:
        return text
    while _units(text) >= UNICODE_LENGTH:
        text = text[:-1]
    return text + "…"


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
