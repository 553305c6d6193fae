"""Accounts in the browser: sign-up, log-in, devices, profile, plan, notification settings."""

import asyncio
import json
import re
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.utils import base64url_encode
from playwright.async_api import expect
from web_visitors import NewVisitor, Visitor, check_page

from docstore_platform.ids import new_id
from docstore_platform.testing import eventually


async def test_sign_up_log_out_and_log_in(new_visitor: NewVisitor) -> None:
    """A stranger signs up, logs out, is refused with a wrong password, and logs in; only the device's cookie stays."""
    visitor = await new_visitor(logged_in=False)
    page = await visitor.open("/sign-up")
    await check_page(page, "sign-up")
    email = f"new-{new_id()[-10:]}@example.org"
    await page.get_by_label("Name").fill("Ada Lovelace")
    await page.get_by_label("Email").fill(email)
    await page.get_by_label("Password").fill("correct horse battery")
    await page.get_by_role("button", name="Sign up").click()
    await expect(page.get_by_role("heading", name="This folder is empty")).to_be_visible()
    await check_page(page, "empty")
    await page.get_by_role("button", name="Account").click()
    await page.get_by_role("menuitem", name="Log out").click()
    await expect(page.get_by_role("heading", name="Welcome back")).to_be_visible()
    left = {cookie["name"] for cookie in await visitor.context.cookies() if cookie["value"]}
    assert {name.removeprefix("__Host-") for name in left} == {"docstore_device"}
    await page.get_by_label("Email").fill(email)
    await page.get_by_label("Password").fill("wrong horse")
    await page.get_by_role("button", name="Log in").click()
    await expect(page.get_by_role("alert")).to_contain_text("Incorrect email or password")
    await check_page(page, "log-in")
    await page.get_by_label("Password").fill("correct horse battery")
    await page.get_by_role("button", name="Log in").click()
    await expect(page.get_by_role("heading", name="This folder is empty")).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("heading", name="This folder is empty")).to_be_visible()


async def test_an_expired_access_token_is_renewed(ada: Visitor) -> None:
    """Without its access cookie the page takes a new one by its refresh cookie, once for all that ask."""
    await ada.put("/notes.txt")
    await ada.context.clear_cookies(name="docstore_access")
    refreshed: list[str] = []
    ada.page.on("request", lambda request: refreshed.append(request.url) if "refresh" in request.url else None)
    await ada.open()
    await expect(ada.row("notes.txt")).to_be_visible()
    assert len(refreshed) == 1
    await ada.context.clear_cookies(name="docstore_access")
    await ada.page.get_by_role("link", name="Trash").click()
    await expect(ada.page.get_by_role("heading", name="The trash is empty")).to_be_visible()
    assert len(refreshed) == 2


async def test_profile(ada: Visitor) -> None:
    """A new name is saved and shown."""
    page = await ada.open("/settings/profile")
    await page.get_by_label("Name").fill("Augusta Ada King")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Name saved.")).to_be_visible()
    await check_page(page, "profile")
    assert (await ada.person.call("GET", "/v1/me"))["display_name"] == "Augusta Ada King"


async def test_plan_and_usage(ada: Visitor) -> None:
    """One sees what is used, and changes the plan."""
    await ada.put("/big.bin", bytes(100_000))
    page = await ada.open("/settings/plan")
    await expect(page.get_by_text("98 kB of").first).to_be_visible()
    await check_page(page, "plan")
    await page.get_by_role("button", name="Upgrade").click()
    await expect(page.get_by_role("button", name="Your plan")).to_be_visible()
    await expect(page.get_by_role("button", name="Downgrade")).to_be_visible()


async def test_how_long_things_are_kept(ada: Visitor) -> None:
    """The trash is kept as chosen: the page shows from when on, and the trash when each item is deleted."""
    file = await ada.put("/old.txt", b"old")
    await ada.person.call("DELETE", f"/v1/files/{file['id']}")
    page = await ada.open("/settings/retention")
    days = page.get_by_label("Days in the trash")
    await expect(days).to_have_value("30")
    await check_page(page, "retention")
    await days.fill("3")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Your last change takes effect on")).to_be_visible()
    assert (await ada.person.call("GET", "/v1/me/retention"))["trash_days"] == 3
    page = await ada.open("/trash")
    await expect(page.get_by_role("row", name="old.txt")).to_contain_text("in 3 days")
    await page.get_by_role("link", name="How long the trash is kept").click()
    await page.get_by_role("button", name="Reset to defaults").click()
    await expect(page.get_by_label("Days in the trash")).to_have_value("30")


async def test_languages_of_pictures(ada: Visitor) -> None:
    """A language is added to those in use, the last one can't be switched off, and the default comes back."""
    page = await ada.open("/settings/languages")
    german = page.get_by_role("switch", name="German")
    await expect(german).not_to_be_checked()
    await expect(page.get_by_role("switch", name="English")).to_be_disabled()
    await check_page(page, "languages")
    await page.get_by_text("German").click()
    await expect(german).to_be_checked()
    assert (await ada.person.call("GET", "/v1/me/languages"))["languages"] == ["eng", "deu"]
    await page.get_by_role("button", name="Reset to defaults").click()
    await expect(german).not_to_be_checked()


async def test_devices(ada: Visitor) -> None:
    """Another device is seen and logged out."""
    page = await ada.open("/settings/devices")
    await expect(page.get_by_text("This device")).to_be_visible()
    await check_page(page, "devices")
    await page.get_by_role("button", name="Log out").first.click()
    await expect(page.get_by_role("button", name="Log out")).to_have_count(0)


async def test_notification_preferences(ada: Visitor) -> None:
    """A kind of mail is switched off, and stays off."""
    page = await ada.open("/settings/notifications")
    mails = page.get_by_role("switch", name="Email").first
    await expect(mails).to_be_checked()
    await check_page(page, "preferences")
    await mails.click(force=True)
    await expect(mails).not_to_be_checked()
    await page.reload()
    await expect(page.get_by_role("switch", name="Email").first).not_to_be_checked()


async def test_a_phone_is_verified_for_text_messages(ada: Visitor, texts: Callable[[str], list[str]] | None) -> None:
    """By the code sent to it; then critical news have a switch, until the number is removed."""
    assert texts is not None, "they can be read in a stack of this test run only"
    page = await ada.open("/settings/notifications")
    switches = page.get_by_role("switch", name="SMS")
    await expect(page.get_by_role("switch", name="Email").first).to_be_visible()
    await expect(switches).to_have_count(0)
    await page.get_by_label("Phone number").fill("+64 21 234-567")
    await page.get_by_role("button", name="Send code").click()
    code = page.get_by_label("Code", exact=True)
    await expect(code).to_be_visible()
    (sent,) = texts("+6421234567")
    await check_page(page, "phone number")
    await code.fill("".join(filter(str.isdigit, sent)))
    await page.locator("form").filter(has=code).get_by_role("button", name="Verify").click()
    await expect(page.get_by_text("Verified", exact=True)).to_be_visible()
    await expect(switches).to_have_count(3)
    await switches.first.click(force=True)
    await page.reload()
    await expect(switches.first).not_to_be_checked()
    await page.get_by_label("Phone for text messages").get_by_role("button", name="Remove").click()
    await expect(page.get_by_label("Phone number")).to_be_visible()
    await expect(switches).to_have_count(0)


PUSH_MANAGER = """
const keys = { p256dh: "KEY", auth: "AAAAAAAAAAAAAAAAAAAAAA" };
const made = { toJSON: () => ({ endpoint: "https://push.example.org/1", keys }), unsubscribe: async () => true };
PushManager.prototype.subscribe = async ({ applicationServerKey }) => {
  if (!applicationServerKey) throw new Error("no key");
  return made;
};
PushManager.prototype.getSubscription = async () => made;
"""
"""Chromium's own push service can't be reached here: only registering there is replaced."""


async def test_push_notifications_are_turned_on_and_shown(new_visitor: NewVisitor) -> None:
    """A click asks for permission and registers; the service worker shows what is pushed."""
    ada = await new_visitor("ada", service_workers="allow")
    point = ec.generate_private_key(ec.SECP256R1()).public_key()
    key = base64url_encode(point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)).decode()
    await ada.context.grant_permissions(["notifications"])
    await ada.context.add_init_script(PUSH_MANAGER.replace("KEY", key))
    page = await ada.open("/settings/notifications")
    await page.get_by_role("button", name="Turn on in this browser").click()
    await expect(page.get_by_role("button", name="Turn off in this browser")).to_be_visible()
    (browser,) = (await ada.person.call("GET", "/v1/push-subscriptions"))["items"]
    assert browser["service"] == "push.example.org"
    await check_page(page, "push notifications")
    devtools = await ada.context.new_cdp_session(page)
    versions: asyncio.Queue[Any] = asyncio.Queue()
    devtools.on("ServiceWorker.workerRegistrationUpdated", versions.put_nowait)
    await devtools.send("ServiceWorker.enable")
    registration = (await versions.get())["registrations"][0]["registrationId"]
    pushed = {
        "id": "d1",
        "kind": "file_changed",
        "title": "plan.pdf was modified",
        "body": "",
        "url": "/settings/devices",
    }
    origin = page.url.removesuffix("/settings/notifications")
    about = {"origin": origin, "registrationId": registration, "data": json.dumps(pushed)}
    await devtools.send("ServiceWorker.deliverPushMessage", about)

    async def titles() -> Any:
        shown = "async () => (await (await navigator.serviceWorker.ready).getNotifications()).map((one) => one.title)"
        return await page.evaluate(shown)

    async def is_shown() -> bool:
        return await titles() == ["plan.pdf was modified"]

    await eventually(is_shown)
    await page.get_by_role("button", name="Turn off in this browser").click()
    await expect(page.get_by_role("button", name="Turn on in this browser")).to_be_visible()


async def test_storage_over_time_and_what_is_shared(ada: Visitor) -> None:
    """The settings show how much is stored, and how often what is shared was opened."""
    file = await ada.put("/weighed.txt", bytes(5000))
    await ada.person.call("POST", f"/v1/files/{file['id']}/links", {})

    async def is_counted() -> bool:
        report = await ada.person.call("GET", "/v1/me/storage")
        return bool(report["bytes"][-1] >= 5000 and report["shared"])

    await eventually(is_counted)
    page = await ada.open("/settings/storage")
    await expect(page.locator(".chart canvas")).to_be_visible()
    await expect(page.get_by_role("rowheader", name="weighed.txt")).to_be_visible()
    families = page.get_by_role("table", name="What takes the space")
    await expect(families.get_by_role("row", name=re.compile("Documents"))).to_be_visible()
    await check_page(page, "settings-storage")
    await page.get_by_role("link", name="Largest files").click()
    await expect(page.get_by_label("Sort by")).to_have_value("Largest")
    await expect(page.get_by_role("button", name=re.compile("weighed.txt"))).to_be_visible()
