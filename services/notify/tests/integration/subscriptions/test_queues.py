"""Machines get events in order; a failing receiver loses nothing and delays no one."""

from typing import Any

import pytest
from notify_service import Notify, Person

from docstore_events.catalogue.files import FileCreated, FileDeleted, FileModified, FilePurged, FileTagged
from docstore_platform.ids import new_id
from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected


def life(about: dict[str, Any]) -> list[Any]:
    return [FileCreated(**about), FileModified(**about, added_bytes=1), FileDeleted(**about)]


LIFE = ["created", "modified", "deleted"]


async def until_told(notify: Notify, machine: str, changes: list[str]) -> None:
    async def notified() -> bool:
        return notify.machines.notified(machine) == changes

    await eventually(notified)


async def test_every_event_is_a_message_in_order(notify: Notify) -> None:
    """No digest for machines, no mail for the follower, and no changes that were not chosen."""
    anna = notify.person()
    about = anna.file()
    async with notify.running():
        await anna.hook(about["file"].file_id, "all", events=["created", "modified", "deleted", "tagged"])
        await anna.hook(about["file"].file_id, "some")
        ids = await notify.publish(*life(about), FileTagged(**about))
        await until_told(notify, "all", [*LIFE, "tagged"])
        await until_told(notify, "some", LIFE)
        assert [delivery.event_ids for delivery in notify.machines.taken["all"]] == [(event_id,) for event_id in ids]
        assert await notify.published() == []


async def test_a_receiver_that_fails_gets_everything_once_it_is_back(notify: Notify) -> None:
    """Meanwhile others and mails go on, and it is asked now and then, for the first message only."""
    anna = notify.person()
    about = anna.file()
    file_id = about["file"].file_id
    notify.machines.moods["bad"] = "failing"
    async with notify.running(digest_interval_seconds=0):
        await notify.publish(anna.signed_up())
        bad = await anna.hook(file_id, "bad")
        await anna.hook(file_id, "good")
        await anna.follow(file_id)
        ids = await notify.publish(*life(about))
        await until_told(notify, "good", LIFE)
        await notify.until_notified(*ids)

        async def tried_twice() -> bool:
            return bool(notify.machines.requested["bad"] >= 2)

        await eventually(tried_twice)
        log = (await anna.get(f"/v1/subscriptions/{bad['id']}/deliveries"))["items"]
        assert [(one["state"], one["attempts"] > 0) for one in log] == [
            ("pending", False),
            ("pending", False),
            ("pending", True),
        ]
        assert log[-1]["tries"][0] | {"at": ""} == {"at": "", "status": 500, "detail": "broken"}
        assert log[-1]["next_try_at"]
        notify.machines.moods["bad"] = "well"
        await until_told(notify, "bad", LIFE)
        assert notify.machines.requested["bad"] < 12


async def test_a_receiver_that_never_responds_delays_no_other(notify: Notify) -> None:
    """Though there is a place for one message at a time only, its time ends and the next one is served."""
    anna = notify.person()
    about = anna.file()
    notify.machines.moods["mute"] = "silent"
    async with notify.running(send_timeout_seconds=0.3, machine_parallel=1):
        await anna.hook(about["file"].file_id, "mute")
        await anna.hook(about["file"].file_id, "good")
        await notify.publish(*life(about))
        await until_told(notify, "good", LIFE)
        notify.machines.moods["mute"] = "well"
        await until_told(notify, "mute", LIFE)


async def test_waiting_deliveries_survive_a_restart(notify: Notify) -> None:
    """Two instances that stop while a receiver fails leave the rest to the next two, which send each once."""
    anna = notify.person()
    about = anna.file()
    notify.machines.moods["one"] = "failing"
    async with notify.running(2):
        await anna.hook(about["file"].file_id)
        await notify.publish(*life(about))

        async def tried() -> bool:
            return bool(notify.machines.requested["one"])

        await eventually(tried)
    notify.machines.moods["one"] = "well"
    async with notify.running(2):
        await until_told(notify, "one", LIFE)
        more = anna.file()
        await anna.hook(more["file"].file_id, "many")
        await notify.publish(*(FileModified(**more, added_bytes=n) for n in range(120)))
        await until_told(notify, "many", ["modified"] * 120)
    assert len({delivery.id for delivery in notify.machines.taken["many"]}) == 120


@pytest.mark.parametrize("owner", ["lease_owner", "token"])
async def test_a_queue_whose_worker_died_is_taken_over(notify: Notify, owner: str) -> None:
    """Its lease ends, also that of the release before; the message is sent again under the same id."""
    anna = notify.person()
    about = anna.file()
    async with notify.running():
        hook = await anna.hook(about["file"].file_id)
        await notify.publish(FileCreated(**about))
        await until_told(notify, "one", ["created"])
        (first,) = notify.machines.taken["one"]
        dead = {"$set": {"state": "pending", owner: "dead"}}
        await notify.database["deliveries"].update_one({"_id": first.id}, dead)
        await notify.database["lanes"].update_one(
            {"_id": hook["id"]}, [{"$set": {"next_at": {"$add": ["$$NOW", 500]}, owner: "dead"}}], upsert=True
        )
        await until_told(notify, "one", ["created", "created"])
    assert notify.machines.taken["one"][1].id == first.id


async def owners_messages(notify: Notify, person: Person) -> list[str]:
    return [one["kind"] for one in (await person.get("/v1/notifications"))["items"]]


async def test_a_receiver_that_is_gone_ends_its_subscription(notify: Notify) -> None:
    """The owner is notified by mail and in the app, pending deliveries fail, and it can be enabled again."""
    anna = notify.person()
    about = anna.file()
    notify.machines.moods["one"] = "gone"
    async with notify.running():
        await notify.publish(anna.signed_up())
        hook = await anna.hook(about["file"].file_id)
        ids = await notify.publish(*life(about))
        path = f"/v1/subscriptions/{hook['id']}"

        async def all_failed() -> bool:
            return [kind for kind, _ in await notify.published("webhook")] == ["notification-failed"] * 3

        await eventually(all_failed)
        disabled = await anna.get(path)
        assert (disabled["state"], disabled["disabled_reason"]) == ("disabled", "gone")
        (notified,) = [data for kind, data in await notify.published("in_app") if kind == "notification-sent"]
        assert notified["kind"] == "subscription_disabled"

        async def mailed() -> bool:
            return "A subscription was disabled" in notify.ses.mailbox.subjects()

        await eventually(mailed)
        assert await owners_messages(notify, anna) == ["subscription_disabled"]
        settled = await notify.internal("POST", "/internal/events/settled", {"event_ids": ids})
        assert set(settled["settled"]) == set(ids)
        notify.machines.moods["one"] = "well"
        assert (await anna.send("PATCH", path, {"state": "active"})).json()["state"] == "active"
        await notify.publish(FileModified(**about, added_bytes=1))
        await until_told(notify, "one", ["modified"])


async def test_waiting_deliveries_of_an_ended_subscription_are_not_sent(notify: Notify) -> None:
    """What waits for a receiver is dropped with the subscription."""
    anna = notify.person()
    about = anna.file()
    notify.machines.moods["one"] = "failing"
    async with notify.running():
        hook = await anna.hook(about["file"].file_id)
        ids = await notify.publish(*life(about))

        async def tried() -> bool:
            return bool(notify.machines.requested["one"])

        await eventually(tried)
        assert (await anna.send("DELETE", f"/v1/subscriptions/{hook['id']}")).status == 204
        notify.machines.moods["one"] = "well"

        async def settled() -> bool:
            answer = await notify.internal("POST", "/internal/events/settled", {"event_ids": ids})
            return set(answer["settled"]) == set(ids)

        await eventually(settled)
        assert notify.machines.notified("one") == []


async def test_a_test_delivery_returns_its_outcome_and_is_logged(notify: Notify) -> None:
    """At once, whatever waits; by mail and in the app too; a foreign subscription is 404."""
    anna, eve = notify.person(), notify.person()
    file_id = new_id()
    notify.machines.moods["one"] = "refusing"
    async with notify.running():
        await notify.publish(anna.signed_up())
        hook, mail = await anna.hook(file_id), await anna.follow(file_id)
        app = await anna.follow(file_id, channel="in_app")
        path = f"/v1/subscriptions/{hook['id']}"
        answer = (await anna.send("POST", f"{path}/test")).json()
        assert (answer["state"], answer["status"], answer["detail"]) == ("failed", 400, "not like this")
        (log_entry,) = (await anna.get(f"{path}/deliveries"))["items"]
        assert (log_entry["id"], log_entry["kind"], log_entry["state"]) == (answer["delivery_id"], "test", "failed")
        for foreign in ("/test", "/deliveries"):
            method = "POST" if foreign == "/test" else "GET"
            assert (await eve.send(method, path + foreign)).status == 404
        assert (await eve.send("PATCH", path, {"state": "active"})).status == 404

        async def known() -> Any:
            return await notify.database["contacts"].find_one({"_id": anna.id})

        await eventually(known)
        assert (await anna.send("POST", f"/v1/subscriptions/{mail['id']}/test")).json()["state"] == "sent"
        assert notify.ses.mailbox.subjects() == ["Test message for your subscription"]
        assert (await anna.send("POST", f"/v1/subscriptions/{app['id']}/test")).json()["state"] == "sent"
        assert await owners_messages(notify, anna) == ["test"]


async def test_a_webhooks_secret_is_answered_once(notify: Notify) -> None:
    """In the 201, and in no other answer; several addresses may follow one file, the same one only once."""
    anna = notify.person()
    file_id = new_id()
    async with notify.running(max_subscriptions=3):
        first = await anna.hook(file_id, "one")
        assert first["secret"].startswith("whsec_")
        again = await anna.hook(file_id, "one", events=["deleted"])
        assert (again["id"], again["events"], "secret" in again) == (first["id"], ["deleted"], False)
        second = await anna.hook(file_id, "two")
        path = f"/v1/subscriptions/{second['id']}"
        changed = (await anna.send("PATCH", path, {"events": ["moved", "created"]})).json()
        assert changed == await anna.get(path)
        assert (changed["events"], changed["target"]) == (["created", "moved"], {"url": "https://two.example/"})
        third = {"file_id": file_id, "channel": "webhook", "target": {"url": "https://three.example/"}}
        answer = await anna.send("POST", "/v1/subscriptions", third)
        assert (answer.status, answer.headers["cache-control"]) == (201, "no-store")
        listed = (await anna.get("/v1/subscriptions"))["items"]
        assert "secret" not in str(listed)
        kept = await notify.database["subscriptions"].find_one({"_id": first["id"]})
        assert kept["secret"] == first["secret"]
        body = {"file_id": file_id, "channel": "in_app"}
        answer = await anna.send("POST", "/v1/subscriptions", body)
        assert (answer.status, answer.json()["code"]) == (409, "too_many_subscriptions")
        assert (await anna.hook(file_id, "two"))["id"] == second["id"]


async def test_on_file_purged_what_waits_for_machines_ends(notify: Notify) -> None:
    """The subscription goes, and its queue with it."""
    anna = notify.person()
    about = anna.file()
    notify.machines.moods["one"] = "failing"
    async with notify.running():
        await anna.hook(about["file"].file_id)
        await notify.publish(FileCreated(**about))

        async def tried() -> bool:
            return bool(notify.machines.requested["one"])

        await eventually(tried)
        await notify.publish(FilePurged(**about, freed_bytes=5))

        async def nothing_left() -> bool:
            failed = [kind for kind, _ in await notify.published("webhook")] == ["notification-failed"]
            return failed and await notify.database["lanes"].find_one({}) is None

        await eventually(nothing_left)
