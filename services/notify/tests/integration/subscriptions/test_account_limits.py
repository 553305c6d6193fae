"""What an account may have sent only so often."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from notify_fakes import FakeContacts
from notify_service import Notify

from docstore_notify.channels.aws_services.clients import Aws
from docstore_notify.channels.aws_services.text_messages import TextMessages
from docstore_notify.channels.results import NotNow, Refused
from docstore_notify.channels.sns import SnsChannel
from docstore_notify.domain import Delivery, Target
from docstore_platform.ids import new_id
from docstore_platform.security.period_counts import MongoPeriodCounts

pytestmark = pytest.mark.connected

NOW = datetime(2026, 11, 20, tzinfo=UTC)
ITEM = {"path": "/a", "change": "modified"}
TEXT = Delivery("d1", "anna", "sns", "file_changed", NOW, NOW, (ITEM,), ("e1",), target=Target("+6421234567"))


class FakeAws(Aws):
    """Takes whatever comes."""

    def __init__(self, error: Exception | None = None) -> None:
        self.calls = 0
        self._error = error

    async def call(self, service: str, target: Target, operation: Any) -> dict[str, Any]:
        self.calls += 1
        if self._error:
            raise self._error
        return {"ResponseMetadata": {"HTTPStatusCode": 200}, "MessageId": "m1"}


async def test_no_more_text_messages_than_a_day_has(notify: Notify) -> None:
    """Also of many at once; topics are not counted, others have their own count, and the next day begins again."""
    aws = FakeAws()
    counts = MongoPeriodCounts(notify.database["text_messages"], timedelta(days=1))
    sns = SnsChannel(aws, TextMessages(aws, counts, 3, 1000), FakeContacts().language_of)
    outcomes = await asyncio.gather(*(sns.send(TEXT) for _ in range(8)), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Receipt"] * 3 + ["TooManyTexts"] * 5
    topic = replace(TEXT, target=Target("arn:aws:sns:us-west-2:123456789012:changes"))
    await asyncio.gather(*(sns.send(topic) for _ in range(5)), sns.send(replace(TEXT, account_id="bert")))
    await notify.database["text_messages"].update_many({}, {"$set": {"until": datetime(1970, 1, 1, tzinfo=UTC)}})
    await sns.send(TEXT)
    assert aws.calls == 3 + 6 + 1


@pytest.mark.parametrize("kind", [Refused, NotNow])
async def test_no_error_has_the_phone_number(notify: Notify, kind: type[Refused | NotNow]) -> None:
    """Errors are logged, published and archived; Amazon's name the number."""
    error = kind("Invalid parameter: PhoneNumber Reason: +6421234567 is not valid to publish to", status=400)
    counts = MongoPeriodCounts(notify.database["text_messages"], timedelta(days=1))
    with pytest.raises(kind) as raised:
        await TextMessages(FakeAws(error), counts, 3, 1000).send(new_id(), TEXT.target.address, "Hello")
    assert str(raised.value) == "Invalid parameter: PhoneNumber Reason: the number is not valid to publish to"
    assert raised.value.status == 400
    assert raised.value.__cause__ is None


async def test_tests_are_few_an_hour(notify: Notify) -> None:
    """Of many at once, too, over all subscriptions of an account: 429 names the time; accounts count apart."""
    anna, bert = notify.person(), notify.person()
    async with notify.running(2, max_tests_per_hour=3):
        hooks = [await anna.hook(new_id(), name) for name in ("one", "two")]
        paths = [f"/v1/subscriptions/{hook['id']}/test" for hook in hooks]
        answers = await asyncio.gather(*(anna.send("POST", path) for path in paths * 4))
        assert sorted(answer.status for answer in answers) == [200] * 3 + [429] * 5
        assert notify.machines.requested.total() == 3
        refused = next(answer for answer in answers if answer.status == 429)
        assert refused.json()["code"] == "too_many_tests"
        assert 0 < int(refused.headers["retry-after"]) <= 3600
        others = await bert.hook(new_id(), "three")
        assert (await bert.send("POST", f"/v1/subscriptions/{others['id']}/test")).status == 200
        await notify.database["tests"].update_many({}, {"$set": {"until": datetime(1970, 1, 1, tzinfo=UTC)}})
        assert (await anna.send("POST", paths[0])).status == 200
