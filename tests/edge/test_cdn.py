"""Downloads through a CDN that checks signatures as CloudFront does."""

import io
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from deployments import Mailbox
from edge_cache import EdgeCache
from edge_stacks import stack_with_cdn
from many_callers import MANY_CALLERS
from people import PASSWORD, Person
from PIL import Image
from yarl import URL

from docstore_client import AsyncClient, Source, Wanted
from docstore_client.models import File
from docstore_platform.testing import eventually
from docstore_standalone.stack import Stack

pytestmark = pytest.mark.connected

ENVIRONMENT = MANY_CALLERS | {
    "METADATA_DOWNLOAD_URL_LIFETIME_SECONDS": "3",
    "METADATA_CDN_SIGNED_COOKIES": "true",
}
TEXT = b"what the edge keeps " * 500


@pytest.fixture(scope="module")
async def served(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Stack, EdgeCache]]:
    async with stack_with_cdn(tmp_path_factory.mktemp("edge"), ENVIRONMENT) as served:
        yield served


@pytest.fixture
def edge(served: tuple[Stack, EdgeCache]) -> EdgeCache:
    return served[1]


@pytest.fixture
async def ada(served: tuple[Stack, EdgeCache]) -> AsyncIterator[Person]:
    stack, _ = served
    async with await Person.new(stack.gateway, "ada", Mailbox(stack.servers.mailbox)) as person:
        yield person


async def fetch(url: str, **headers: str) -> tuple[int, bytes, Any]:
    """A request of someone who has this URL and nothing else."""
    async with aiohttp.ClientSession() as session, session.get(URL(url, encoded=True), headers=headers) as answer:
        return answer.status, await answer.read(), answer.headers


async def content_url(person: Person, file: dict[str, Any]) -> str:
    answer = await person.ask("GET", f"/v1/files/{file['id']}/content")
    assert answer.status == 302, answer
    return str(answer.headers["location"])


async def test_a_content_is_downloaded_from_the_edge(ada: Person, edge: EdgeCache) -> None:
    """Fetched from the bucket once; under its file name, with a type, by ranges, and for each reader."""
    file = await ada.upload("/größe.txt", TEXT)
    url = await content_url(ada, file)
    assert url.startswith(f"{edge.url}/accounts/{ada.id}/")
    status, body, headers = await fetch(url)
    assert (status, body) == (200, TEXT)
    assert headers["content-disposition"].endswith("filename*=UTF-8''gr%C3%B6%C3%9Fe.txt")
    misses = len(edge.misses)
    status, body, headers = await fetch(await content_url(ada, file), Range="bytes=5-12")
    assert (status, body) == (206, TEXT[5:13])
    assert headers["content-range"] == f"bytes 5-12/{len(TEXT)}"
    assert await ada.content(file["id"]) == TEXT
    assert len(edge.misses) == misses


async def test_a_cached_content_needs_a_valid_signature(ada: Person, edge: EdgeCache) -> None:
    """Without one, with that of another file, or once it has expired, the edge gives nothing of what it has."""
    url = await content_url(ada, await ada.upload("/secret.txt", TEXT))
    other = await content_url(ada, await ada.upload("/other.txt", b"other"))
    assert (await fetch(url))[0] == 200
    bare = url.partition("?")[0]
    stolen = f"{url.partition('&Expires=')[0]}&Expires={other.partition('&Expires=')[2]}"
    renamed = url.replace("secret.txt", "page.html")
    for attempt in (bare, stolen, renamed):
        status, body, _ = await fetch(attempt)
        assert (status, TEXT[:20] in body) == (403, False)

    async def expired() -> bool:
        return (await fetch(url))[0] == 403

    await eventually(expired)
    assert any(bare.endswith(path) for path in edge.misses)


async def test_blocks_come_from_the_edge(ada: Person, edge: EdgeCache) -> None:
    """Each block has a URL of the CDN; the content that the gateway assembles from them is the same."""
    parts = (os.urandom(70_000), b"text " * 10_000)
    file = await ada.upload_blocks("/film.bin", parts)
    listed = await ada.call("GET", f"/v1/files/{file['id']}/blocks")
    for block in listed["blocks"]:
        assert block["url"].startswith(f"{edge.url}/accounts/{ada.id}/blocks/{block['hash']}")
        assert (await fetch(block["url"]))[0] == 200
    assert await ada.content(file["id"]) == b"".join(parts)


async def test_the_client_downloads_from_the_edge(ada: Person, edge: EdgeCache, tmp_path: Path) -> None:
    """Many small files out of one pack, and of a large one the blocks that the device does not have."""
    small = {f"small-{number}": f"number {number}".encode() for number in range(40)}
    old, large = os.urandom(6 << 20), tmp_path / "large"
    large.write_bytes(old[: 3 << 20] + b"inserted" + old[3 << 20 :])
    (tmp_path / "old").write_bytes(old)
    for name, data in small.items():
        (tmp_path / name).write_bytes(data)
    async with AsyncClient(ada.gateway) as client:
        await client.log_in(ada.email, PASSWORD)
        sources = [Source(tmp_path / name, f"/{name}") for name in (*small, "large")]
        files = [file for file in await client.upload_many(sources) if isinstance(file, File)]
        assert len(files) == len(sources)
        await client.download(files[-1], tmp_path / "large again", old=tmp_path / "old")
        wanted = [Wanted(file, tmp_path / f"{file.name} again") for file in files[:-1]]
        assert await client.download_many(wanted) == [None] * len(wanted)
    assert (tmp_path / "large again").read_bytes() == large.read_bytes()
    assert {name: (tmp_path / f"{name} again").read_bytes() for name in small} == small
    for kind in ("packs", "blocks"):
        assert any(path.startswith(f"/accounts/{ada.id}/{kind}/") for path in edge.misses)


async def cookies_of(person: Person) -> dict[str, str]:
    """The header with a person's cookies."""
    answer = await person.call("POST", "/v1/contents/cookies")
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in answer["cookies"].items())}


async def locations(person: Person, *files: dict[str, Any], signed: bool = False) -> list[str]:
    body = {"items": [{"id": file["id"]} for file in files], "signed": signed}
    return [result["url"] for result in (await person.call("POST", "/v1/contents", body))["results"]]


async def test_one_set_of_cookies_opens_all_contents_of_an_account(ada: Person, edge: EdgeCache) -> None:
    """Whole objects and blocks, by URLs without a signature; not without the cookies, changed ones, or once expired."""
    texts = [b"one" * 500, b"two" * 500]
    files = [await ada.upload(f"/{number}.txt", text) for number, text in enumerate(texts)]
    film = await ada.upload_blocks("/film", (os.urandom(70_000), b"text " * 10_000))
    listed = await ada.call("GET", f"/v1/files/{film['id']}/blocks?signed=false")
    urls = [*await locations(ada, *files), *(block["url"] for block in listed["blocks"])]
    assert not any("Signature=" in url for url in urls)
    cookies = await cookies_of(ada)
    found = [await fetch(url, **cookies) for url in urls]
    assert [status for status, _, _ in found] == [200] * len(urls)
    assert [body for _, body, _ in found[:2]] == texts
    other_policy = {"Cookie": cookies["Cookie"].replace("CloudFront-Policy=", "CloudFront-Policy=eyJ")}
    for attempt in ({}, other_policy):
        assert (await fetch(urls[0], **attempt))[0] == 403

    async def expired() -> bool:
        return (await fetch(urls[0], **cookies))[0] == 403

    await eventually(expired)


async def test_cookies_open_nothing_of_another_account(ada: Person, edge: EdgeCache, served: Any) -> None:
    """What others share has signed URLs as before, and its owner's cookies do not open the reader's own either."""
    async with await Person.new(served[0].gateway, "bob", Mailbox(served[0].servers.mailbox)) as bob:
        shared = await ada.upload("/shared.txt", TEXT)
        await ada.share(shared, bob)
        own = await bob.upload("/own.txt", b"bob's")
        by_cookies, by_signature = await locations(bob, own, shared)
        assert (by_cookies.startswith(f"{edge.url}/accounts/{bob.id}/"), "Signature=" in by_cookies) == (True, False)
        assert "Signature=" in by_signature
        assert (await fetch(by_signature))[:2] == (200, TEXT)
        unsigned = by_signature.partition("&Expires=")[0]
        mine, hers = await cookies_of(bob), await cookies_of(ada)
        for url, cookies, status in (
            (unsigned, mine, 403),
            (unsigned, hers, 200),
            (by_cookies, hers, 403),
            (by_cookies, mine, 200),
        ):
            assert (await fetch(url, **cookies))[0] == status
        detour = unsigned.replace(f"/accounts/{ada.id}/", f"/accounts/{bob.id}/../{ada.id}/")
        status, body, _ = await fetch(detour, **mine)  # the edge passes it on; to the store it is the name of no object
        assert (status in (400, 403, 404), TEXT[:20] in body) == (True, False)


async def test_a_token_of_a_folder_gets_no_cookies(ada: Person) -> None:
    """They open the whole account; and its URLs stay signed."""
    folder = await ada.call("POST", "/v1/folders", {"path": "/work"})
    file = await ada.upload("/work/a.txt", TEXT)
    token = await ada.call("POST", "/v1/me/tokens", {"name": "t", "scopes": ["files:read"], "path": folder["path"]})
    async with Person(ada.gateway) as program:
        program.access_token = token["token"]
        assert (await program.ask("POST", "/v1/contents/cookies")).status == 403
        assert "Signature=" in (await locations(program, file))[0]


async def test_previews_and_public_links_come_from_the_edge(ada: Person, edge: EdgeCache) -> None:
    """A visitor without an account downloads there too, and previews come from the bucket of previews."""
    picture = io.BytesIO()
    Image.new("RGB", (300, 200), "red").save(picture, "PNG")
    file = await ada.upload("/photo.png", picture.getvalue(), content_type="image/png")
    link = await ada.call("POST", f"/v1/files/{file['id']}/links", {})
    async with Person(ada.gateway) as visitor:
        answer = await visitor.ask("GET", f"/v1/links/{link['token']}/content")
    assert answer.headers["location"].startswith(f"{edge.url}/accounts/")
    assert (await fetch(answer.headers["location"]))[1] == picture.getvalue()

    async def preview() -> str | None:
        answer = await ada.ask("GET", f"/v1/files/{file['id']}/preview?size=small")
        return answer.headers["location"] if answer.status == 302 else None

    url = await eventually(preview)
    assert url.startswith(f"{edge.url}/previews/{ada.id}/")
    status, body, headers = await fetch(url)
    assert (status, body[:4], headers["content-type"]) == (200, b"RIFF", "image/webp")


async def test_the_page_and_its_assets(ada: Person, edge: EdgeCache, served: tuple[Stack, EdgeCache]) -> None:
    """The page refers to assets at the edge, which has them from the gateway; nothing else is served there."""
    status, page, headers = await fetch(f"{served[0].gateway}/", Accept="text/html")
    found = re.findall(rb'(?:src|href)="([^"]*/assets/[^"]*)"', page)
    assert status == 200
    assert found, "the page is built by `make web`"
    assert all(asset.startswith(edge.url.encode() + b"/assets/") for asset in found)
    assert f"script-src 'self' {edge.url};" in headers["content-security-policy"]
    status, _, headers = await fetch(found[0].decode())
    assert (status, headers["access-control-allow-origin"]) == (200, "*")
    assert (await fetch(f"{edge.url}/v1/me"))[0] == 403
