"""Public links end to end: created by the owner, used without an account."""

import asyncio
import hashlib
import re
from base64 import b64encode
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from people import Person

pytestmark = pytest.mark.connected

FORM = {"content-type": "application/x-www-form-urlencoded"}


class Hrefs(HTMLParser):
    """Where the links and forms of a page lead."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.tags: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.found += [value or "" for name, value in attrs if name in ("href", "action", "src")]

    def one(self, part: str) -> str:
        (found,) = (href for href in self.found if part in href)
        return found


async def page(visitor: Person, path: str, form: dict[str, str] | None = None) -> tuple[int, str, Any]:
    """A page as a browser gets it: status, HTML, headers."""
    body = None if form is None else urlencode(form)
    async with visitor._session.request(
        "GET" if form is None else "POST", visitor.gateway + path, data=body, headers=FORM, allow_redirects=False
    ) as answer:
        return answer.status, await answer.text(), answer.headers


async def fetched(visitor: Person, path: str) -> bytes:
    """The bytes behind a download."""
    answer = await visitor.ask("GET", path)
    assert answer.status == 302, answer
    async with visitor._session.get(answer.headers["location"]) as content:
        assert content.status == 200
        assert content.headers["content-disposition"].startswith("attachment")
        return await content.read()


async def test_a_link_with_a_password_end_to_end(ada: Person, nobody: Person) -> None:
    """Form, wrong password, right password, download, limit, and the page of a link that is used up."""
    file = await ada.upload("/letters/for bo.txt", b"dear Bo")
    wish = {"password": "open sesame", "max_downloads": 1}
    link = await ada.call("POST", f"/v1/files/{file['id']}/links", wish)
    path = urlsplit(link["url"]).path
    status, html, headers = await page(nobody, path)
    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "for bo" not in html
    assert Hrefs(html).found == [path]
    assert (await page(nobody, path, {"password": "wrong"}))[0] == 403
    status, html, headers = await page(nobody, path, {"password": "open sesame"})
    assert status == 200
    for shown in ("for bo.txt", "7 bytes", "Downloads left: 1"):
        assert shown in html
    download = Hrefs(html).one("/download")
    assert await fetched(nobody, download) == b"dear Bo"
    status, gone, _ = await page(nobody, download)
    assert (status, "Link not found" in gone) == (404, True)
    (seen,) = await ada.every(f"/v1/files/{file['id']}/links")
    assert (seen["opens"], seen["downloads"], "token" in seen) == (1, 1, False)


async def test_a_page_is_safe_to_open(ada: Person, nobody: Person) -> None:
    """One strict policy, nothing sniffed, framed, cached or sent to others, no script and no cookie."""
    file = await ada.upload("/<script>alert(1)<b>.html", b"<script>")
    link = await ada.call("POST", f"/v1/files/{file['id']}/links", {})
    _, html, headers = await page(nobody, urlsplit(link["url"]).path)
    assert not Hrefs(html).tags & {"script", "img", "iframe", "link", "b"}
    (policy,) = headers.getall("content-security-policy")
    (style,) = re.findall(r"<style>(.*)</style>", html, re.DOTALL)
    digest = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy.split("; ")[:3] == ["default-src 'none'", f"style-src 'sha256-{digest}'", "form-action 'self'"]
    expected = {"x-content-type-options": "nosniff", "referrer-policy": "no-referrer", "x-frame-options": "DENY"}
    expected |= {"cache-control": "private, no-store"}
    assert {name: headers.getall(name) for name in expected} == {name: [value] for name, value in expected.items()}
    assert "set-cookie" not in headers


async def test_a_folder_link_shows_what_is_below_and_ends_when_revoked(ada: Person, nobody: Person) -> None:
    """New files appear; what is beside stays hidden; after revoking the next call finds nothing."""
    inside = await ada.upload("/open/a.txt", b"a")
    beside = await ada.upload("/beside.txt", b"b")
    link = await ada.call("POST", f"/v1/files/{inside['parent_id']}/links", {"name": "everybody"})
    base = f"/v1/links/{link['token']}"
    opened = await nobody.call("POST", f"{base}/open", {})
    assert [item["name"] for item in opened["items"]] == ["a.txt"]
    await ada.upload("/open/sub/c.txt", b"c")
    items = await nobody.every(f"{base}/files")
    assert [(item["name"], item["kind"]) for item in items] == [("sub", "folder"), ("a.txt", "file")]
    (below,) = await nobody.every(f"{base}/files", parent_id=items[0]["id"])
    assert await fetched(nobody, f"{base}/content?file_id={below['id']}") == b"c"
    assert await nobody.refused("GET", f"{base}/content?file_id={beside['id']}") == (404, "not_found")
    assert ">sub<" in (await page(nobody, f"/l/{link['token']}"))[1]
    await ada.call("DELETE", f"/v1/files/{inside['parent_id']}/links/{link['id']}")
    assert await nobody.refused("POST", f"{base}/open", {}) == (404, "not_found")
    assert (await page(nobody, f"/l/{link['token']}"))[0] == 404


async def test_a_download_limit_holds_at_the_gateway(ada: Person, nobody: Person) -> None:
    """Of fifty who come at once exactly as many as may get the file."""
    file = await ada.upload("/rare.txt", b"rare")
    link = await ada.call("POST", f"/v1/files/{file['id']}/links", {"max_downloads": 9})
    answers = await asyncio.gather(*(nobody.ask("GET", f"/v1/links/{link['token']}/content") for _ in range(50)))
    statuses = [answer.status for answer in answers]
    assert (statuses.count(302), statuses.count(404)) == (9, 41)


async def test_a_repeated_call_makes_no_second_link(ada: Person) -> None:
    """The same Idempotency-Key answers with the link of the first call, token included; another key makes another."""
    file = await ada.upload("/twice.txt", b"x")
    path, key = f"/v1/files/{file['id']}/links", {"idempotency-key": "the same"}
    first, again = [await ada.call("POST", path, {}, headers=key) for _ in range(2)]
    assert (again["id"], again["token"]) == (first["id"], first["token"])
    other = await ada.call("POST", path, {}, headers={"idempotency-key": "another"})
    assert [link["id"] for link in await ada.every(path)] == [first["id"], other["id"]]
