"""The page itself: content security policy, size, loading time."""

from playwright.async_api import Response, expect
from web_visitors import Visitor, check_page

SCRIPT_BYTES = 200_000
INTERACTIVE_MS = 1000


async def test_size_of_the_first_page_is_bounded(ada: Visitor) -> None:
    """Under 200 KB of compressed script; usable soon, and from the cache within a second."""
    await ada.put("/notes.txt")
    sizes: dict[str, int] = {}

    async def note(response: Response) -> None:
        if response.url.endswith(".js") and response.request.resource_type == "script":
            sizes[response.url] = int((await response.all_headers()).get("content-length", "0"))

    page = ada.page
    page.on("response", note)
    await ada.open()
    await expect(ada.row("notes.txt")).to_be_visible()
    times = []
    for _ in range(3):
        await page.reload()
        await page.get_by_text("notes.txt").wait_for()
        times.append(await page.evaluate("performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"))
    total = sum(sizes.values())
    print(f"first load: {total} bytes of script in {len(sizes)} files; ready after {min(times):.0f} ms")
    assert 0 < total < SCRIPT_BYTES
    assert min(times) < INTERACTIVE_MS


async def test_the_policy_is_strict(ada: Visitor, url: str) -> None:
    """No inline script or style, nothing from elsewhere, no frame around the page."""
    answer = await ada.context.request.get(f"{url}/files", headers={"Accept": "text/html"})
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "style-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_no_script_can_read_the_log_in(ada: Visitor) -> None:
    """Cookies are HttpOnly and SameSite=Strict, and storage has no token."""
    page = await ada.open()
    await expect(page.get_by_role("heading", name="This folder is empty")).to_be_visible()
    assert await page.evaluate("document.cookie") == ""
    assert "ey" not in await page.evaluate("JSON.stringify(localStorage) + JSON.stringify(sessionStorage)")
    for cookie in await ada.context.cookies():
        assert cookie["httpOnly"]
        assert cookie["sameSite"] == "Strict"


async def test_a_cookie_alone_changes_nothing(ada: Visitor, url: str) -> None:
    """A call that another page had the browser make is refused: it has the cookie, and no CSRF token."""
    answer = await ada.context.request.post(f"{url}/v1/folders", data={"path": "/Forged"})
    assert answer.status == 403
    assert (await answer.json())["code"] == "csrf"
    assert await ada.person.names() == []


async def test_administration_is_for_administrators(ada: Visitor) -> None:
    """Others get an explanation, and no link to it."""
    page = await ada.open("/admin")
    await expect(page.get_by_role("heading", name="Administrators only")).to_be_visible()
    await expect(page.get_by_role("link", name="Administration")).to_have_count(0)
    await check_page(page, "not-for-you")
