"""ZIPs of folders, selections and links on real servers, with contents of every form."""

import io
import zipfile
from typing import Any

import pytest
from link_calls import make, refusal, visit
from metadata_stack import Stack
from stored_contents import WHOLE, put_blocks, put_pack, sha256

pytestmark = pytest.mark.connected


def contents_of(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {info.filename: archive.read(info) for info in archive.infolist()}


async def put_whole(stack: Stack, path: str, content: bytes, **extra: Any) -> Any:
    item = stack.item(path, content, sha256=sha256(content), **extra)
    await stack.store_object(item, content)
    return (await stack.commit(item))[0]["file"]


async def test_a_folder_with_contents_of_every_form(running: Stack) -> None:
    """Whole objects, blocks, packs and empty folders; only its readers get it."""
    big = b"x" * (1 << 20) + b"y" * (8 << 20)
    await put_whole(running, "/docs/Größe.bin", big)
    await put_blocks(running, "/docs/deep/film.bin")
    (packed,) = await put_pack(running, b"packed")
    folder, empty = await running.person.at("/docs"), await running.person.folder("/docs/empty")
    await running.person.ok("PATCH", f"/v1/files/{packed['id']}", {"name": "p.txt", "parent_id": empty["parent_id"]})
    answer = await running.person.send("GET", f"/v1/files/{folder['id']}/zip")
    assert (answer.status, answer.headers["content-length"]) == (200, str(len(answer.body)))
    assert answer.headers["content-disposition"].startswith('attachment; filename="docs.zip"')
    assert contents_of(answer.body) == {
        "docs/": b"",
        "docs/deep/": b"",
        "docs/deep/film.bin": WHOLE,
        "docs/empty/": b"",
        "docs/Größe.bin": big,
        "docs/p.txt": b"packed",
    }
    assert await running.other.refused("GET", f"/v1/files/{folder['id']}/zip") == (404, "not_found")


async def test_a_selection_by_url_and_by_body(running: Stack) -> None:
    """The same ZIP; an unknown file among them is 404."""
    files = [await put_whole(running, f"/{name}/same.txt", name.encode()) for name in ("one", "two")]
    ids = [file["id"] for file in files]
    by_body = await running.person.send("POST", "/v1/files/zip", {"ids": ids})
    by_url = await running.person.send("GET", f"/v1/files/zip?id={ids[0]}&id={ids[1]}")
    assert by_body.body == by_url.body
    assert contents_of(by_body.body) == {"same.txt": b"one", "same (2).txt": b"two"}
    assert await running.person.refused("POST", "/v1/files/zip", {"ids": [*ids, "0" * 32]}) == (404, "not_found")
    assert (await running.person.refused("POST", "/v1/files/zip", {"ids": []}))[0] == 422


async def test_a_file_keeps_the_date_of_its_client(running: Stack) -> None:
    """It is the date of the file on the disk that it came from, and not that of the upload."""
    file = await put_whole(running, "/old.txt", b"old", client_modified_at="2001-02-03T05:05:06+01:00")
    answer = await running.person.send("GET", f"/v1/files/zip?id={file['id']}")
    with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
        assert archive.getinfo("old.txt").date_time == (2001, 2, 3, 4, 5, 6)


async def test_folders_are_read_in_pages_by_index(running: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Across the ends of pages and of folders, nothing is missing or doubled."""
    monkeypatch.setattr("docstore_metadata.zips.service.PAGE", 3)
    paths = [f"/many/{folder}/{number}" for folder in "abc" for number in range(7 if folder == "b" else 3)]
    for path in paths:
        await put_whole(running, path, path.encode())
    many = await running.person.at("/many")
    found = contents_of((await running.person.send("GET", f"/v1/files/{many['id']}/zip")).body)
    assert {path: content for path, content in found.items() if content} == {p[1:]: p.encode() for p in paths}


async def test_a_link_counts_each_file_of_a_zip(running: Stack) -> None:
    """A limit that is too low for all of them refuses the ZIP and counts nothing; pictures only give no ZIP."""
    for number in range(3):
        await put_whole(running, f"/shared/{number}.txt", b"x")
    folder = await running.person.at("/shared")
    link = await make(running, folder, max_downloads=4)
    path = f"/v1/links/{link['token']}/zip"
    assert len(contents_of((await visit(running, "GET", path)).body)) == 4
    assert await refusal(running, "GET", path) == (409, "too_few_downloads_left")
    page = await visit(running, "GET", f"/l/{link['token']}/zip")
    assert (page.status, b"allows 1 more download" in page.body) == (409, True)
    assert (await running.person.ok("GET", f"/v1/files/{folder['id']}/links/{link['id']}"))["downloads"] == 3
    marked = await make(running, folder, watermark="draft")
    assert await refusal(running, "GET", f"/v1/links/{marked['token']}/zip") == (403, "watermarked_only")


async def test_the_page_of_a_linked_folder_offers_the_zip(running: Stack) -> None:
    """Behind a password with the proof that it was given; of the folder that is shown."""
    await put_whole(running, "/shared/inner/a.txt", b"a")
    link = await make(running, await running.person.at("/shared"), password="secret")
    token = link["token"]
    form = {"content_type": "application/x-www-form-urlencoded"}
    shown = (await visit(running, "POST", f"/l/{token}", b"password=secret", **form)).body.decode()
    address = shown.split(f'href="/l/{token}/zip')[1].split('"')[0].replace("&amp;", "&")
    zipped = await visit(running, "GET", f"/l/{token}/zip{address}")
    assert contents_of(zipped.body)["shared/inner/a.txt"] == b"a"
    assert (await visit(running, "GET", f"/l/{token}/zip")).status == 403
