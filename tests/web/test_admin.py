"""The administrators' pages."""

import re

import pytest
from playwright.async_api import expect
from web_visitors import NewVisitor, Visitor, check_page

from docstore_standalone.stack import ADMIN_EMAIL


@pytest.fixture
async def admin(new_visitor: NewVisitor, url: str, admin_password: str) -> Visitor:
    """An administrator, logged in."""
    visitor = await new_visitor("clerk", logged_in=False)
    login = {"email": ADMIN_EMAIL, "password": admin_password}
    answer = await visitor.context.request.post(f"{url}/web/session", data=login)
    assert answer.ok, await answer.text()
    return visitor


async def test_administration(admin: Visitor, ada: Visitor) -> None:
    """Figures and pictures, accounts with their plans, the audit log and its proof, health, events as they come."""
    await ada.put("/counted.txt", bytes(5000))
    page = await admin.open("/admin")
    await expect(page.get_by_text("Average document", exact=True)).to_be_visible()
    await expect(page.locator(".chart canvas").first).to_be_visible()
    await check_page(page, "admin-overview")
    await page.get_by_role("link", name="Accounts").click()
    await page.get_by_label("Search accounts by email").fill(ada.person.email)
    plan = page.get_by_label(f"Plan of {ada.person.email}")
    await plan.select_option("Premium")
    await expect(plan).to_have_value("premium")
    await check_page(page, "admin-accounts")
    await page.get_by_role("link", name="Audit log").click()
    await expect(page.get_by_role("cell", name="file-created").first).to_be_visible()
    await page.get_by_role("button", name="Verify the log").click()
    await expect(page.get_by_text("are intact")).to_be_visible()
    await check_page(page, "admin-audit")
    await page.get_by_role("link", name="Health").click()
    await expect(page.get_by_role("rowheader", name="metadata")).to_be_visible()
    await check_page(page, "admin-health")
    await page.get_by_role("link", name="Logs").click()
    await page.get_by_label("Text").fill("/v1/admin/health")
    await page.get_by_role("button", name="Search").click()
    await page.get_by_role("button", name="Show trace").first.click()
    await expect(page.get_by_label("Trace ID")).to_have_value(re.compile("[0-9a-f]{32}"))
    await expect(page.get_by_role("region", name="Log lines")).to_contain_text("/v1/admin/health")
    await check_page(page, "admin-logs")
    await page.get_by_role("link", name="Operations").click()
    await expect(page.get_by_text("No backups are scheduled.")).to_be_visible()
    await page.get_by_role("button", name="Rebuild index").click()
    await expect(page.get_by_text("The search index is being rebuilt.")).to_be_visible()
    await expect(page.get_by_text("Last rebuilt:")).to_be_visible()
    await page.get_by_role("button", name="Republish events").click()
    await expect(page.get_by_text("The events are being published again.")).to_be_visible()
    await check_page(page, "admin-operations")
    async with page.expect_response(lambda answer: answer.url.endswith("/v1/admin/events")):
        await page.get_by_role("link", name="Live events").click()
    await ada.put("/heard.txt")
    await expect(page.get_by_role("list", name="Events")).to_contain_text("heard.txt")
    await page.get_by_role("button", name="Pause").click()
    await check_page(page, "admin-events")
    await page.get_by_role("link", name="Dead letters").click()
    await expect(page.get_by_role("heading", name="No dead letters")).to_be_visible()


async def test_a_forgotten_password(admin: Visitor, new_visitor: NewVisitor) -> None:
    """Grace asks for a mail; an administrator makes her a link; by it she chooses a new password and logs in."""
    grace = await new_visitor("grace", logged_in=False)
    page = await grace.open("/log-in")
    await page.get_by_role("link", name="Forgot password?").click()
    await page.get_by_label("Email").fill(grace.person.email)
    await check_page(page, "forgot-password")
    await page.get_by_role("button", name="Send reset link").click()
    await expect(page.get_by_role("heading", name="Check your email")).to_be_visible()
    accounts = await admin.open("/admin/accounts")
    await accounts.get_by_label("Search accounts by email").fill(grace.person.email)
    await accounts.get_by_role("button", name=f"Reset the password of {grace.person.email}").click()
    link = await accounts.get_by_role("textbox", name="Link").input_value()
    await check_page(accounts, "admin-reset")
    await page.goto(link)
    await page.get_by_label("New password").fill("another horse")
    await check_page(page, "reset-password")
    assert "#" not in page.url
    await page.get_by_role("button", name="Set password").click()
    await expect(page.get_by_role("heading", name="Password changed")).to_be_visible()
    await page.get_by_role("link", name="Log in").click()
    await page.get_by_label("Email").fill(grace.person.email)
    await page.get_by_label("Password").fill("another horse")
    await page.get_by_role("button", name="Log in").click()
    await expect(page.get_by_role("heading", name="This folder is empty")).to_be_visible()
