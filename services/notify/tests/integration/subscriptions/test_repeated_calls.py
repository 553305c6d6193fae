"""A call that makes a subscription and is sent again, since its answer was lost, makes no second one."""

import asyncio
from typing import Any

import pytest
from notify_service import Notify

from docstore_platform.ids import new_id

pytestmark = pytest.mark.connected


async def test_a_repeated_call_answers_the_first_subscription_and_its_secret(notify: Notify) -> None:
    """Sent again by another gateway, after a restart and twice at once: one subscription, the same 201."""
    anna = notify.person()
    file_id, key = new_id(), new_id()
    body = {"file_id": file_id, "channel": "webhook", "target": {"url": "https://one.example/"}}
    notify.readable.add((anna.id, file_id))

    async def follow() -> Any:
        return await anna.send("POST", "/v1/subscriptions", body, idempotency_key=key)

    async with notify.running():
        answers = await asyncio.gather(follow(), follow())
    async with notify.running():
        answers.append(await follow())
        assert [answer.status for answer in answers] == [201, 201, 201], [answer.body for answer in answers]
        assert len({answer.body for answer in answers}) == 1
        assert answers[0].json()["secret"].startswith("whsec_")
        (listed,) = (await anna.get("/v1/subscriptions"))["items"]
        assert "secret" not in listed


async def test_a_key_of_another_call_is_a_conflict(running: Notify) -> None:
    """Another target or other events with the same key are refused and change nothing; others may use the key."""
    anna, bert = running.person(), running.person()
    key = new_id()
    body = {"file_id": new_id(), "channel": "webhook", "target": {"url": "https://one.example/"}}
    running.readable |= {(anna.id, body["file_id"]), (bert.id, body["file_id"])}
    first = await anna.send("POST", "/v1/subscriptions", body, idempotency_key=key)
    assert first.status == 201
    for other in ({"target": {"url": "https://two.example/"}}, {"events": ["deleted"]}, {"channel": "email"}):
        again = await anna.send("POST", "/v1/subscriptions", {**body, **other}, idempotency_key=key)
        assert again.status == 422
        assert again.json()["code"] == "idempotency_key_reused"
    (kept,) = (await anna.get("/v1/subscriptions"))["items"]
    assert first.json() == {**kept, "secret": first.json()["secret"]}
    of_bert = await bert.send("POST", "/v1/subscriptions", body, idempotency_key=key)
    assert (of_bert.status, of_bert.json()["secret"] == first.json()["secret"]) == (201, False)


async def test_without_its_key_a_followed_file_shows_no_secret(running: Notify) -> None:
    """A repeated subscription gets 200 without the secret, as before."""
    anna = running.person()
    file_id = new_id()
    assert "secret" in await anna.hook(file_id)
    assert "secret" not in await anna.hook(file_id)
