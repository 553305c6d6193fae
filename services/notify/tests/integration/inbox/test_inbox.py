"""In-app notifications are stored until they are read."""

from typing import Any

import orjson
import pytest
from notify_service import Notify

from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected


async def test_the_app_holds_what_an_absent_person_missed(notify: Notify) -> None:
    """Every event once, newest first, in pages, and only to its person; notification-sent names the causes."""
    anna, eve = notify.person(), notify.person()
    async with notify.running(digest_interval_seconds=0):
        ids = []
        for name in ("a", "b", "c", "d", "e"):
            (event_id,) = await notify.publish(anna.uploaded(f"{name}.txt"))
            await notify.until_notified(event_id, channel="in_app")
            ids.append(event_id)
        listed: list[Any] = []
        cursor = ""
        while cursor is not None:
            page = await anna.get(f"/v1/notifications?limit=2&cursor={cursor}")
            assert page["unread"] == 5
            listed += page["items"]
            cursor = page["next_cursor"]
        assert [one["title"] for one in listed] == [f"Uploaded: {name}.txt" for name in "edcba"]
        assert [one["read"] for one in listed] == [False] * 5
        assert listed[0]["file_id"] == listed[0]["items"][0]["file_id"]
        sent = await notify.until_notified(*ids, channel="in_app")
        assert {data["delivery_id"] for data in sent} == {one["id"] for one in listed}
        assert (await eve.get("/v1/notifications")) == {"items": [], "next_cursor": None, "unread": 0}


async def test_a_title_is_in_the_language_of_its_account(running: Notify) -> None:
    """As accounts publish it; English for whoever has chosen none."""
    anna, bert = running.person(), running.person()
    published = (anna.signed_up(language="de"), bert.signed_up(), anna.uploaded(), bert.uploaded())
    ids = await running.publish(*published)
    await running.until_notified(*ids[2:], channel="in_app")
    titles = [(await person.get("/v1/notifications"))["items"][0]["title"] for person in (anna, bert)]
    assert titles == ["Hochgeladen: plan.pdf", "Uploaded: plan.pdf"]


async def test_many_events_at_once_become_one_notification(running: Notify) -> None:
    """Three hundred uploads do not bury what else there is."""
    anna = running.person()
    ids = await running.publish(*(anna.uploaded(f"{n}.txt") for n in range(300)))
    await running.until_notified(*ids, channel="in_app")
    items = (await anna.get("/v1/notifications"))["items"]
    assert len(items) < 60
    assert sum(len(one["items"]) + one["more"] for one in items) == 300


async def test_read_is_marked_one_by_one_up_to_a_moment_or_all(running: Notify) -> None:
    """Each answers how many are left; another's stay as they are; which ones must be said."""
    anna, eve = running.person(), running.person()
    for name in "abcd":
        (event_id,) = await running.publish(anna.uploaded(f"{name}.txt"))
        await running.until_notified(event_id, channel="in_app")
    newest, _, third, _ = (await anna.get("/v1/notifications"))["items"]

    async def mark(body: Any, person: Any = anna) -> Any:
        return (await person.send("POST", "/v1/notifications/read", body)).json()

    assert await mark({"ids": [newest["id"]]}, eve) == {"unread": 0}
    assert await mark({"ids": [newest["id"]]}) == {"unread": 3}
    assert await mark({"before": third["created_at"]}) == {"unread": 1}
    unread = (await anna.get("/v1/notifications?unread=true"))["items"]
    assert [one["title"] for one in unread] == ["Uploaded: c.txt"]
    assert await mark({"all": True}) == {"unread": 0}
    for wrong in ({}, {"all": True, "ids": []}):
        assert (await anna.send("POST", "/v1/notifications/read", wrong)).status == 422


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"ids": ["\\ud800"]}', "invalid_request"),
        (b'{"before": "0001-01-01T00:00:00+14:00"}', "moment_out_of_range"),
        (b'{"before": "9999-12-31T23:59:59-14:00"}', "moment_out_of_range"),
    ],
)
async def test_values_that_the_database_cannot_store_are_refused(running: Notify, body: bytes, code: str) -> None:
    """Half a character, and moments that UTC has no room for: 422, not a fault of the service."""
    answer = await running.person().send("POST", "/v1/notifications/read", orjson.Fragment(body))
    assert (answer.status, answer.json()["code"]) == (422, code)


async def test_an_upload_that_comes_twice_is_one_notification(running: Notify) -> None:
    """The app is written with the inbox: exactly once."""
    anna = running.person()
    ids = await running.publish(anna.uploaded())
    await running.until_notified(*ids, channel="in_app")
    outbox = running.mongo.database(f"{running.infra.database_prefix}publisher")["outbox"]
    await outbox.update_many({}, {"$set": {"state": "pending"}})
    last = await running.publish(anna.uploaded("last.txt"))
    await running.until_notified(*last, channel="in_app")

    async def both() -> bool:
        return len((await anna.get("/v1/notifications"))["items"]) == 2

    await eventually(both)
