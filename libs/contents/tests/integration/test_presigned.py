"""What a signed URL or form allows, and nothing beyond, on a real S3 server."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from s3_requests import BODY, OTHER_SHA256, SHA256, post, send, signed_form, signed_put
from yarl import URL

from docstore_contents.s3.presigned import checksum_header
from docstore_contents.s3.signing import encode_key
from docstore_contents.s3.store import (
    ObjectStore,
    S3Config,
)
from docstore_platform.ids import new_id

pytestmark = pytest.mark.connected

MIB = 1 << 20


async def test_presigned_put(store: ObjectStore, client: aiohttp.ClientSession, key: str) -> None:
    """A PUT as signed is stored, with a checksum that the store verified, its type and metadata."""
    signed = signed_put(store, key)
    assert await send(client, signed.url, BODY, signed.headers) == 200
    info = await store.head(key)
    assert info is not None
    assert (info.size, info.sha256, info.content_type) == (len(BODY), SHA256, "text/plain")
    assert info.metadata == {"upload-id": "u1"}


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (BODY[:-1], {"content-length": str(len(BODY) - 1)}),
        (BODY + b"!", {"content-length": str(len(BODY) + 1)}),
        (BODY[:-1] + b"!", {}),
        (BODY, {"x-amz-checksum-sha256": checksum_header(OTHER_SHA256)}),
        (BODY, {"x-amz-checksum-sha256": None}),
        (BODY, {"content-type": "text/html"}),
        (BODY, {"x-amz-meta-upload-id": "u2"}),
        (BODY, {"x-amz-meta-more": "1"}),
        (BODY, {"x-amz-acl": "public-read"}),
        (BODY, {"x-amz-copy-source": "/docstore-content/another"}),
    ],
    ids=["shorter", "longer", "altered", "checksum", "no checksum", "type", "meta", "more meta", "acl", "copy"],
)
async def test_a_presigned_put_sent_otherwise_stores_nothing(
    store: ObjectStore, client: aiohttp.ClientSession, key: str, body: bytes, headers: dict[str, str | None]
) -> None:
    """Size, content, checksum, type and metadata are held to what was signed."""
    signed = signed_put(store, key)
    sent = {name: value for name, value in {**signed.headers, **headers}.items() if value is not None}
    assert await send(client, signed.url, body, sent) in (400, 403)
    assert await store.head(key) is None


def other_key(url: str) -> str:
    return url.replace("/content?", "/other?")


def longer_life(url: str) -> str:
    return url.replace("X-Amz-Expires=60", "X-Amz-Expires=6000")


def fewer_signed_headers(url: str) -> str:
    return url.replace("content-length%3B", "")


def no_signature(url: str) -> str:
    return url.partition("&X-Amz-Signature")[0]


@pytest.mark.parametrize("tamper", [other_key, longer_life, fewer_signed_headers, no_signature])
async def test_a_tampered_url_stores_nothing(
    store: ObjectStore, client: aiohttp.ClientSession, key: str, tamper: Callable[[str], str]
) -> None:
    """Key, expiry and the list of signed headers can't be changed."""
    signed = signed_put(store, key)
    url = tamper(signed.url)
    assert url != signed.url
    assert await send(client, url, BODY, signed.headers) in (400, 403)
    assert await store.head_many([key, other_key(f"{key}?")[:-1]]) == [None, None]


async def test_a_url_is_for_one_method(store: ObjectStore, client: aiohttp.ClientSession, key: str) -> None:
    """A URL to download does not upload or delete, one to upload does not read or delete."""
    await store.put(key, BODY)
    get = store.presign_get(key, filename="a", content_type="text/plain", expires_in=60)
    put = signed_put(store, key).url
    for url, methods in ((get, ("PUT", "DELETE", "POST")), (put, ("GET", "DELETE", "POST"))):
        for method in methods:
            assert await send(client, url, b"", method=method) in (400, 403, 405)
    assert await store.get(key) == BODY


async def test_expired_urls_and_forms(server: S3Config, store: ObjectStore, client: aiohttp.ClientSession) -> None:
    """Nothing works a second after its time."""
    key = f"expired/{new_id()}"
    past = ObjectStore(server, clock=lambda: datetime.now(UTC) - timedelta(seconds=61))
    signed = signed_put(past, key)
    assert await send(client, signed.url, BODY, signed.headers) in (400, 403)
    form = past.presign_post(key, min_size=1, max_size=9999, content_type="text/plain", expires_in=60)
    assert (await post(client, form, BODY))[0] in (400, 403)
    assert await store.head(key) is None
    await store.put(key, BODY)
    url = past.presign_get(key, filename="a", content_type="text/plain", expires_in=60)
    assert await send(client, url, b"", method="GET") == 403


# --- presigned GET


async def test_presigned_get_is_an_attachment(store: ObjectStore, client: aiohttp.ClientSession, key: str) -> None:
    """Whatever was stored is saved under its name, with the signed type; ranges work."""
    await store.put(key, BODY, content_type="text/html")
    url = store.presign_get(key, filename='Bücher "x"\r\n.txt', content_type="text/plain", expires_in=60)
    async with client.get(URL(url, encoded=True)) as answer:
        assert await answer.read() == BODY
        assert answer.headers["Content-Type"] == "text/plain"
        assert answer.headers["Content-Disposition"] == (
            "attachment; filename=\"B_cher _x___.txt\"; filename*=UTF-8''B%C3%BCcher%20_x___.txt"
        )
    async with client.get(URL(url, encoded=True), headers={"Range": "bytes=5-11"}) as answer:
        assert (answer.status, await answer.read()) == (206, BODY[5:12])
        assert answer.headers["Content-Range"] == f"bytes 5-11/{len(BODY)}"


@pytest.mark.parametrize("part", ["response-content-type", "response-content-disposition"])
async def test_the_disposition_cannot_be_changed(
    store: ObjectStore, client: aiohttp.ClientSession, key: str, part: str
) -> None:
    """No one turns a download into a page of the bucket's origin."""
    await store.put(key, BODY)
    url = URL(store.presign_get(key, filename="a", content_type="text/plain", expires_in=60), encoded=True)
    async with client.get(url.without_query_params(part)) as answer:
        assert answer.status == 403
    async with client.get(url.update_query({part: "inline" if "disposition" in part else "text/html"})) as answer:
        assert answer.status == 403


# --- forms


async def test_form(store: ObjectStore, client: aiohttp.ClientSession, key: str) -> None:
    """A browser's form is stored with checksum, type and metadata, and sends the browser on."""
    form = signed_form(store, key, "http://docstore.example/v1/uploads/u1/redirect")
    status, location = await post(client, form, BODY)
    assert status == 303
    assert location.partition("?")[0] == "http://docstore.example/v1/uploads/u1/redirect"
    assert parse_qs(urlsplit(location).query)["key"] == [key]
    info = await store.head(key)
    assert info is not None
    assert (info.size, info.sha256, info.content_type) == (len(BODY), SHA256, "text/plain")
    assert info.metadata == {"upload-id": "u1"}


@pytest.mark.parametrize(
    ("body", "changes"),
    [
        (b"", {}),
        (BODY + b"!", {}),
        (BODY[:-1] + b"!", {}),
        (BODY, {"key": "elsewhere"}),
        (BODY, {"x-amz-meta-upload-id": "u2"}),
        (BODY, {"x-amz-meta-more": "1"}),
        (BODY, {"Content-Type": "text/html"}),
        (BODY, {"success_action_redirect": "http://evil.example/"}),
        (BODY, {"x-amz-checksum-sha256": checksum_header(OTHER_SHA256)}),
        (BODY, {"x-amz-checksum-sha256": None}),
        (BODY, {"x-amz-signature": "0" * 64}),
        (BODY, {"policy": "e30="}),
    ],
    ids=[
        "empty",
        "large",
        "altered",
        "key",
        "meta",
        "more",
        "type",
        "redirect",
        "checksum",
        "nochecksum",
        "signature",
        "policy",
    ],
)
async def test_a_tampered_form_stores_nothing(
    store: ObjectStore, client: aiohttp.ClientSession, key: str, body: bytes, changes: dict[str, str | None]
) -> None:
    """Every field, the size range and the content are held to the policy."""
    form = signed_form(store, key, "http://docstore.example/")
    assert (await post(client, form, body, **changes))[0] in (400, 403)
    assert await store.head_many([key, "elsewhere"]) == [None, None]


async def test_a_form_does_not_publish(store: ObjectStore, client: aiohttp.ClientSession, key: str) -> None:
    """An `acl` smuggled into a form opens the object to no one, whether the store refuses or ignores it."""
    form = store.presign_post(key, min_size=1, max_size=len(BODY), content_type="text/plain", expires_in=60)
    await post(client, form, BODY, acl="public-read")
    assert await send(client, f"{form.url}/{encode_key(key)}", b"", method="GET") in (403, 404)
