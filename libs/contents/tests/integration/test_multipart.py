"""Uploads in parts and clean-up, on a real S3 server."""

import asyncio
import hashlib
from dataclasses import replace

import aiohttp
import pytest
from s3_requests import BODY, send
from yarl import URL

from docstore_contents.s3.store import (
    ObjectStore,
    ObjectStoreError,
    Part,
    UploadNotFound,
)

pytestmark = pytest.mark.connected

MIB = 1 << 20


async def send_part(
    store: ObjectStore, client: aiohttp.ClientSession, key: str, upload_id: str, number: int, body: bytes
) -> Part:
    url = store.presign_part(key, upload_id, number, size=len(body), expires_in=60)
    async with client.put(URL(url, encoded=True), data=body) as answer:
        assert answer.status == 200, await answer.text()
        return Part(number, answer.headers["ETag"])


async def test_multipart(store: ObjectStore, client: aiohttp.ClientSession, key: str) -> None:
    """Parts sent at once, in any order, some again, make the object; completing again answers the same."""
    bodies = {1: b"a" * 5 * MIB, 2: b"b" * 5 * MIB, 3: b"c" * 100}
    upload_id = await store.create_multipart(key, content_type="video/mp4", metadata={"upload-id": "u1"})
    await send_part(store, client, key, upload_id, 2, bodies[2])
    parts = await asyncio.gather(
        *(send_part(store, client, key, upload_id, number, bodies[number]) for number in (3, 1, 2))
    )
    listed = await store.list_parts(key, upload_id)
    assert [(part.number, part.size) for part in listed] == [(n, len(body)) for n, body in bodies.items()]
    in_order = sorted(parts, key=lambda part: part.number)
    assert [part.etag.strip('"') for part in in_order] == [part.etag for part in listed]
    assert await store.head(key) is None

    info = await store.complete_multipart(key, upload_id, in_order)
    assert (info.size, info.content_type, info.metadata) == (10 * MIB + 100, "video/mp4", {"upload-id": "u1"})
    assert info.sha256 is None
    whole = hashlib.sha256(b"".join(bodies.values())).hexdigest()
    assert await store.sha256_of(key) == (info.size, whole)
    assert await store.complete_multipart(key, upload_id, listed) == info
    with pytest.raises(UploadNotFound):
        await store.list_parts(key, upload_id)


async def test_a_part_of_another_size_is_refused(store: ObjectStore, client: aiohttp.ClientSession, key: str) -> None:
    """The signed size bounds each part, so that all of them bound the object."""
    upload_id = await store.create_multipart(key, content_type="text/plain")
    url = store.presign_part(key, upload_id, 1, size=len(BODY), expires_in=60)
    assert await send(client, url, BODY + b"!") == 403
    assert await send(client, url.replace("partNumber=1", "partNumber=2"), BODY) == 403
    assert await store.list_parts(key, upload_id) == []
    await store.abort_multipart(key, upload_id)


async def test_completing_what_is_not_there(store: ObjectStore, client: aiohttp.ClientSession, key: str) -> None:
    """A wrong part is refused and may be put right; an aborted upload is gone, and aborting again is fine."""
    upload_id = await store.create_multipart(key, content_type="text/plain")
    part = await send_part(store, client, key, upload_id, 1, BODY)
    with pytest.raises(ObjectStoreError, match="InvalidPart"):
        await store.complete_multipart(key, upload_id, [replace(part, etag='"' + "0" * 32 + '"')])
    with pytest.raises(ObjectStoreError, match="InvalidPart"):
        await store.complete_multipart(key, upload_id, [Part(2, part.etag)])
    await store.abort_multipart(key, upload_id)
    await store.abort_multipart(key, upload_id)
    with pytest.raises(UploadNotFound):
        await store.complete_multipart(key, upload_id, [part])
    assert await store.head(key) is None


async def test_completing_after_another_upload_took_the_key(store: ObjectStore, key: str) -> None:
    """An object that other parts made is not taken for this upload's."""
    await store.put(key, BODY)
    with pytest.raises(UploadNotFound):
        await store.complete_multipart(key, "0" * 40 + "_" + "0" * 32, [Part(1, "0" * 32)])


async def test_clear(store: ObjectStore, client: aiohttp.ClientSession, key: str) -> None:
    """Stray objects and unfinished uploads under a prefix go; what is kept, and its neighbours, stay."""
    for name in ("kept", "stray/1", "stray/2"):
        await store.put(f"{key}/{name}", BODY)
    await store.put(f"{key}-neighbour", BODY)
    upload_id = await store.create_multipart(f"{key}/unfinished", content_type="text/plain")
    await send_part(store, client, f"{key}/unfinished", upload_id, 1, BODY)
    await store.clear(f"{key}/", keep=frozenset({f"{key}/kept"}))
    left = await store.head_many([f"{key}/kept", f"{key}-neighbour", f"{key}/stray/1", f"{key}/stray/2"])
    assert [info is not None for info in left] == [True, True, False, False]
    with pytest.raises(UploadNotFound):
        await store.list_parts(f"{key}/unfinished", upload_id)
