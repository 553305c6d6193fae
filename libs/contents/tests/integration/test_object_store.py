"""Our own calls to the object store, on a real S3 server."""

import asyncio
import hashlib
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from s3_requests import BODY, SHA256, send

from docstore_contents.s3.store import (
    ObjectChanged,
    ObjectNotFound,
    ObjectStore,
    ObjectStoreError,
    ObjectStoreUnavailable,
    ObjectTooLarge,
    S3Config,
)
from docstore_contents.s3.transport import boto_client
from docstore_standalone.ports import PortBook

pytestmark = pytest.mark.connected

MIB = 1 << 20


async def test_put_head_get(store: ObjectStore, key: str) -> None:
    """What was put is read back: bytes, a range of them, size, checksum, type and metadata."""
    put = await store.put(key, BODY, content_type="text/markdown", metadata={"upload-id": "u1"})
    assert await store.head(key) == put
    assert (put.size, put.sha256, put.content_type) == (len(BODY), SHA256, "text/markdown")
    assert await store.get(key) == BODY
    assert await store.get_range(key, 5, 7) == BODY[5:12]
    assert await store.get_range(key, len(BODY) - 3, 100) == BODY[-3:]
    assert await store.sha256_of(key) == (len(BODY), SHA256)


async def test_replaced_only_as_it_was_read(store: ObjectStore, key: str) -> None:
    """With an ETag a put replaces that very object: neither what came after it, nor one that is gone."""
    first = await store.put(key, b"first")
    second = await store.put(key, b"second", etag=first.etag)
    with pytest.raises(ObjectChanged):
        await store.put(key, b"third", etag=first.etag)
    assert await store.get(key) == b"second"
    await store.delete(key)
    with pytest.raises((ObjectChanged, ObjectNotFound)):
        await store.put(key, b"third", etag=second.etag)
    assert await store.head(key) is None


async def test_an_absent_object_is_reported_as_absent(store: ObjectStore, key: str, tmp_path: Path) -> None:
    """HEAD answers None; reading raises ObjectNotFound by either way; deleting is fine."""
    assert await store.head(key) is None
    for read in (store.get(key), store.sha256_of(key), store.download(key, tmp_path / "file", 10)):
        with pytest.raises(ObjectNotFound):
            await read
    await store.delete(key)
    await store.delete_many([key])


async def test_many_at_once(store: ObjectStore, key: str) -> None:
    """Heads come back in order; a batch of deletes takes all."""
    keys = [f"{key}/{number}" for number in range(100)]
    await asyncio.gather(*(store.put(each, each.encode()) for each in keys[::2]))
    infos = await store.head_many(keys)
    assert [info and info.size for info in infos[::2]] == [len(each.encode()) for each in keys[::2]]
    assert infos[1::2] == [None] * 50
    await store.delete_many(keys)
    assert await store.head_many(keys) == [None] * 100


async def test_an_empty_object(store: ObjectStore, client: aiohttp.ClientSession, key: str) -> None:
    """Zero bytes are a document too, ours or sent by a client."""
    empty = hashlib.sha256(b"").hexdigest()
    await store.put(key, b"")
    assert await store.sha256_of(key) == (0, empty)
    await store.delete(key)
    signed = store.presign_put(key, size=0, content_type="text/plain", sha256=empty, expires_in=60)
    assert await send(client, signed.url, b"", signed.headers) == 200
    info = await store.head(key)
    assert info is not None
    assert (info.size, info.sha256) == (0, empty)


async def test_download(store: ObjectStore, key: str, tmp_path: Path) -> None:
    """A download that would be larger than allowed leaves no file."""
    await store.put(key, BODY)
    path = tmp_path / "file"
    assert await store.download(key, path, len(BODY)) == len(BODY)
    assert path.read_bytes() == BODY
    with pytest.raises(ObjectTooLarge):
        await store.download(key, path, len(BODY) - 1)
    assert not path.exists()


async def test_a_refusal_carries_the_stores_code(server: S3Config, key: str) -> None:
    """A wrong secret is a clear error, and is not retried as if the store were down."""
    async with ObjectStore(replace(server, secret_access_key="wrong")) as outsider:
        with pytest.raises(ObjectStoreError) as by_http:
            await outsider.get(key)
        with pytest.raises(ObjectStoreError) as by_boto:
            await outsider.create_multipart(key, content_type="text/plain")
    for error in (by_http.value, by_boto.value):
        assert error.code == "SignatureDoesNotMatch"
        assert not isinstance(error, ObjectStoreUnavailable)


async def test_a_store_that_is_down(key: str) -> None:
    """No one listening: ObjectStoreUnavailable, from every kind of call, within seconds."""
    ports = PortBook()
    ports.secure(["nobody"])
    endpoint = f"http://127.0.0.1:{ports['nobody']}"
    config = S3Config(endpoint, "", "us-west-2", "id", "secret", "nowhere")
    boto_client(config, "s3")  # loads boto3's description of S3, which says nothing about the store
    async with ObjectStore(config) as store:
        for call in (store.head(key), store.get(key), store.sha256_of(key), store.list_parts(key, "x")):
            with pytest.raises(ObjectStoreUnavailable):
                await asyncio.wait_for(call, 10)


async def test_a_store_that_fails_for_a_moment(server: S3Config, key: str) -> None:
    """Two answers of 503 are waited out; a third is given up on."""
    failures = 2
    requests = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal requests
        while await reader.readuntil(b"\r\n\r\n"):
            requests += 1
            head = b"HTTP/1.1 503 Slow Down" if requests <= failures else b"HTTP/1.1 200 OK"
            writer.write(head + b"\r\nContent-Length: 2\r\n\r\nok")

    async def until_closed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await answer(reader, writer)
        except asyncio.IncompleteReadError:
            writer.close()

    flaky = await asyncio.start_server(until_closed, "127.0.0.1", 0)
    endpoint = f"http://127.0.0.1:{flaky.sockets[0].getsockname()[1]}"
    async with flaky, ObjectStore(replace(server, endpoint=endpoint)) as store:
        assert await store.get(key) == b"ok"
        failures, requests = 3, 0
        with pytest.raises(ObjectStoreUnavailable):
            await store.get(key)
        assert requests == 3
