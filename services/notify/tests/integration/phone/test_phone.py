"""The phone for critical news through the public routes, to an independent implementation of Amazon SNS."""

import asyncio
import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from random import randrange
from typing import Any

import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.server import ThreadedMotoServer
from moto.sns.models import sns_backends
from notify_service import Notify, Person

from docstore_events.catalogue.accounts import PasswordChanged
from docstore_events.catalogue.usage import QuotaExceeded
from docstore_notify.channels.aws_services.text_messages import CODES_PER_ACCOUNT, CODES_PER_NUMBER
from docstore_notify.phone.rules import MAX_TRIES
from docstore_platform.clock import utc_now
from docstore_platform.ids import new_id
from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected
PHONE = "/v1/notifications/phone"
NONE = {"phone_number": None, "verified": False, "unavailable": None}
WRONG = "000000"


@pytest.fixture(scope="module")
def sns() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def some_number() -> str:
    """A number that no one else has here, since a number gets few texts a day."""
    return f"+642{randrange(10**8):08}"


def texts_to(number: str) -> list[str]:
    sent = sns_backends[DEFAULT_ACCOUNT_ID]["us-west-2"].sms_messages.values()
    return [text for receiver, text in sent if receiver == number]


def full(person: Person) -> QuotaExceeded:
    return QuotaExceeded(revision=1, account_id=person.id, used=2, limit=1, reserved=0, documents=1)


async def enter(person: Person, number: str) -> str:
    """Enter a number; return the code that was sent to it."""
    answer = await person.send("PUT", PHONE, {"phone_number": number})
    assert (answer.status, answer.json()) == (200, {"phone_number": number, "verified": False})
    (code,) = re.findall(r"\b\d{6}\b", texts_to(number)[-1])
    return str(code)


async def try_code(person: Person, code: str) -> Any:
    return await person.send("POST", f"{PHONE}/verification", {"code": code})


async def verified(person: Person) -> str:
    """A number that the person has verified."""
    number = some_number()
    answer = await try_code(person, await enter(person, number))
    assert (answer.status, answer.json()) == (200, {"phone_number": number, "verified": True})
    return number


async def failed_once(notify: Notify, person: Person) -> None:
    """Wait until a text to a person has been tried."""

    async def tried() -> bool:
        rows = notify.database["deliveries"].find({"account_id": person.id, "channel": "sms"})
        return any(row.get("log") for row in await rows.to_list(None))

    await eventually(tried)


async def test_critical_news_are_texted_to_a_verified_phone(notify: Notify, sns: str) -> None:
    """Nothing is before the code is typed, nor after the number is removed; texts have no address."""
    anna = notify.person()
    number = some_number()
    async with notify.running(digest_interval_seconds=0, aws_endpoint=sns):
        assert await anna.get(PHONE) == NONE
        code = await enter(anna, number)
        (before,) = await notify.publish(full(anna))
        await notify.until_notified(before, channel="in_app")
        assert (await try_code(anna, code)).status == 200
        assert await anna.get(PHONE) == {"phone_number": number, "verified": True, "unavailable": None}
        about = {"change_id": new_id(), "session_id": "s", "device": "Phone", "changed_at": utc_now()}
        events = await notify.publish(full(anna), PasswordChanged(revision=1, account_id=anna.id, **about))
        await notify.until_notified(*events, channel="sms")
        asked, *news = texts_to(number)
        assert code in asked
        assert sorted(news) == ["DocStore: Your password was changed", "DocStore: Your storage is full"]
        assert (await anna.send("DELETE", PHONE)).status == 204
        assert (await anna.send("DELETE", PHONE)).status == 204
        assert await anna.get(PHONE) == NONE
        (after,) = await notify.publish(full(anna))
        await notify.until_notified(after, channel="in_app")
        assert len(await notify.published("sms")) == 2


async def text_again(notify: Notify, person: Person, at: datetime) -> None:
    """Let the next try of a text to a person be at this time; no service may be running."""
    texts = {"account_id": person.id, "channel": "sms"}
    await notify.database["deliveries"].update_many(texts, {"$set": {"next_at": at}})


async def test_a_text_is_retried_until_sns_is_back(notify: Notify, sns: str) -> None:
    """It goes once, to the phone that the account has by then; without one it fails."""
    anna, bob = notify.person(), notify.person()
    async with notify.running(digest_interval_seconds=0, aws_endpoint=sns):
        number_before = await verified(anna)
        await verified(bob)
    async with notify.running(digest_interval_seconds=0, aws_endpoint="http://127.0.0.1:9"):
        (to_anna, _) = await notify.publish(full(anna), full(bob))
        await failed_once(notify, anna)
        await failed_once(notify, bob)
        assert (await anna.send("PUT", PHONE, {"phone_number": some_number()})).status == 503
        assert (await anna.get(PHONE))["verified"], "what fails changes nothing"
        assert (await bob.send("DELETE", PHONE)).status == 204
    await text_again(notify, anna, utc_now() + timedelta(hours=1))  # not while she has entered no code yet
    async with notify.running(digest_interval_seconds=0, aws_endpoint=sns):
        number = await verified(anna)
    await text_again(notify, anna, utc_now())
    async with notify.running(digest_interval_seconds=0, aws_endpoint=sns):

        async def failed() -> Any:
            return [data for kind, data in await notify.published("sms") if kind == "notification-failed"]

        await notify.until_notified(to_anna, channel="sms")
        (failure,) = await eventually(failed)
        assert (failure["account_id"], failure["reason"]) == (bob.id, "the account has no verified phone number")
        assert texts_to(number_before)[1:] == []
        assert texts_to(number)[1:] == ["DocStore: Your storage is full"]


async def test_a_code_is_not_guessed_by_many_calls_at_once(notify: Notify, sns: str) -> None:
    """All together have five tries; whatever is no number or no code is refused before."""
    anna = notify.person()
    async with notify.running(aws_endpoint=sns):
        assert (await try_code(anna, WRONG)).json()["code"] == "phone_verification_not_found"
        for number in ("021234567", "+0123456789", "+64 21 234 567", "+642123456789012345", "+٦٤٢١٢٣٤٥٦٧"):
            assert (await anna.send("PUT", PHONE, {"phone_number": number})).status == 422, number
        code = await enter(anna, some_number())
        wrong = WRONG if code != WRONG else "111111"
        answers = await asyncio.gather(*(try_code(anna, wrong) for _ in range(20)))
        codes = Counter(answer.json()["code"] for answer in answers)
        assert codes == {"wrong_code": MAX_TRIES, "phone_verification_not_found": 20 - MAX_TRIES}
        assert (await try_code(anna, code)).status == 404
        assert (await try_code(anna, "12345")).status == 422
        assert (await try_code(notify.person(), code)).status == 404


async def test_codes_count_as_texts(notify: Notify, sns: str) -> None:
    """Each account has a limit a day; a refused call changes nothing, and returns when to retry."""
    anna = notify.person()
    async with notify.running(aws_endpoint=sns, max_texts_per_day=2):
        number = await verified(anna)
        await enter(anna, other := some_number())
        refused = await anna.send("PUT", PHONE, {"phone_number": number})
        assert (refused.status, refused.json()["code"]) == (429, "too_many_texts")
        assert 0 < int(refused.headers["retry-after"]) <= 24 * 3600
        assert (await anna.get(PHONE))["phone_number"] == other


async def test_an_account_gets_few_codes_a_day(notify: Notify, sns: str) -> None:
    """Whatever their numbers: codes are neither guessed nor sent to many people."""
    anna = notify.person()
    async with notify.running(aws_endpoint=sns):
        for _ in range(CODES_PER_ACCOUNT):
            await enter(anna, some_number())
        refused = await anna.send("PUT", PHONE, {"phone_number": some_number()})
        assert (refused.status, refused.json()["code"]) == (429, "too_many_texts")


async def test_other_accounts_neither_flood_nor_silence_a_phone(notify: Notify, sns: str) -> None:
    """A number gets few codes from all accounts together, and news of its owner nevertheless."""
    anna = notify.person()
    async with notify.running(digest_interval_seconds=0, aws_endpoint=sns):
        number = await verified(anna)
        for stranger in [notify.person() for _ in range(CODES_PER_NUMBER - 1)]:
            await enter(stranger, number)
        refused = await notify.person().send("PUT", PHONE, {"phone_number": number})
        assert (refused.status, refused.json()["code"]) == (429, "too_many_texts")
        (event,) = await notify.publish(full(anna))
        await notify.until_notified(event, channel="sms")
        assert texts_to(number)[CODES_PER_NUMBER:] == ["DocStore: Your storage is full"]


async def test_all_accounts_together_have_a_limit(notify: Notify, sns: str) -> None:
    """Whoever opens many accounts costs the operator no more than that."""
    await notify.database["text_messages"].delete_one({"_id": "all"})
    async with notify.running(aws_endpoint=sns, max_all_texts_per_day=2):
        for person in (notify.person(), notify.person()):
            await enter(person, some_number())
        answer = await notify.person().send("PUT", PHONE, {"phone_number": (number := some_number())})
        assert (answer.status, answer.json()["code"]) == (429, "too_many_texts")
        assert texts_to(number) == []


async def test_an_unverified_number_is_deleted(notify: Notify, sns: str) -> None:
    """The database deletes it a day after its code has expired, and none that is verified."""
    async with notify.running(aws_endpoint=sns):
        indexes = await notify.database["phones"].index_information()
    expiry = indexes["code_expires_at_1"]
    assert (expiry["expireAfterSeconds"], expiry["partialFilterExpression"]) == (24 * 3600, {"verified": False})
