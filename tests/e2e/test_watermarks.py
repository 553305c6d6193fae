"""Shares and links with a watermark: their readers see marked pictures, and get the original by no way."""

import hashlib
import io
import re
from typing import Any
from urllib.parse import quote, urlsplit

import media_samples as samples
import pytest
from people import Person, SignUp
from PIL import Image, ImageChops

from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected

Json = dict[str, Any]
CLOSED = (403, "watermarked_only")
TEXT = b"the quarterly numbers are confidential"
URL = re.compile(r"https?://[^\"\\\s]+")


def picture(size: tuple[int, int] = (1200, 800)) -> bytes:
    out = io.BytesIO()
    Image.radial_gradient("L").resize(size).convert("RGB").save(out, "PNG")
    return out.getvalue()


def pages() -> bytes:
    """A PDF of two white pages."""
    out = io.BytesIO()
    one, two = [Image.new("RGB", (600, 800), "white") for _ in range(2)]
    one.save(out, "PDF", save_all=True, append_images=[two])
    return out.getvalue()


async def fetched(person: Person, url: str) -> bytes:
    async with person._session.get(url) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.read()


async def previewed(person: Person, file: Json) -> None:
    async def ready() -> Any:
        return (await person.call("GET", f"/v1/files/{file['id']}"))["preview"]

    await eventually(ready)


async def seen(person: Person, path: str) -> Image.Image:
    """The picture that a person, or a visitor, is redirected to."""

    async def redirected() -> Any:
        answer = await person.ask("GET", path)
        assert answer.status in (302, 503), answer
        return answer.headers.get("location")

    return Image.open(io.BytesIO(await fetched(person, await eventually(redirected)))).convert("RGB")


def differ(one: Image.Image, other: Image.Image) -> bool:
    """Whether they are of one size, and one has been drawn over: more than compression changes."""
    assert one.size == other.size
    shades = ImageChops.difference(one, other).convert("L").histogram()
    return sum(shades[20:]) > one.width * one.height / 100


async def handed_out(person: Person, path: str) -> list[bytes]:
    """What a GET of the API gives: its body, where it redirects to, and what is behind each URL in it."""
    answer = await person.ask("GET", path)
    urls = [answer.headers["location"]] if answer.status == 302 else []
    urls += URL.findall(answer.body.decode(errors="replace")) if answer.status == 200 else []
    found = [answer.body]
    for url in urls:
        async with person._session.get(url) as content:
            found.append(await content.read())
    return found


def reads(document: Json, ids: dict[str, str]) -> list[str]:
    """Every GET of the API for which there are ids, with the parameters that it needs."""
    known = ids | {"number": "1", "version": "1", "path": "/", "q": "numbers", "since": "0"}
    found = []
    for path, item in document["paths"].items():
        if "get" not in item or "events" in path or not set(re.findall(r"{(\w+)}", path)) <= known.keys():
            continue
        asked = [
            f"{each['name']}={known[each['name']]}"
            for each in item["get"].get("parameters", [])
            if each["in"] == "query" and (each.get("required") or each["name"] == "file_id") and each["name"] in known
        ]
        found.append(path.format(**known) + ("?" + "&".join(asked) if asked else ""))
    return found


async def test_no_way_leads_a_watermarked_reader_to_the_original(ada: Person, grace: Person, nobody: Person) -> None:
    """By no GET of the whole API, and no URL in its answers; neither a reader of a share nor a visitor of a link."""
    contents = {"/for/a.png": picture(), "/for/b.txt": TEXT, "/for/c.pdf": pages()}
    files = [await ada.upload(path, data) for path, data in contents.items()]
    files.append(await ada.upload_blocks("/for/d.png", [contents["/for/a.png"][:500], contents["/for/a.png"][500:]]))
    folder = {"id": files[0]["parent_id"]}
    await ada.share(folder, grace, "viewer", watermark="{reader}")
    link = await ada.call("POST", f"/v1/files/{folder['id']}/links", {"watermark": "for visitors"})
    for file in (files[0], files[2], files[3]):
        await previewed(ada, file)
    document = await ada.call("GET", "/openapi.json")
    tried = 0
    for file in files:
        original = await ada.content(file["id"])
        digest = hashlib.sha256(original).digest()
        for person, ids in (
            (grace, {"file_id": file["id"]}),
            (nobody, {"token": link["token"], "file_id": file["id"]}),
        ):
            for path in reads(document, ids):
                for data in await handed_out(person, path):
                    assert hashlib.sha256(data).digest() != digest, path
                    assert original[:4096] not in data, path
                tried += 1
        assert await handed_out(ada, f"/v1/files/{file['id']}/content") != []  # what the check would find
    assert tried > 100


async def test_a_watermark_that_is_added_closes_every_door_and_opens_them_when_removed(
    ada: Person, grace: Person
) -> None:
    """Content, versions, blocks, locations, copies; of the shared file, and by a folder of one in it."""
    file = await ada.upload("/deep/in/plan.png", picture())
    folder = await ada.call("GET", "/v1/files/by-path?path=/deep")
    share = await ada.share(folder, grace)
    file_path, share_path = f"/v1/files/{file['id']}", f"/v1/files/{folder['id']}/shares/{share['id']}"
    copies = iter(range(10))

    async def doors() -> set[tuple[int, str]]:
        gets = ("/content", "/content?version=1", "/versions", "/changes?since=0", "/blocks")
        answers = [await grace.ask("GET", file_path + path) for path in gets]
        copied = {"path": f"/copy-{next(copies)}"}
        answers += [await grace.ask("POST", f"/v1/files/{each}/copy", copied) for each in (file["id"], folder["id"])]
        (located,) = (await grace.call("POST", "/v1/contents", {"items": [{"id": file["id"]}]}))["results"]
        problem = located.get("problem", {"status": 200, "code": ""})
        codes = [answer.json().get("code", "") if answer.status >= 400 else "" for answer in answers]
        found = zip([answer.status for answer in answers], codes, strict=True)
        return {(200 if status < 400 else status, code) for status, code in found} | {
            (problem["status"], problem["code"])
        }

    opened = {(200, ""), (409, "not_in_blocks"), (409, "name_taken")}
    assert await doors() == opened
    _, cursor = await grace.journal()
    assert (await ada.call("PATCH", share_path, {"watermark": "for {reader}"}))["role"] == "viewer"
    assert await doors() == {CLOSED}
    (entry,), cursor = await grace.journal(cursor)
    marked = f"for {grace.account['display_name']}, {grace.email}"
    guess = {"parent_id": folder["id"], "entries": [{"path": "/deep/in/plan.png", "sha256": "0" * 64}]}
    assert await grace.refused("POST", "/v1/compare", guess) == CLOSED  # or each guess of a short text could be tried
    assert (await grace.call("GET", file_path))["sha256"] is entry["file"]["sha256"] is None
    assert (entry["type"], entry["file"]["watermark"]) == ("shared", marked)
    assert (await grace.call("GET", file_path))["watermark"] == marked
    assert (await ada.call("GET", file_path))["watermark"] is None
    assert (await ada.share(folder, grace))["watermark"] == "for {reader}"  # an older client knows of none
    assert await ada.refused("PATCH", share_path, {"role": "editor"}) == (422, "watermark_for_viewers")
    assert await doors() == {CLOSED}
    await ada.call("PATCH", share_path, {"watermark": None})
    assert await doors() == opened
    changes, _ = await grace.journal(cursor)
    assert [each["file"]["watermark"] for each in changes if each["type"] == "shared"] == [None]


async def test_each_share_is_a_right_of_its_own(ada: Person, grace: Person) -> None:
    """One without watermark, above or below one with it, gives the original; the nearest text is drawn."""
    file = await ada.upload("/a/b/c.txt", TEXT)
    top, middle = [await ada.call("GET", f"/v1/files/by-path?path={path}") for path in ("/a", "/a/b")]
    path = f"/v1/files/{file['id']}"
    await ada.share(top, grace, watermark="top")
    assert (await grace.call("GET", path))["watermark"] == "top"
    nearer = await ada.share(middle, grace, watermark="middle")
    assert (await grace.call("GET", path))["watermark"] == "middle"
    listed = await grace.call("GET", f"/v1/files?parent_id={top['id']}")
    assert [item["watermark"] for item in listed["items"]] == ["middle"]
    assert await grace.refused("GET", f"{path}/content") == CLOSED
    own = await ada.share(file, grace)
    assert await grace.content(file["id"]) == TEXT
    listed = await grace.call("GET", f"/v1/files?parent_id={middle['id']}")
    assert [item["watermark"] for item in listed["items"]] == [None]
    await ada.call("DELETE", f"{path}/shares/{own['id']}")
    assert await grace.refused("GET", f"{path}/content") == CLOSED
    await ada.call("PATCH", f"/v1/files/{middle['id']}/shares/{nearer['id']}", {"watermark": None})
    assert await grace.content(file["id"]) == TEXT


async def test_a_reader_sees_marked_pictures_of_every_size_and_page(ada: Person, grace: Person) -> None:
    """Every parameter gives a marked picture; the owner sees what it looks like, and the plain one."""
    image = await ada.upload("/a.png", picture())
    document = await ada.upload("/a.pdf", pages())
    for file in (image, document):
        await previewed(ada, file)
        await ada.share(file, grace, watermark="{reader}")
    path = f"/v1/files/{image['id']}/preview"
    for query in ("size=large", "size=small", "width=500&format=jpeg", "width=300&height=300&fit=cover"):
        plain = await seen(ada, f"{path}?{query}")
        assert differ(await seen(grace, f"{path}?{query}"), plain), query
        assert differ(await seen(grace, f"{path}?{query}&watermark=."), plain), query
    marked = await seen(grace, path)
    assert differ(marked, await seen(ada, path))
    text = (await grace.call("GET", f"/v1/files/{image['id']}"))["watermark"]
    assert not differ(marked, await seen(ada, f"{path}?size=large&watermark={quote(text)}"))
    path = f"/v1/files/{document['id']}/preview"
    for page in (1, 2):
        assert differ(await seen(grace, f"{path}?page={page}"), await seen(ada, f"{path}?page={page}"))


async def test_a_video_can_be_seen_as_marked_frames_only(ada: Person, grace: Person) -> None:
    """Its rendition would be the video without the text."""
    video = await ada.upload("/a.mp4", samples.video(), content_type="video/mp4")
    await previewed(ada, video)
    await ada.share(video, grace, watermark="for you")
    path = f"/v1/files/{video['id']}/preview"
    assert await grace.refused("GET", f"{path}?kind=rendition") == CLOSED
    assert differ(await seen(grace, f"{path}?t=1"), await seen(ada, f"{path}?t=1"))


async def test_a_search_in_contents_does_not_reveal_a_text_that_can_not_be_read(sign_up: SignUp) -> None:
    """It is found by its name, without a snippet; by its words once the watermark is removed.

    Nor does a cursor or a score tell that there is one more file with the words, beside the reader's own.
    """
    ada, grace = await sign_up("ada", "premium"), await sign_up("grace", "premium")
    own = await grace.upload("/mine.txt", b"this one is confidential, and it is the only one of mine")
    await grace.found("confidential", "/mine.txt", **{"in": "content"})
    before = await grace.call("GET", "/v1/search?q=confidential&in=content&limit=1")
    file = await ada.upload("/numbers.txt", TEXT)
    await ada.found("confidential", "/numbers.txt", **{"in": "content"})
    share = await ada.share(file, grace, watermark="x")
    (hit,) = await grace.found("numbers", "/numbers.txt")
    assert (hit["file"]["watermark"], hit["snippet"]) == ("x", None)
    after = await grace.call("GET", "/v1/search?q=confidential&in=content&limit=1")
    assert [item["file"]["id"] for item in after["items"]] == [own["id"]]
    assert (after["total"], after["next_cursor"], after["items"][0]["score"]) == (1, None, before["items"][0]["score"])
    assert (await grace.call("GET", "/v1/search?q=quarterly&in=content"))["total"] == 0
    await ada.call("PATCH", f"/v1/files/{file['id']}/shares/{share['id']}", {"watermark": None})
    await grace.found("quarterly", "/numbers.txt", **{"in": "content"})


async def test_a_link_gives_marked_pictures_and_no_contents(ada: Person, nobody: Person) -> None:
    """By the API and on its page; a limit of downloads excludes a watermark, before and after."""
    file = await ada.upload("/shown/a.pdf", pages())
    text = await ada.upload("/shown/b.txt", TEXT)
    await previewed(ada, file)
    links = f"/v1/files/{file['parent_id']}/links"
    both = {"watermark": "draft", "max_downloads": 1}
    assert await ada.refused("POST", links, both) == (422, "watermark_without_downloads")
    link = await ada.call("POST", links, {"watermark": "draft"})
    assert await ada.refused("PATCH", f"{links}/{link['id']}", {"max_downloads": 1}) == (
        422,
        "watermark_without_downloads",
    )
    base, page = f"/v1/links/{link['token']}", urlsplit(link["url"]).path
    assert (await nobody.call("POST", f"{base}/open", {}))["watermark"] == "draft"
    for each in (file, text):
        assert await nobody.refused("GET", f"{base}/content?file_id={each['id']}") == CLOSED
        refused = await nobody.ask("GET", f"{page}/download?file={each['id']}")
        assert (refused.status, b"not download it" in refused.body) == (403, True)
    assert await nobody.refused("GET", f"{base}/preview?file_id={text['id']}") == (404, "no_preview")
    first, second = [await seen(nobody, f"{base}/preview?file_id={file['id']}&page={number}") for number in (1, 2)]
    plain = await seen(ada, f"/v1/files/{file['id']}/preview?page=2")
    assert differ(second, plain)
    assert not differ(first, second)
    html = (await nobody.ask("GET", page)).body.decode()
    assert "Download" not in html
    assert f"{page}?file={file['id']}" in html
    html = (await nobody.ask("GET", f"{page}?file={file['id']}&page=2")).body.decode()
    (source,) = re.findall(r'<img class="picture" src="([^"]+)"', html)
    shown = Image.open(io.BytesIO(await fetched(nobody, source.replace("&amp;", "&")))).convert("RGB")
    assert differ(shown, plain)
    assert "look at it here, but not download it" in html
    html = (await nobody.ask("GET", f"{page}?file={file['id']}&page=3")).body.decode()
    assert "There are no more pages." in html
    await ada.call("PATCH", f"{links}/{link['id']}", {"watermark": None})
    assert (await nobody.ask("GET", f"{base}/content?file_id={file['id']}")).status == 302
