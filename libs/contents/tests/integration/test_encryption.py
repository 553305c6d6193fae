"""Encryption at rest, on a real S3 server."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import aiohttp
import boto3
import pytest
from new_buckets import make_bucket

from docstore_contents.s3.encryption import BucketEncryption, UploadsUnderWay
from docstore_contents.s3.store import ObjectStore, Part, S3Config
from docstore_platform.ids import new_id
from docstore_standalone.servers import Servers

pytestmark = pytest.mark.connected

MIB = 1 << 20
SMALL = b"a sentence about a hedgehog"
PARTS = (b"a" * 5 * MIB, b"the last part")


@pytest.fixture
async def plain(servers: Servers) -> AsyncIterator[ObjectStore]:
    """A bucket as an earlier version left it: without default encryption."""
    keys, endpoint = servers.root_keys, servers.s3_endpoint
    bucket = f"plain-{new_id()[-10:]}"
    config = S3Config(endpoint, endpoint, servers.region, keys.access_key_id, keys.secret_access_key, bucket)
    async with ObjectStore(config) as store:
        await make_bucket(store)
        yield store
        await store.clear("")
        await store.transport.call("delete_bucket")


def s3_of(store: ObjectStore) -> Any:
    config = store.config
    return boto3.client(
        "s3",
        endpoint_url=config.endpoint,
        region_name=config.region,
        aws_access_key_id=config.access_key_id,
        aws_secret_access_key=config.secret_access_key,
    )


async def fill(store: ObjectStore) -> None:
    """An object with properties and tags, an empty one, a pack, and an upload in parts."""
    await store.put("accounts/a/uploads/u/content", SMALL, content_type="text/plain", metadata={"upload-id": "u"})
    await store.tag("accounts/a/uploads/u/content", {"age": "old"})
    await store.put("accounts/a/uploads/v/content", b"")
    await store.put("accounts/a/packs/p", SMALL)
    upload_id = await store.create_multipart("accounts/a/uploads/w/content", content_type="video/mp4")
    parts = []
    async with aiohttp.ClientSession() as client:
        for number, body in enumerate(PARTS, 1):
            url = store.presign_part("accounts/a/uploads/w/content", upload_id, number, size=len(body), expires_in=60)
            async with client.put(url, data=body) as answer:
                parts.append(Part(number, answer.headers["ETag"]))
    await store.complete_multipart("accounts/a/uploads/w/content", upload_id, parts)


def properties(s3: Any, bucket: str) -> dict[str, Any]:
    """By key: what must not change."""
    found = {}
    for item in s3.list_objects_v2(Bucket=bucket)["Contents"]:
        answer = s3.get_object(Bucket=bucket, Key=item["Key"])
        tags = s3.get_object_tagging(Bucket=bucket, Key=item["Key"])["TagSet"]
        about = (answer["ETag"], item["ETag"], answer["ContentType"], answer["Metadata"], tags)
        found[item["Key"]] = (answer["Body"].read(), *about)
    return found


def in_clear(s3: Any, bucket: str) -> set[str]:
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    return {key for key in keys if "ServerSideEncryption" not in s3.head_object(Bucket=bucket, Key=key)}


async def test_existing_objects_are_encrypted_and_stay_the_same(plain: ObjectStore) -> None:
    """Contents, ETags, types, metadata and tags are those from before; a second pass finds nothing to do."""
    await fill(plain)
    s3, bucket, encryption = s3_of(plain), plain.config.bucket, BucketEncryption(plain.config)
    before = await asyncio.to_thread(properties, s3, bucket)
    assert await asyncio.to_thread(in_clear, s3, bucket) == before.keys()
    await asyncio.to_thread(encryption.encrypt_new)
    assert not await asyncio.to_thread(encryption.is_encrypted)
    assert await asyncio.to_thread(encryption.encrypt_existing) == len(before) == 4
    assert await asyncio.to_thread(encryption.is_encrypted)
    assert await asyncio.to_thread(in_clear, s3, bucket) == set()
    after = await asyncio.to_thread(properties, s3, bucket)
    assert {key: about for key, about in after.items() if key in before} == before
    assert await plain.get_range("accounts/a/uploads/w/content", 5 * MIB - 1, 4) == b"athe"
    assert await asyncio.to_thread(encryption.encrypt_existing) == 0


async def test_an_object_that_changes_meanwhile_keeps_its_new_content(plain: ObjectStore) -> None:
    """A pack is rewritten, another deleted, between the look at it and its encryption: neither is brought back."""
    for name in ("rewritten", "deleted"):
        await plain.put(f"accounts/a/packs/{name}", SMALL)
    encryption = BucketEncryption(plain.config)
    s3, bucket = s3_of(plain), plain.config.bucket
    await asyncio.to_thread(encryption.encrypt_new)

    def change_after_the_look(params: dict[str, Any], **_: object) -> None:
        if params["Key"].endswith("rewritten"):
            s3.put_object(Bucket=bucket, Key=params["Key"], Body=b"new")
        else:
            s3.delete_object(Bucket=bucket, Key=params["Key"])

    encryption.client.meta.events.register("provide-client-params.s3.GetObjectTagging", change_after_the_look)
    assert await asyncio.to_thread(encryption.encrypt_existing) == 0
    assert await plain.get("accounts/a/packs/rewritten") == b"new"
    assert await plain.head("accounts/a/packs/deleted") is None


async def test_an_interrupted_pass_is_repeated(plain: ObjectStore) -> None:
    """It stops between two objects; what is left is encrypted by the next."""
    for number in range(3):
        await plain.put(f"accounts/a/packs/{number}", SMALL)
    encryption = BucketEncryption(plain.config)
    await asyncio.to_thread(encryption.encrypt_new)
    looks = iter((False, False, True))
    with pytest.raises(InterruptedError):
        await asyncio.to_thread(encryption.encrypt_existing, lambda: next(looks))
    assert not await asyncio.to_thread(encryption.is_encrypted)
    assert await asyncio.to_thread(encryption.encrypt_existing) == 1


async def test_new_objects_are_encrypted_by_default(store: ObjectStore, servers: Servers) -> None:
    """In the buckets of a stack, without any header of the client."""
    root = replace(
        store.config,
        access_key_id=servers.root_keys.access_key_id,
        secret_access_key=servers.root_keys.secret_access_key,
    )
    key = f"accounts/a/{new_id()}"
    for bucket in (servers.content_bucket, servers.processed_bucket, servers.broker_bucket):
        async with ObjectStore(replace(root, bucket=bucket)) as there:
            await there.put(key, SMALL)
            found = await asyncio.to_thread(s3_of(there).head_object, Bucket=bucket, Key=key)
            assert found["ServerSideEncryption"] == "AES256"
            await there.delete(key)


async def test_uploads_under_way_are_completed_first(plain: ObjectStore) -> None:
    """SeaweedFS joins parts in clear with encrypted ones to an object that it can't read. One without parts is no
    obstacle: what is sent to it is encrypted.
    """
    begun = [await plain.create_multipart(f"accounts/a/uploads/{number}", content_type="text/plain") for number in "12"]
    async with aiohttp.ClientSession() as client:

        async def send(number: int, part: int) -> Part:
            key = f"accounts/a/uploads/{number}"
            url = plain.presign_part(key, begun[number - 1], part, size=len(PARTS[part - 1]), expires_in=60)
            async with client.put(url, data=PARTS[part - 1]) as answer:
                return Part(part, answer.headers["ETag"])

        first = [await send(1, 1)]
        encryption = BucketEncryption(plain.config)
        with pytest.raises(UploadsUnderWay, match="accounts/a/uploads/1"):
            await asyncio.to_thread(encryption.encrypt_new)
        first.append(await send(1, 2))
        await plain.complete_multipart("accounts/a/uploads/1", begun[0], first)
        await asyncio.to_thread(encryption.encrypt_new)
        second = [await send(2, 1), await send(2, 2)]
        await plain.complete_multipart("accounts/a/uploads/2", begun[1], second)
    assert await asyncio.to_thread(encryption.encrypt_existing) == 1
    for number in (1, 2):
        assert await plain.get(f"accounts/a/uploads/{number}") == b"".join(PARTS)
