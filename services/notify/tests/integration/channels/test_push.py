"""Web Push through the public routes, to a push service whose browsers decrypt the messages."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from notify_service import Notify, Person
from push_service import FakeBrowser, PushService

from docstore_events.catalogue.accounts import PasswordChanged
from docstore_events.catalogue.files import FileModified
from docstore_events.catalogue.usage import QuotaExceeded
from docstore_platform.clock import utc_now
from docstore_platform.ids import new_id
from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected
SETTINGS: dict[str, Any] = {
    "digest_interval_seconds": 0,
    "push_secrets": "a secret",
    "webhook_allow_http": True,
    "webhook_allowed_networks": "127.0.0.0/8",
}


@pytest.fixture
async def pushes() -> AsyncIterator[PushService]:
    async with PushService().running() as pushes:
        yield pushes


async def register(person: Person, pushes: PushService, expected: int = 201) -> FakeBrowser:
    browser = pushes.browser((await person.get("/v1/push-key"))["key"])
    assert (await person.send("POST", "/v1/push-subscriptions", browser.registration())).status == expected
    return browser


def full(person: Person) -> QuotaExceeded:
    return QuotaExceeded(revision=1, account_id=person.id, used=2, limit=1, reserved=0, documents=1)


async def browsers_of(person: Person) -> list[Any]:
    return list((await person.get("/v1/push-subscriptions"))["items"])


async def test_a_follower_gets_an_encrypted_signed_message(notify: Notify, pushes: PushService) -> None:
    """It opens the file; it is the only request, and lists show no endpoint."""
    anna = notify.person()
    async with notify.running(**SETTINGS):
        await notify.publish(anna.signed_up())
        browser = await register(anna, pushes)
        file = anna.file()
        await anna.follow(file["file"].file_id, channel="push")
        (event,) = await notify.publish(FileModified(**file, added_bytes=5))
        await notify.until_notified(event, channel="push")
        (shown,) = browser.messages
        assert (shown["title"], shown["url"]) == ("plan.pdf was modified", f"/file/{file['file'].file_id}")
        assert pushes.requests == 1
        assert browser.headers[0]["Urgency"] == "normal"
        (listed,) = await browsers_of(anna)
        assert (listed["service"], listed["current"]) == ("127.0.0.1", True)
        assert browser.endpoint not in str(listed)
        assert (await anna.send("POST", "/v1/push-subscriptions", browser.registration())).status == 200
        (subscription,) = (await anna.get("/v1/subscriptions"))["items"]
        tested = await anna.send("POST", f"/v1/subscriptions/{subscription['id']}/test")
        assert tested.json()["state"] == "sent"
        assert browser.messages[-1]["title"] == "Test message for your subscription"


@pytest.mark.parametrize("status", [404, 410])
async def test_a_browser_that_is_gone_is_removed(notify: Notify, pushes: PushService, status: int) -> None:
    """The other browsers of the account get their messages."""
    anna = notify.person()
    async with notify.running(**SETTINGS):
        gone, other = await register(anna, pushes), await register(anna, pushes)
        gone.statuses = [status]
        (event,) = await notify.publish(full(anna))
        await notify.until_notified(event, channel="push")

        async def removed() -> bool:
            return len(await browsers_of(anna)) == 1

        await eventually(removed)

        async def failures() -> list[dict[str, Any]]:
            return [data for kind, data in await notify.published("push") if kind == "notification-failed"]

        (failed,) = await eventually(failures)
        assert "no longer receives" in failed["reason"]
        assert (len(gone.messages), len(other.messages)) == (0, 1)
        assert other.headers[0]["Urgency"] == "high"


async def test_a_message_is_retried_by_another_instance_after_a_crash(notify: Notify, pushes: PushService) -> None:
    """The push service was down, then the instance; the message waits in the database."""
    anna = notify.person()
    async with notify.running(**SETTINGS):
        browser = await register(anna, pushes)
        browser.statuses = [503] * 1000
        (event,) = await notify.publish(full(anna))

        async def tried() -> bool:
            return pushes.requests > 0

        await eventually(tried)
    browser.statuses = []
    async with notify.running(**SETTINGS):
        await notify.until_notified(event, channel="push")
    assert [one["title"] for one in browser.messages] == ["Your storage is full"]


async def test_a_browser_gets_nothing_after_its_log_in_has_ended(notify: Notify, pushes: PushService) -> None:
    """But for the news of the new password that has ended it."""
    anna = notify.person()
    async with notify.running(**SETTINGS):
        browser = await register(anna, pushes)
        notify.logged_out.add(anna.id)
        about = {"change_id": new_id(), "session_id": "s", "device": "Phone", "changed_at": utc_now()}
        changed = PasswordChanged(revision=1, account_id=anna.id, **about)
        (event,) = await notify.publish(changed)
        await notify.until_notified(event, channel="push")
        await notify.publish(full(anna))

        async def removed() -> bool:
            return not await browsers_of(anna)

        await eventually(removed)
        assert [one["title"] for one in browser.messages] == ["Your password was changed"]


async def test_a_browser_belongs_to_the_last_account_that_registered_it(notify: Notify, pushes: PushService) -> None:
    """The former one sends it nothing more; each account removes its own only."""
    anna, bob = notify.person(), notify.person()
    async with notify.running(**SETTINGS):
        browser = await register(anna, pushes)
        (before,) = await browsers_of(anna)
        taken = await bob.send("POST", "/v1/push-subscriptions", browser.registration())
        assert taken.status == 200
        assert await browsers_of(anna) == []
        answer = await anna.send("DELETE", f"/v1/push-subscriptions/{before['id']}")
        assert answer.status == 404
        await notify.publish(full(anna))
        (event,) = await notify.publish(full(bob))
        await notify.until_notified(event, channel="push")
        assert len(browser.messages) == 1
        assert (await bob.send("DELETE", f"/v1/push-subscriptions/{taken.json()['id']}")).status == 204
        assert await browsers_of(bob) == []


async def test_channels_that_can_not_work_here_are_refused(notify: Notify, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the operator's secrets, and without rights at AWS; the reason is for people."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    anna = notify.person()
    queue = "arn:aws:sqs:us-west-2:123456789012:changes"
    async with notify.running(push_secrets="", aws_endpoint="", aws_access_key_id=""):
        assert (await anna.send("GET", "/v1/push-key")).json()["code"] == "channel_unavailable"
        phone = await anna.send("PUT", "/v1/notifications/phone", {"phone_number": "+6421234567"})
        assert (phone.status, phone.json()["code"]) == (409, "channel_unavailable")
        assert phone.json()["detail"] == (await anna.get("/v1/notifications/phone"))["unavailable"]
        for body in (
            {"channel": "push"},
            {"channel": "sns", "target": {"phone_number": "+6421234567"}},
            {"channel": "sqs", "target": {"queue": queue, "role_arn": "arn:aws:iam::123456789012:role/docstore"}},
        ):
            notify.readable.add((anna.id, "f"))
            refused = await anna.send("POST", "/v1/subscriptions", {"file_id": "f", **body})
            assert (refused.status, refused.json()["code"]) == (409, "channel_unavailable"), refused.body
            assert "here" in refused.json()["detail"]
