"""Notifications of shares, links and devices, in-app and by email, and how to turn them off."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from deployments import Mailbox
from people import PASSWORD, Person
from verified_emails import verify_email

from docstore_platform.ids import new_id
from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected


async def notified(person: Person, title: str) -> Any:
    """The notification of that title, once it is there."""

    async def probe() -> Any:
        items = (await person.call("GET", "/v1/notifications"))["items"]
        return next((one for one in items if one["title"] == title), None)

    return await eventually(probe)


async def mailed(mailbox: Mailbox, email: str, subject: str) -> Any:
    async def probe() -> Any:
        return next((mail for mail in mailbox.of(email) if mail.subject == subject), None)

    return await eventually(probe)


async def test_a_reader_is_notified_until_the_share_is_revoked(ada: Person, grace: Person, mailbox: Mailbox) -> None:
    """Of the share by mail and in the app; then of what they follow; after it nothing, and they follow nothing."""
    plan = await ada.upload("/private/team/plan.txt", b"plan")
    folder = await ada.call("GET", f"/v1/files/{plan['parent_id']}")
    share = await ada.share(folder, grace)
    await notified(grace, "team is shared with you")
    await mailed(mailbox, grace.email, "team is shared with you")
    await grace.call("POST", "/v1/subscriptions", {"file_id": folder["id"], "channel": "in_app"})
    await ada.upload("/private/team/news.txt", b"news")
    notification = await notified(grace, "news.txt was created")
    assert notification["items"][0]["path"] == "/team/news.txt"
    assert "private" not in str(notification)
    await ada.call("DELETE", f"/v1/files/{folder['id']}/shares/{share['id']}")

    async def follows_nothing() -> bool:
        return (await grace.call("GET", "/v1/subscriptions"))["items"] == []

    await eventually(follows_nothing)
    await ada.call("POST", "/v1/subscriptions", {"file_id": folder["id"], "channel": "in_app"})
    await ada.upload("/private/team/secret.txt", b"secret")
    await notified(ada, "secret.txt was created")
    assert "secret" not in str(await grace.call("GET", "/v1/notifications"))


async def test_a_person_without_account_is_invited_and_notified_after_sign_up(
    ada: Person, nobody: Person, mailbox: Mailbox
) -> None:
    """The address they sign up with is the one the invitation came to."""
    email = f"new-{new_id()[-10:]}@example.org"
    file = await ada.upload("/for-you.txt", b"hello")
    await ada.call("POST", f"/v1/files/{file['id']}/shares", {"email": email, "role": "viewer"})
    invitation = await mailed(mailbox, email, 'Shared with you: "for-you.txt"')
    assert "sign up" in invitation.text
    assert f"{ada.email} (unverified address)" in invitation.text
    await nobody.sign_up(email, PASSWORD)
    await verify_email(nobody, mailbox, email)
    await notified(nobody, "for-you.txt is shared with you")


async def test_the_opening_of_a_link_is_notified_in_the_app(ada: Person, nobody: Person) -> None:
    """Its owner need not have asked for it."""
    file = await ada.upload("/linked.txt", b"hello")
    link = await ada.call("POST", f"/v1/files/{file['id']}/links", {})
    await nobody.call("POST", f"/v1/links/{link['token']}/open", {})
    await notified(ada, "Your link to linked.txt was opened")


async def test_a_log_in_on_a_new_device_is_notified(ada: Person, mailbox: Mailbox) -> None:
    """But not the first one after signing up, nor one on a device that was there before."""
    phone = {"email": ada.email, "password": PASSWORD, "device_name": "Phone"}
    token = (await ada.call("POST", "/v1/sessions", phone))["device_token"]
    await ada.call("POST", "/v1/sessions", phone | {"device_token": token})
    await notified(ada, "New log-in to your account")
    mail = await mailed(mailbox, ada.email, "New log-in to your account")
    assert "- Phone" in mail.text
    assert [one.subject for one in mailbox.of(ada.email)].count("New log-in to your account") == 1


async def test_a_mail_can_be_ended_by_its_link_without_a_login(ada: Person, nobody: Person, mailbox: Mailbox) -> None:
    """Through the gateway: a look ends nothing, the click does; the page may send its form, and runs no script."""
    await ada.upload("/one.txt", b"1")
    mail = await mailed(mailbox, ada.email, "Uploaded: one.txt")
    headers = {name.lower(): value for name, value in mail.headers.items()}
    url = urlsplit(headers["list-unsubscribe"].strip("<>"))
    path = f"{url.path}?{url.query}"
    assert path in mail.text
    page = await nobody.ask("GET", path)
    assert page.status == 200
    policies = [value for name, value in page.headers.items() if name.lower() == "content-security-policy"]
    assert len(policies) == 1
    assert "form-action 'self'" in policies[0]
    assert (await ada.call("GET", "/v1/notifications/preferences"))["upload_done"]["email"] is True
    assert (await nobody.ask("POST", path)).status == 200
    assert (await ada.call("GET", "/v1/notifications/preferences"))["upload_done"]["email"] is False
    assert (await nobody.ask("POST", path[:-4])).status == 404


async def test_text_messages_are_a_preference_of_critical_news(ada: Person) -> None:
    """Others are refused. A phone is refused with the reason where there is no access to AWS, as here."""
    path = "/v1/notifications/preferences"
    usual = await ada.call("GET", path)
    by_text = {kind for kind, channels in usual.items() if "sms" in channels}
    assert by_text == {"link_expiring", "new_device", "quota_exceeded"}
    changed = await ada.call("PUT", path, {**usual, "new_device": {**usual["new_device"], "sms": False}})
    assert changed == await ada.call("GET", path) == {**usual, "new_device": {**usual["new_device"], "sms": False}}
    assert (await ada.refused("PUT", path, {"upload_done": {"sms": True}}))[0] == 422
    phone = await ada.call("GET", "/v1/notifications/phone")
    assert (phone["phone_number"], phone["verified"]) == (None, False)
    assert "here" in phone["unavailable"]
    number = {"phone_number": "+6421234567"}
    assert await ada.refused("PUT", "/v1/notifications/phone", number) == (409, "channel_unavailable")
    guess = await ada.refused("POST", "/v1/notifications/phone/verification", {"code": "123456"})
    assert guess == (404, "phone_verification_not_found")
    await ada.call("DELETE", "/v1/notifications/phone")


async def test_a_forgotten_password_is_set_by_the_mailed_link(ada: Person, nobody: Person, mailbox: Mailbox) -> None:
    """From asking to logging in with the new password; the devices that were logged in no longer are."""
    await nobody.call("POST", "/v1/password-resets", {"email": ada.email})
    mail = await mailed(mailbox, ada.email, "Reset your password")
    link = urlsplit(next(line for line in mail.text.splitlines() if "/reset-password#" in line))
    assert f"{link.scheme}://{link.netloc}" == nobody.gateway
    confirm = {"token": link.fragment, "password": "another horse"}
    await nobody.call("POST", "/v1/password-resets/confirm", confirm)
    assert (await nobody.refused("POST", "/v1/password-resets/confirm", confirm)) == (404, "reset_not_found")
    assert (await nobody.refused("POST", "/v1/sessions/refresh", {"refresh_token": ada.refresh_token}))[0] == 401
    await nobody.log_in(ada.email, "another horse")
    assert (await nobody.call("GET", "/v1/me"))["id"] == ada.id
