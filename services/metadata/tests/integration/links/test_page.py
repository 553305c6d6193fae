"""The HTML page of a public link."""

import base64
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote

import pytest
from metadata_stack import Stack

from docstore_events.catalogue.files import PreviewReady
from docstore_metadata.paging import DEFAULT_LIMIT
from docstore_platform.service.client import HttpResponse, LocalTransport

pytestmark = pytest.mark.connected

FORM = "application/x-www-form-urlencoded"


@dataclass
class Page(HTMLParser):
    """The parsed contents of a page."""

    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    text: str = ""

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str, attribute: str) -> Iterator[str]:
        return (str(attrs[attribute]) for name, attrs in self.tags if name == tag and attribute in attrs)

    def href(self, text: str) -> str:
        return next(href for href in self.all("a", "href") if text in href)


def parse(answer: HttpResponse, frames: int = 0) -> Page:
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    page = Page()
    page.feed(answer.body.decode())
    assert not {tag for tag, _ in page.tags} & {"script", "object", "link", "base"}
    assert [tag for tag, _ in page.tags].count("iframe") == frames
    assert ("frame-src 'self'" in answer.headers["content-security-policy"]) == bool(frames)
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on") or name == "style"]
    assert {tag for tag, attrs in page.tags if "src" in attrs} <= {"img", "iframe"}
    assert all(source.startswith("/frames/link.html#") for source in page.all("iframe", "src"))
    assert not [href for href in page.all("a", "href") if not href.startswith("/l/")]
    return page


async def browse(stack: Stack, method: str, path: str, body: bytes = b"", languages: str = "") -> HttpResponse:
    headers = {"content-type": FORM, "x-forwarded-for": "1.2.3.4", "accept-language": languages}
    return await LocalTransport(stack.person.app_url).send(method, path, headers, body)


async def make(stack: Stack, file: Any, **options: Any) -> str:
    link = await stack.person.ok("POST", f"/v1/files/{file['id']}/links", options)
    return f"/l/{link['token']}"


async def test_the_page_shows_a_file_and_downloads_it(running: Stack) -> None:
    """Name, size, date and limits; the view counts as an open."""
    file = await running.put("/<b>\"&'.txt", b"x" * 1234)
    path = await make(running, file, max_downloads=2, expires_at="2034-05-06T07:08:09Z")
    answer = await browse(running, "GET", path)
    page = parse(answer)
    assert answer.status == 200
    assert "<b>\"&'.txt" in page.text
    for shown in ("1.2 KB", "Downloads left: 2", "6 May 2034, 07:08 UTC", "Text · "):
        assert shown in page.text
    sent = await browse(running, "GET", page.href("/download"))
    assert (sent.status, sent.headers["cache-control"]) == (302, "private, no-store")
    row = await running.database["links"].find_one({})
    assert (row["opens"], row["downloads"]) == (1, 1)


async def test_the_page_has_a_strict_content_security_policy(running: Stack) -> None:
    """No scripts, external resources, frames, cookies or caching; its only style is allowed by hash."""
    path = await make(running, await running.put("/a.txt"))
    answer = await browse(running, "GET", path)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "form-action 'self'" in policy
    assert "unsafe" not in policy
    assert "img-src" not in policy
    style = re.findall(r"<style>(.*)</style>", answer.body.decode(), re.DOTALL)[0]
    assert "url(" not in style
    assert "@import" not in style
    assert base64.b64encode(hashlib.sha256(style.encode()).digest()).decode() in policy
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.headers["x-robots-tag"] == "noindex, nofollow"
    assert "set-cookie" not in answer.headers
    assert list(parse(answer).all("meta", "name")) == ["viewport", "robots"]


async def test_a_protected_link_shows_a_password_form(stack: Stack) -> None:
    """Nothing of the file is shown before; a wrong password is 403, the right one opens pages with a grant."""
    async with stack.run(argon2_memory_kib=64, argon2_passes=1):
        file = await stack.put("/hidden name.txt")
        path = await make(stack, file, password="café & co")
        response = await browse(stack, "GET", path)
        form = parse(response)
        assert response.status == 200
        assert "hidden" not in form.text
        assert list(form.all("form", "method")) == ["post"]
        assert list(form.all("form", "action")) == [path]
        assert list(form.all("input", "name")) == ["password"]
        for body in (b"password=wrong", b"", b"password=" + b"x" * 5000, b"&".join([b"a=b"] * 50)):
            wrong = await browse(stack, "POST", path, body)
            assert wrong.status == 403
            assert "not the password" in parse(wrong).text
        right = await browse(stack, "POST", path, f"password={quote('café & co')}".encode())
        page = parse(right)
        assert (right.status, "hidden name.txt" in page.text) == (200, True)
        assert (await browse(stack, "GET", page.href("/download"))).status == 302
        refused = await browse(stack, "GET", f"{path}/download?grant=1.forged")
        assert refused.status == 403
        assert "not the password" not in parse(refused).text
        row = await stack.database["links"].find_one({})
        assert (row["opens"], row["downloads"]) == (1, 1)


async def test_the_page_navigates_through_a_folder(stack: Stack) -> None:
    """Down, up, and to the next page, with the grant in every URL."""
    async with stack.run(argon2_memory_kib=64, argon2_passes=1):
        await stack.commit(*(stack.item(f"/top/{n:03}.txt") for n in range(DEFAULT_LIMIT)))
        await stack.put("/top/x below/deep.txt")
        path = await make(stack, await stack.person.at("/top"), password="p")
        page = parse(await browse(stack, "POST", path, b"password=p"))
        assert "098.txt" in page.text
        assert "099.txt" not in page.text
        rest = parse(await browse(stack, "GET", page.href("after=")))
        assert "099.txt" in rest.text
        assert "x below" not in rest.text
        assert "x below" in page.text
        below = parse(await browse(stack, "GET", page.href(f"{path}?folder=")))
        assert "deep.txt" in below.text
        assert (await browse(stack, "GET", below.href("/download"))).status == 302
        top = parse(await browse(stack, "GET", below.href("?folder=")))
        assert "000.txt" in top.text
        assert (await stack.database["links"].find_one({}))["opens"] == 1


@pytest.mark.parametrize("query", ["?folder=nothing", "?after=nonsense", "/download?file=nothing", "/download"])
async def test_a_closed_link_is_a_readable_404_page(running: Stack, query: str) -> None:
    """So are malformed parameters."""
    await running.put("/top/a.txt")
    path = await make(running, await running.person.at("/top"))
    answer = await browse(running, "GET", f"{path}{query}")
    assert answer.status == 404
    assert "Link not found" in parse(answer).text


async def test_an_empty_folder_has_a_message(running: Stack) -> None:
    """The page is not blank."""
    path = await make(running, await running.person.folder("/empty"))
    assert "This folder is empty." in parse(await browse(running, "GET", path)).text


PICTURES = "https://pictures.example"


async def picture_of(stack: Stack, file: Any) -> None:
    """Publish that a file has a preview."""
    about = {"file_id": file["id"], "owner_id": stack.person.account_id, "version": file["version"], "of": "image"}
    await stack.handle(PreviewReady(revision=1, **about))


async def test_the_page_shows_a_preview_and_the_owners_name(running: Stack) -> None:
    """From media's signed URL, whose origin alone the policy allows for images."""
    await running.register(running.person, "ada@example.org", name="Ada <b>Lovelace</b>")
    file = await running.put("/sunset.png", content_type="image/png")
    path = await make(running, file)
    assert list(parse(await browse(running, "GET", path)).all("img", "src")) == []
    await picture_of(running, file)
    answer = await browse(running, "GET", path)
    page = parse(answer)
    assert list(page.all("img", "src")) == [f"{PICTURES}/{file['id']}.large?signature=1&more=2"]
    assert list(page.all("img", "alt")) == ["Preview of sunset.png"]
    assert "Shared by Ada <b>Lovelace</b>" in page.text
    assert "Image · 5 bytes" in page.text
    assert answer.headers["content-security-policy"].endswith(f"; img-src {PICTURES}")


async def test_each_file_of_a_folder_has_a_preview_or_icon(running: Stack) -> None:
    """The previews of a page are fetched in one call; folders open, files download."""
    photo = await running.put("/top/photo.png", content_type="image/png")
    table = await running.put("/top/table.xlsx")
    await running.person.folder("/top/below")
    await picture_of(running, photo)
    page = parse(await browse(running, "GET", await make(running, await running.person.at("/top"))))
    assert list(page.all("img", "src")) == [f"{PICTURES}/{photo['id']}.small?signature=1&more=2"]
    icons = [href for href in page.all("use", "href") if href != "#icon-download"]
    assert icons == ["#icon-folder", "#icon-sheet"]
    downloads = [href for href in page.all("a", "href") if "/download?" in href]
    assert [re.findall(r"file=(\w+)", href)[0] for href in downloads] == [photo["id"], table["id"]]
    assert len(running.media.calls) == 1


async def test_a_link_with_a_download_limit_shows_no_preview(running: Stack) -> None:
    """A preview would show the content uncounted."""
    file = await running.put("/sunset.png", content_type="image/png")
    await picture_of(running, file)
    page = parse(await browse(running, "GET", await make(running, file, max_downloads=1)))
    assert list(page.all("img", "src")) == []
    assert running.media.calls == []


async def test_a_file_of_a_folder_has_a_page_with_each_page_of_it(running: Stack) -> None:
    """Its first page as it is ready, later ones as they are rendered; back to the folder, and Download."""
    paper = await running.put("/top/paper.pdf", content_type="application/pdf")
    await picture_of(running, paper)
    path = await make(running, await running.person.at("/top"))
    folder = parse(await browse(running, "GET", path))
    first = parse(await browse(running, "GET", folder.href(f"?file={paper['id']}")))
    assert list(first.all("img", "src")) == [f"{PICTURES}/{paper['id']}.large?signature=1&more=2"]
    assert first.href("/download") == f"{path}/download?file={paper['id']}"
    second = parse(await browse(running, "GET", first.href("page=2")))
    assert list(second.all("img", "src")) == [f"{PICTURES}/{paper['id']}..2?signature=1&more=2"]
    assert "page=1" in second.href("page=1")
    assert second.href("?folder=") == f"{path}?folder={paper['parent_id']}"


async def test_a_document_without_picture_is_rendered_in_a_frame(running: Stack) -> None:
    """It fetches what Download does. A picture is preferred; of other files there is Download alone."""
    letter = await running.put("/top/letter.docx")
    path = await make(running, await running.person.at("/top"))
    page = parse(await browse(running, "GET", f"{path}?file={letter['id']}"), frames=1)
    assert list(page.all("iframe", "src")) == [f"/frames/link.html#docx:{page.href('/download')}"]
    assert list(page.all("iframe", "title")) == ["letter.docx"]
    await picture_of(running, letter)
    assert len(list(parse(await browse(running, "GET", f"{path}?file={letter['id']}")).all("img", "src"))) == 1
    file = await running.put("/top/plain.bin")
    page = parse(await browse(running, "GET", f"{path}?file={file['id']}"))
    assert page.href("/download")


async def test_a_link_that_counts_downloads_renders_a_document_when_asked(running: Stack) -> None:
    """Since that is one of them. One with a watermark, which gives no contents, never does."""
    letter = await running.put("/letter.docx")
    page = parse(await browse(running, "GET", path := await make(running, letter, max_downloads=2)))
    assert "Counts as a download." in page.text
    shown = parse(await browse(running, "GET", page.href("show=")), frames=1)
    assert list(shown.all("iframe", "src")) == [f"/frames/link.html#docx:{path}/download"]
    assert "Downloads left: 1" in shown.text
    marked = await make(running, letter, watermark="draft")
    page = parse(await browse(running, "GET", f"{marked}?show=true"))
    assert "Show it here" not in page.text


async def test_the_page_works_while_media_is_down(running: Stack) -> None:
    """With the icon of the file's kind, and its download."""
    file = await running.put("/sunset.png", content_type="image/png")
    await picture_of(running, file)
    running.media.down = True
    answer = await browse(running, "GET", await make(running, file))
    page = parse(answer)
    assert (answer.status, list(page.all("img", "src"))) == (200, [])
    assert "#icon-image" in page.all("use", "href")
    assert page.href("/download")


async def test_a_page_shows_its_address_as_a_qr_code(running: Stack) -> None:
    """Drawn by the server, as an inline picture: no one else learns the address."""
    path = await make(running, await running.put("/a.txt"))
    page = parse(await browse(running, "GET", path))
    assert [tag for tag, _ in page.tags].count("details") == 1
    assert "QR code" in page.text


async def test_only_a_link_whose_owner_allows_it_is_framed_by_other_sites(running: Stack) -> None:
    """At an address of its own, without downloads; every other page forbids it, and so does a password."""
    await running.put("/shown/a.txt")
    path = await make(running, await running.person.at("/shown"), embed=True)
    framed = await browse(running, "GET", f"{path}/embed")
    page = parse(framed)
    assert framed.status == 200
    assert "frame-ancestors *" in framed.headers["content-security-policy"]
    assert not [href for href in page.all("a", "href") if "/download" in href or "/zip" in href]
    file = parse(await browse(running, "GET", page.href("file=")))
    assert "a.txt" in file.text
    assert (await running.person.ok("GET", "/v1/files"))["items"][0]["name"] == "shown"
    others = [
        await make(running, await running.person.at("/shown")),
        await make(running, await running.person.at("/shown"), embed=True, password="sesame"),
    ]
    for answer in (
        await browse(running, "GET", path),
        *[await browse(running, "GET", f"{other}/embed") for other in others],
        await browse(running, "GET", f"{path}/embed?file={'0' * 32}"),
    ):
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert "a.txt" not in parse(answer).text or answer.status == 200


async def test_an_operator_names_the_sites_that_may_frame(stack: Stack) -> None:
    """For all links."""
    async with stack.run(link_embed_sites="https://intranet.example"):
        path = await make(stack, await stack.put("/a.txt"), embed=True)
        policy = (await browse(stack, "GET", f"{path}/embed")).headers["content-security-policy"]
        assert "frame-ancestors https://intranet.example;" in f"{policy};"


@pytest.mark.parametrize(
    ("languages", "tag", "shown", "expires"),
    [
        ("de-AT,en;q=0.5", "de", "Herunterladen", "läuft am 6. Mai 2034, 07:08 UTC ab"),
        ("es", "es", "Descargar", "caduca el 6 de mayo de 2034, 7:08 UTC"),
        ("fr, zh-CN;q=0.3", "zh-Hans", "下载", "将于 2034年5月6日 07:08 UTC 过期"),
        ("fr", "en", "Download", "expires on 6 May 2034, 07:08 UTC"),
    ],
)
async def test_a_page_is_in_the_language_of_the_visitor(
    running: Stack, languages: str, tag: str, shown: str, expires: str
) -> None:
    """As its headers say to browsers and caches; names stay as they are, and are escaped."""
    path = await make(running, await running.put("/<i>a.txt", b"x"), expires_at="2034-05-06T07:08:09Z")
    answer = await browse(running, "GET", path, languages=languages)
    page = parse(answer)
    assert answer.headers["content-language"] == tag
    assert answer.headers["vary"].lower() == "accept-language"
    assert next(page.all("html", "lang")) == tag
    assert shown in page.text
    assert expires in page.text
    assert "<i>a.txt" in page.text


async def test_what_is_refused_is_told_in_the_language_of_the_visitor(running: Stack) -> None:
    """An unknown link, a wrong password, too few downloads for a ZIP."""
    folder = await running.person.folder("/gezippt")
    await running.put("/gezippt/a.txt", b"x")
    await running.put("/gezippt/b.txt", b"x")
    locked = await make(running, folder, password="right", max_downloads=1)
    absent = await browse(running, "GET", "/l/" + "a" * 32, languages="de")
    assert "Link nicht gefunden" in parse(absent).text
    assert "Passwort" in parse(await browse(running, "GET", locked, languages="de")).text
    wrong = await browse(running, "POST", locked, b"password=wrong", languages="de")
    assert "Das ist nicht das Passwort." in parse(wrong).text
    limited = await make(running, folder, max_downloads=1)
    zipped = await browse(running, "GET", f"{limited}/zip", languages="de")
    assert (zipped.status, "erlaubt weniger Downloads" in parse(zipped).text) == (409, True)
