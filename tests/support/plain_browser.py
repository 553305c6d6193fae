"""A browser without JavaScript: shows pages, submits forms, keeps cookies and follows redirects."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from types import TracebackType
from typing import Self
from urllib.parse import urlencode, urljoin, urlsplit

import aiohttp
from yarl import URL

Upload = tuple[str, bytes]
"""Name and content of a chosen file."""


@dataclass
class Form:
    action: str
    method: str
    enctype: str
    fields: dict[str, str] = field(default_factory=dict)
    """As they are filled in when the page comes, in the order of the page."""
    labelled: set[str] = field(default_factory=set)
    """Names of those that a label speaks of."""
    files: set[str] = field(default_factory=set)


class PlainPage(HTMLParser):
    """What stands on a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: dict[str, str] = {}
        self.text = ""
        self.scripts = 0
        self._labels: set[str] = set()
        self._open: list[str] = []
        self._select = ""
        self._href: str | None = None
        self.feed(html)

    def form(self, action: str) -> Form:
        """The one form that leads there."""
        (found,) = (form for form in self.forms if form.action.endswith(action))
        return found

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._open.append(tag)
        self.scripts += tag == "script" or any(name.startswith("on") for name in given)
        if tag == "form":
            self.forms.append(Form(given["action"], given["method"], given.get("enctype", "")))
        elif tag == "label":
            self._labels.add(given["for"])
        elif tag == "a":
            self._href = given["href"]
        elif tag == "option":
            if "selected" in given or self._select not in self.forms[-1].fields:
                self.forms[-1].fields[self._select] = given["value"]
        elif tag in ("input", "select"):
            self._field(tag, given)

    def _field(self, tag: str, given: dict[str, str]) -> None:
        form, name = self.forms[-1], given["name"]
        if given.get("type") == "hidden" or given["id"] in self._labels:
            form.labelled.add(name)
        if tag == "select":
            self._select = name
        elif given.get("type") == "file":
            form.files.add(name)
        else:
            form.fields[name] = given.get("value", "")

    def handle_data(self, data: str) -> None:
        if "style" in self._open[-1:]:
            return
        self.text += data
        if self._href is not None:
            self.links[data.strip()], self._href = self._href, None

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass


class PlainBrowser:
    """One window. `status`, `url` and `page` are what it shows."""

    def __init__(self) -> None:
        # Cookies of servers that have no name but an address.
        self._session = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
        self.status = 0
        self.url = ""
        self.page = PlainPage("")
        self.headers: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def open(self, url: str) -> None:
        await self._go("GET", URL(url, encoded=True), {})

    async def follow(self, link: str) -> None:
        await self.open(urljoin(self.url, self.page.links[link]))

    async def submit(self, action: str, *, files: dict[str, Upload] | None = None, **filled_in: str) -> None:
        """Send the form that leads there, with what was filled in; a field that is not on the page is an error."""
        form = self.page.form(action)
        assert form.method == "post"
        assert filled_in.keys() <= form.fields.keys(), form.fields
        fields = form.fields | filled_in
        body: aiohttp.FormData | bytes = urlencode(fields).encode()
        headers = {"content-type": "application/x-www-form-urlencoded"}
        if form.enctype == "multipart/form-data":
            body, headers = aiohttp.FormData(), {}
            for name, value in fields.items():
                body.add_field(name, value)
            for name in sorted(form.files):
                filename, content = (files or {})[name]
                body.add_field(name, content, filename=filename)
        parts = urlsplit(self.url)
        headers["origin"] = f"{parts.scheme}://{parts.netloc}"
        await self._go("POST", URL(urljoin(self.url, form.action), encoded=True), headers, body)

    async def _go(self, method: str, url: URL, headers: dict[str, str], body: aiohttp.FormData | bytes = b"") -> None:
        """Along all redirects, which browsers follow with GET."""
        for _ in range(10):
            async with self._session.request(
                method, url, headers=headers, data=body or None, allow_redirects=False
            ) as answer:
                if answer.status != 303:
                    self.status, self.url = answer.status, str(url)
                    self.headers = {name.lower(): value for name, value in answer.headers.items()}
                    self.page = PlainPage(await answer.text())
                    return
                url = url.join(URL(answer.headers["location"], encoded=True))
            method, headers, body = "GET", {}, b""
        raise AssertionError(f"redirected for ever, last to {url}")
