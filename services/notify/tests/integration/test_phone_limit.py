"""How many text messages an account has sent."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from docstore_notify.domain import Delivery, Refused, Target
from docstore_notify.phone_limit import MongoTexts, PhoneLimit

pytestmark = pytest.mark.connected

NOW = datetime(2026, 11, 20, tzinfo=UTC)
TEXT = Delivery("d1", "anna", "sns", "file_changed", NOW, NOW, ({},), ("e1",), target=Target("+6421234567"))


class Phones:
    """Takes whatever comes."""

    def __init__(self) -> None:
        self.sent: list[Delivery] = []

    async def send(self, delivery: Delivery) -> None:
        self.sent.append(delivery)

    async def close(self) -> None:
        return None


async def test_no_more_text_messages_than_a_day_has(notify: Any) -> None:
    """Also of many at once; topics are not counted, others have their own count, and the next day begins anew."""
    phones = Phones()
    limit = PhoneLimit(phones, MongoTexts(notify.database), 3)  # type: ignore[arg-type]
    outcomes = await asyncio.gather(*(limit.send(TEXT) for _ in range(8)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes if outcome is not None] == [Refused] * 5
    topic = replace(TEXT, target=Target("arn:aws:sns:us-west-2:123456789012:changes"))
    await asyncio.gather(*(limit.send(topic) for _ in range(5)), limit.send(replace(TEXT, account_id="bert")))
    await notify.database["text_messages"].update_many({}, {"$set": {"until": datetime(1970, 1, 1, tzinfo=UTC)}})
    await limit.send(TEXT)
    assert len(phones.sent) == 3 + 6 + 1
