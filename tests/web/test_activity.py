"""Activity in the details panel, and webhooks and other targets."""

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from local_server import served
from playwright.async_api import Page, expect
from web_visitors import NewVisitor, Visitor, check_page


async def open_details(visitor: Visitor, name: str, tab: str) -> Page:
    page: Page = visitor.page
    await visitor.row(name).click()
    await page.get_by_role("button", name="Details", exact=True).click()
    await page.get_by_role("tab", name=tab).click()
    return page


async def test_who_did_what(ada: Visitor, new_visitor: NewVisitor) -> None:
    """Made, changed, renamed and shared: with names, the latest first, and new things by themselves."""
    grace = await new_visitor("grace")
    folder = await ada.person.call("POST", "/v1/folders", {"path": "/Team"})
    file = await ada.put("/Team/plan.txt", b"one")
    await ada.person.share(folder, grace.person, "editor")
    await ada.person.call("PATCH", f"/v1/files/{file['id']}", {"name": "agenda.txt"})
    await ada.open("/files/Team")
    page = await open_details(ada, "agenda.txt", "Activity")
    items = page.get_by_role("list", name="Activity").get_by_role("listitem")
    await expect(items.nth(0)).to_contain_text("You renamed it from “plan.txt” to “agenda.txt”")
    await expect(items.nth(1)).to_contain_text("You created this file")
    await grace.person.call("PATCH", f"/v1/files/{file['id']}", {"tags": ["urgent"]})
    await expect(items.nth(0)).to_contain_text(re.compile("grace.* changed the tags of this file"))
    await expect(items.nth(0)).to_contain_text("urgent")
    await check_page(page, "activity")
    await ada.open("/files")
    page = await open_details(ada, "Team", "Activity")
    shared = page.get_by_role("listitem").filter(has_text="shared this folder with")
    await expect(shared).to_contain_text(f"{grace.person.email} (can edit)")
    await expect(page.get_by_role("listitem").filter(has_text="You added “plan.txt”")).to_be_visible()
    await grace.open("/shared")
    await grace.row("Team").dblclick()
    theirs = await open_details(grace, "agenda.txt", "Activity")
    await expect(theirs.get_by_role("listitem").filter(has_text="You changed the tags")).to_be_visible()


@pytest.fixture
async def receiver() -> AsyncIterator[tuple[str, list[dict[str, Any]]]]:
    """A webhook's receiver on this machine: its address, and what it has received."""
    received: list[dict[str, Any]] = []

    async def take(request: web.Request) -> web.Response:
        received.append(await request.json())
        return web.Response()

    app = web.Application()
    app.router.add_post("/hook", take)
    async with served(web.AppRunner(app)) as url:
        yield f"{url}/hook", received


async def test_following_by_a_webhook(ada: Visitor, receiver: tuple[str, list[dict[str, Any]]]) -> None:
    """A wrong address is shown at its field; then the secret is shown once, a test arrives, and it can be ended."""
    address, received = receiver
    await ada.put("/watched.txt")
    await ada.open()
    page = await open_details(ada, "watched.txt", "Following")
    await page.get_by_role("button", name="Add webhook").click()
    dialog = page.get_by_role("dialog")
    field = dialog.get_by_label("URL")
    for wrong, said in (("ftp://example.org", "URL must begin with https://."), ("https://a@b.org", "user name")):
        await field.fill(wrong)
        await dialog.get_by_role("button", name="Follow").click()
        await expect(dialog.get_by_role("alert")).to_contain_text(said)
        await expect(field).to_have_attribute("aria-invalid", "true")
    await check_page(page, "follow")
    await field.fill(address)
    await dialog.get_by_label("Tagged").check()
    await dialog.get_by_role("button", name="Follow").click()
    await expect(dialog.get_by_label("Signing secret")).to_have_value(re.compile("whsec_.+"))
    await check_page(page, "follow-secret")
    await dialog.get_by_role("button", name="Done").click()
    machines = page.get_by_role("list", name="Webhooks and other targets")
    await expect(machines).to_contain_text(address)
    await page.get_by_role("button", name="Actions for Webhook").click()
    await page.get_by_role("menuitem", name="Send test").click()
    await expect(page.get_by_text("Test message accepted.")).to_be_visible()
    assert [message["type"] for message in received] == ["test"]
    await check_page(page, "following")
    await page.get_by_role("button", name="Actions for Webhook").click()
    await page.get_by_role("menuitem", name="Remove").click()
    await expect(machines).to_have_count(0)


@pytest.mark.parametrize(
    ("kind", "wrong", "said", "right"),
    [
        (
            "Text message",
            {"Phone number": "12"},
            "Phone number must be in international form",
            {"Phone number": "+6421234567"},
        ),
        (
            "Amazon SNS topic",
            {"Topic": "news", "Role": ""},
            "Topic must be an ARN of the service sns",
            {"Topic": "arn:aws:sns:us-west-2:123456789012:news", "Role": "arn:aws:iam::123456789012:role/docstore"},
        ),
        (
            "Amazon SQS queue",
            {"Queue": "arn:aws:sqs:us-west-2:123456789012:news", "Role": "me"},
            "Role must be the ARN of an IAM role",
            {"Role": "arn:aws:iam::123456789012:role/docstore"},
        ),
    ],
)
async def test_following_by_phone_and_by_queues(
    ada: Visitor, kind: str, wrong: dict[str, str], said: str, right: dict[str, str]
) -> None:
    """A refusal of the API is shown at its field; corrected, the webhook is in the list."""
    await ada.put("/watched.txt")
    await ada.open()
    page = await open_details(ada, "watched.txt", "Following")
    await page.get_by_role("button", name="Add webhook").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Method").select_option(kind)
    for label, value in wrong.items():
        await dialog.get_by_label(label).fill(value)
    await dialog.get_by_role("button", name="Follow").click()
    await expect(dialog.get_by_role("alert")).to_contain_text(said)
    for label, value in right.items():
        await dialog.get_by_label(label).fill(value)
    await dialog.get_by_role("button", name="Follow").click()
    await expect(dialog).to_have_count(0)
    await expect(page.get_by_role("list", name="Webhooks and other targets")).to_contain_text(kind)
