"""Uploading from a browser without JavaScript, from log-in to file."""

from collections.abc import AsyncIterator

import pytest
from people import PASSWORD, Person
from plain_browser import PlainBrowser

pytestmark = pytest.mark.connected

REDIRECT = "/redirect"


@pytest.fixture
async def browser() -> AsyncIterator[PlainBrowser]:
    async with PlainBrowser() as browser:
        yield browser


async def log_in(browser: PlainBrowser, person: Person) -> None:
    await browser.open(f"{person.gateway}/web/form")
    await browser.submit("/web/session/form", email=person.email, password=PASSWORD)
    assert (browser.status, person.email in browser.page.text) == (200, True), browser.page.text


async def choose(browser: PlainBrowser, name: str, **wishes: str) -> None:
    """Say where the file goes; then the store's form is shown."""
    await browser.submit("/web/form", name=name, **wishes)
    assert (browser.status, "at most" in browser.page.text) == (200, True), browser.page.text


async def send(browser: PlainBrowser, content: bytes) -> None:
    (form,) = (form for form in browser.page.forms if form.files)
    assert form.action.startswith("http")
    await browser.submit(form.action, files={"file": ("picked.txt", content)})


async def test_a_file_without_javascript(ada: Person, browser: PlainBrowser) -> None:
    """Log in, say where to, choose the file, read what became of it: listed with its size, counted to the byte."""
    await log_in(browser, ada)
    assert browser.page.scripts == 0
    await choose(browser, "for grace.txt", folder="letters/2026/")
    assert browser.page.scripts == 0
    assert (await ada.usage())["reserved"] > 0
    await send(browser, b"Dear Grace,\n" * 3)
    assert (browser.status, REDIRECT in browser.url) == (200, True), browser.page.text
    assert "Upload complete" in browser.page.text
    assert "/letters/2026/for grace.txt, 36 bytes, version 1." in browser.page.text
    (file,) = (await ada.call("GET", "/v1/files?path=/letters/2026"))["items"]
    assert (file["name"], file["size"], file["content_type"]) == ("for grace.txt", 36, "text/plain")
    assert await ada.content(file["id"]) == b"Dear Grace,\n" * 3
    await ada.counted(36)
    await browser.follow("Upload another file")
    assert "Upload a file" in browser.page.text


async def test_a_name_that_is_taken(ada: Person, browser: PlainBrowser) -> None:
    """As was chosen: the next version, a second file, or nothing, which is said before the file is chosen."""
    await ada.upload("/notes.txt", b"one")
    await log_in(browser, ada)
    await choose(browser, "notes.txt")
    await send(browser, b"three")
    assert "/notes.txt, 5 bytes, version 2." in browser.page.text
    await ada.counted(3 + 5)
    await browser.follow("Upload another file")
    await choose(browser, "notes.txt", taken="copy")
    await send(browser, b"four")
    assert "conflict" in browser.page.text
    await ada.counted(3 + 5 + 4)
    await browser.follow("Upload another file")
    await browser.submit("/web/form", name="notes.txt", folder="/", taken="fail")
    assert (browser.status, "A file with this name already exists." in browser.page.text) == (409, True)
    form = browser.page.form("/web/form")
    assert (form.fields["name"], form.fields["taken"]) == ("notes.txt", "fail")
    assert len(await ada.names()) == 2


async def test_an_upload_that_cannot_be_stored_is_explained(ada: Person, browser: PlainBrowser) -> None:
    """No name, a wrong one, a wrong password, another's upload: on the page, over what was filled in."""
    await browser.open(f"{ada.gateway}/web/form")
    await browser.submit("/web/session/form", email=ada.email, password="wrong")
    assert (browser.status, browser.page.form("/web/session/form").fields["email"]) == (401, ada.email)
    await log_in(browser, ada)
    for name, words in (("a/b.txt", "can't contain"), ("..", "are no names"), (" ", "Enter a file name")):
        await browser.submit("/web/form", name=name, folder="/letters")
        assert (browser.status, words in browser.page.text) == (422, True), browser.page.text
        assert browser.page.form("/web/form").fields["folder"] == "/letters"
    await browser.open(f"{ada.gateway}/web/form/{'0' * 32}")
    assert (browser.status, "no such upload" in browser.page.text) == (404, True)
    await ada.counted(0)


async def test_only_what_is_left_is_kept_for_it(ada: Person, browser: PlainBrowser, small_limits: None) -> None:
    """A form takes no more than there is room for; open forms reserve it; a cancelled form releases it."""
    limit = (await ada.usage())["limit"]
    await ada.upload("/first.bin", bytes(1 << 20))
    await ada.counted(1 << 20)
    await log_in(browser, ada)
    await choose(browser, "second.bin")
    assert (await ada.usage())["reserved"] == limit - (1 << 20)
    first = browser.url
    await browser.open(f"{ada.gateway}/web/form")
    await browser.submit("/web/form", name="third.bin")
    assert (browser.status, "Your storage is full" in browser.page.text) == (507, True)
    await browser.open(first)
    await send(browser, bytes(limit))
    assert browser.status == 400
    await browser.open(first)
    await browser.submit("/cancel")
    assert "Upload cancelled" in browser.page.text
    await ada.counted(1 << 20)
    await browser.open(first)
    assert "Nothing was stored" in browser.page.text


async def test_the_page_of_an_upload_shows_its_outcome(ada: Person, browser: PlainBrowser) -> None:
    """Also to who comes back to it; logged out, the browser is asked to log in again."""
    await log_in(browser, ada)
    await choose(browser, "plans.txt")
    address = browser.url
    await send(browser, b"plans")
    await browser.open(address)
    assert ("Upload complete" in browser.page.text, "/plans.txt" in browser.page.text) == (True, True)
    await browser.open(f"{ada.gateway}/web/form")
    await browser.submit("/web/session/form/end")
    assert "Log in" in browser.page.text
    await browser.open(address)
    assert (browser.status, "Password" in browser.page.text) == (200, True)
    sessions = (await ada.call("GET", "/v1/sessions"))["items"]
    assert all(session["device_name"] != "Plain page" for session in sessions), sessions
