"""The object store as we use it, on a real S3 and STS server: what a signature allows, and nothing beyond."""

import asyncio
import hashlib
import json
import os
import socket
import sysconfig
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from yarl import URL

from docstore_platform.ids import new_id
from docstore_platform.presigned import checksum_header
from docstore_platform.s3 import (
    ObjectNotFound,
    ObjectStore,
    ObjectStoreError,
    ObjectStoreUnavailable,
    ObjectTooLarge,
    Part,
    S3Config,
    SignedForm,
    SignedPut,
    UploadNotFound,
)
from docstore_platform.signing import encode_key
from docstore_platform.sts import UploadCredentials, upload_credentials, upload_policy
from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected

ROLE = "arn:aws:iam::role/uploader"
BODY = b"what is written here is what is read there\n" * 30
SHA256 = hashlib.sha256(BODY).hexdigest()
OTHER_SHA256 = hashlib.sha256(b"something else").hexdigest()
MIB = 1 << 20


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def iam(role_arn: str) -> dict[str, Any]:
    """Only our own access key may assume the role; the role may do all that S3 offers."""
    version = "2012-10-17"
    trust = {"AWS": "arn:aws:iam::000000000000:user/docstore"}
    return {
        "sts": {
            "tokenDuration": "1h",
            "maxSessionLength": "12h",
            "issuer": "docstore",
            "signingKey": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
        },
        "policy": {"defaultEffect": "Deny", "storeType": "memory"},
        "roles": [
            {
                "roleName": "uploader",
                "roleArn": role_arn,
                "trustPolicy": {
                    "Version": version,
                    "Statement": [{"Effect": "Allow", "Principal": trust, "Action": ["sts:AssumeRole"]}],
                },
                "attachedPolicies": ["everything"],
            }
        ],
        "policies": [
            {
                "name": "everything",
                "document": {
                    "Version": version,
                    "Statement": [{"Effect": "Allow", "Action": ["s3:*"], "Resource": ["arn:aws:s3:::*"]}],
                },
            }
        ],
    }


@pytest.fixture(scope="session")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[S3Config]:
    """A SeaweedFS server of our own, on free ports."""
    folder = tmp_path_factory.mktemp("s3")
    keys = {"accessKey": "docstoreaccess", "secretKey": "docstoresecretkey"}
    identity = {"name": "docstore", "credentials": [keys], "actions": ["Admin", "Read", "Write", "List"]}
    (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
    (folder / "iam.json").write_text(json.dumps(iam(ROLE)))
    names = ["master", "volume", "filer", "s3", "admin"]
    ports = dict(zip(names + [f"{name}.grpc" for name in names], free_ports(10), strict=True))
    process = await asyncio.create_subprocess_exec(
        Path(sysconfig.get_path("scripts")) / "weed",
        "mini",
        f"-dir={folder}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        "-webdav=false",
        "-admin.ui=false",
        "-master.telemetry=false",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        f"-s3.config={folder / 's3.json'}",
        f"-s3.iam.config={folder / 'iam.json'}",
        *(f"-{name.replace('.grpc', '')}.port{'.grpc' * name.endswith('.grpc')}={ports[name]}" for name in ports),
        env={**os.environ, "GOGC": "off", "GOMEMLIMIT": "400MiB"},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    endpoint = f"http://127.0.0.1:{ports['s3']}"
    config = S3Config(endpoint, endpoint, "us-west-2", keys["accessKey"], keys["secretKey"], "docstore-content")
    try:
        async with ObjectStore(config) as store:

            async def ready() -> bool:
                try:
                    await store.ensure_bucket()
                except ObjectStoreError:
                    return False
                return True

            await eventually(ready)
        yield config
    finally:
        process.kill()
        await process.wait()


@pytest.fixture(scope="session")
async def store(server: S3Config) -> AsyncIterator[ObjectStore]:
    async with ObjectStore(server) as store:
        yield store


@pytest.fixture(scope="session")
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    """A plain HTTP client, as a user has one."""
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def key() -> str:
    return f"accounts/ü 1/{new_id()}/content"


async def send(client: aiohttp.ClientSession, url: str, body: bytes, headers: Any = None, method: str = "PUT") -> int:
    async with client.request(
        method, URL(url, encoded=True), data=body, headers=headers, skip_auto_headers=["Content-Type"]
    ) as answer:
        await answer.read()
        return answer.status


async def post(client: aiohttp.ClientSession, form: SignedForm, body: bytes, **changes: str | None) -> tuple[int, str]:
    data = aiohttp.FormData()
    for name, value in {**form.fields, **changes}.items():
        if value is not None:
            data.add_field(name, value)
    data.add_field("file", body, filename="report.txt")
    async with client.post(URL(form.url, encoded=True), data=data, allow_redirects=False) as answer:
        await answer.read()
        return answer.status, answer.headers.get("Location", "")


def signed_put(store: ObjectStore, key: str) -> SignedPut:
    return store.presign_put(
        key,
        size=len(BODY),
        content_type="text/plain",
        sha256=SHA256,
        metadata={"upload-id": "u1"},
        expires_in=60,
    )


# --- our own calls


async def test_put_head_get(store: ObjectStore, key: str) -> None:
    """What was put is read back: bytes, a range of them, size, checksum, type and metadata."""
    put = await store.put(key, BODY, content_type="text/markdown", metadata={"upload-id": "u1"})
    assert await store.head(key) == put
    assert (put.size, put.sha256, put.content_type) == (len(BODY), SHA256, "text/markdown")
    assert await store.get(key) == BODY
    assert await store.get_range(key, 5, 7) == BODY[5:12]
    assert await store.get_range(key, len(BODY) - 3, 100) == BODY[-3:]
    assert await store.sha256_of(key) == (len(BODY), SHA256)


async def test_an_absent_object_is_said_to_be_absent(store: ObjectStore, key: str, tmp_path: Path) -> None:
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
    """A wrong secret is an error that says so, and is not tried again as if the store were down."""
    async with ObjectStore(replace(server, secret_access_key="wrong")) as stranger:
        with pytest.raises(ObjectStoreError) as by_http:
            await stranger.get(key)
        with pytest.raises(ObjectStoreError) as by_boto:
            await stranger.create_multipart(key, content_type="text/plain")
    for error in (by_http.value, by_boto.value):
        assert error.code == "SignatureDoesNotMatch"
        assert not isinstance(error, ObjectStoreUnavailable)


async def test_a_store_that_is_down(key: str) -> None:
    """Nobody listening: ObjectStoreUnavailable, from every kind of call, within seconds."""
    endpoint = f"http://127.0.0.1:{free_ports(1)[0]}"
    async with ObjectStore(S3Config(endpoint, "", "us-west-2", "id", "secret", "nowhere")) as store:
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


# --- presigned PUT


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
    """Whatever was stored is saved under its name, with the type we say; ranges work."""
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
    """Nobody turns a download into a page of the bucket's origin."""
    await store.put(key, BODY)
    url = URL(store.presign_get(key, filename="a", content_type="text/plain", expires_in=60), encoded=True)
    async with client.get(url.without_query_params(part)) as answer:
        assert answer.status == 403
    async with client.get(url.update_query({part: "inline" if "disposition" in part else "text/html"})) as answer:
        assert answer.status == 403


# --- forms


async def test_form(store: ObjectStore, client: aiohttp.ClientSession, key: str) -> None:
    """A browser's form is stored with checksum, type and metadata, and sends the browser on."""
    form = store.presign_post(
        key,
        min_size=1,
        max_size=len(BODY),
        content_type="text/plain",
        sha256=SHA256,
        metadata={"upload-id": "u1"},
        redirect="http://docstore.example/v1/uploads/u1/redirect",
        expires_in=60,
    )
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
    form = store.presign_post(
        key,
        min_size=1,
        max_size=len(BODY),
        content_type="text/plain",
        sha256=SHA256,
        metadata={"upload-id": "u1"},
        redirect="http://docstore.example/",
        expires_in=60,
    )
    assert (await post(client, form, body, **changes))[0] in (400, 403)
    assert await store.head_many([key, "elsewhere"]) == [None, None]


async def test_a_form_does_not_publish(store: ObjectStore, client: aiohttp.ClientSession, key: str) -> None:
    """An `acl` smuggled into a form opens the object to nobody, whether the store refuses or ignores it."""
    form = store.presign_post(key, min_size=1, max_size=len(BODY), content_type="text/plain", expires_in=60)
    await post(client, form, BODY, acl="public-read")
    assert await send(client, f"{form.url}/{encode_key(key)}", b"", method="GET") in (403, 404)


# --- multipart


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


# --- temporary credentials


@dataclass(frozen=True)
class Tool:
    """Any S3 tool, with credentials for one upload."""

    credentials: UploadCredentials
    config: S3Config
    prefix: str

    async def status(self, operation: str, service: str = "s3", **parameters: Any) -> int:
        if service == "s3":
            parameters = {"Bucket": self.config.bucket, **parameters}
        try:
            answer = await asyncio.to_thread(getattr(tool_client(self, service), operation), **parameters)
        except ClientError as error:
            answer = error.response
        return int(answer["ResponseMetadata"]["HTTPStatusCode"])


@lru_cache
def tool_client(tool: Tool, service: str) -> Any:
    return boto3.session.Session().client(
        service,
        endpoint_url=tool.config.endpoint,
        region_name=tool.config.region,
        aws_access_key_id=tool.credentials.access_key_id,
        aws_secret_access_key=tool.credentials.secret_access_key,
        aws_session_token=tool.credentials.session_token,
        config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
    )


@pytest.fixture
async def tool(store: ObjectStore) -> Tool:
    prefix = f"accounts/a/uploads/{new_id()}/"
    credentials = await upload_credentials(store, ROLE, prefix, session_name="upload-1", seconds=900)
    return Tool(credentials, store.config, prefix)


async def test_credentials_upload(store: ObjectStore, tool: Tool) -> None:
    """An S3 client uploads under its prefix, in one piece, in parts and with parts listed and aborted."""
    lifetime = tool.credentials.expires_at - datetime.now(UTC)
    assert timedelta(seconds=880) < lifetime <= timedelta(seconds=901)
    key = f"{tool.prefix}content"
    assert await tool.status("put_object", Key=key, Body=BODY, ChecksumAlgorithm="SHA256") == 200
    info = await store.head(key)
    assert info is not None
    assert (info.size, info.sha256) == (len(BODY), SHA256)
    upload_id = await store.create_multipart(key, content_type="text/plain")
    part = {"Key": key, "UploadId": upload_id}
    assert await tool.status("upload_part", **part, PartNumber=1, Body=BODY) == 200
    assert await tool.status("list_parts", **part) == 200
    assert await tool.status("abort_multipart_upload", **part) == 204


async def test_s5cmd_uploads_with_credentials(store: ObjectStore, tool: Tool, tmp_path: Path) -> None:
    """A tool we have no hand in sends a file in parallel parts and knows nothing but the credentials."""
    path = tmp_path / "large"
    path.write_bytes(os.urandom(12 * MIB))
    process = await asyncio.create_subprocess_exec(
        Path(sysconfig.get_path("scripts")) / "s5cmd",
        *("--endpoint-url", tool.config.endpoint, "cp", "--part-size", "5", str(path)),
        f"s3://{tool.config.bucket}/{tool.prefix}content",
        env={
            "AWS_ACCESS_KEY_ID": tool.credentials.access_key_id,
            "AWS_SECRET_ACCESS_KEY": tool.credentials.secret_access_key,
            "AWS_SESSION_TOKEN": tool.credentials.session_token,
            "AWS_REGION": tool.config.region,
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    sent = path.read_bytes()
    assert await store.sha256_of(f"{tool.prefix}content") == (len(sent), hashlib.sha256(sent).hexdigest())


@pytest.mark.parametrize("elsewhere", ["accounts/b/uploads/u/content", "accounts/a/uploads/another/content", "content"])
async def test_credentials_end_at_their_prefix(store: ObjectStore, tool: Tool, elsewhere: str) -> None:
    """Everywhere else: 403 on GET, HEAD, PUT, DELETE and every step of a multipart upload."""
    await store.put(elsewhere, BODY)
    upload_id = await store.create_multipart(elsewhere, content_type="text/plain")
    where = {"Key": elsewhere}
    multipart = {**where, "UploadId": upload_id}
    attempts: list[Awaitable[int]] = [
        tool.status("put_object", **where, Body=b"!"),
        tool.status("get_object", **where),
        tool.status("head_object", **where),
        tool.status("delete_object", **where),
        tool.status("create_multipart_upload", **where),
        tool.status("upload_part", **multipart, PartNumber=1, Body=b"!"),
        tool.status("list_parts", **multipart),
        tool.status(
            "complete_multipart_upload",
            **multipart,
            MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": '"0"'}]},
        ),
        tool.status("abort_multipart_upload", **multipart),
    ]
    assert await asyncio.gather(*attempts) == [403] * len(attempts)
    assert await store.get(elsewhere) == BODY
    assert await store.list_parts(elsewhere, upload_id) == []


async def test_credentials_only_write(store: ObjectStore, tool: Tool) -> None:
    """No reading, listing, deleting or copying, not even of what they wrote."""
    key, secret = f"{tool.prefix}content", f"secret/{new_id()}"
    await store.put(key, BODY)
    await store.put(secret, BODY)
    attempts: list[Awaitable[int]] = [
        tool.status("get_object", Key=key),
        tool.status("delete_object", Key=key),
        tool.status("list_objects_v2"),
        tool.status("list_objects_v2", Prefix=tool.prefix),
        tool.status("list_multipart_uploads"),
        tool.status("put_bucket_policy", Policy="{}"),
        tool.status("copy_object", Key=key, CopySource={"Bucket": tool.config.bucket, "Key": secret}),
    ]
    assert await asyncio.gather(*attempts) == [403] * len(attempts)


async def test_credentials_do_not_beget_others(tool: Tool) -> None:
    """They can't assume the role again, which would shed the limits of their session."""
    again = await tool.status("assume_role", "sts", RoleArn=ROLE, RoleSessionName="more", DurationSeconds=900)
    assert again == 403


@pytest.mark.parametrize("prefix", ["", "accounts/a", "*/", "accounts/?/", "accounts/${aws:userid}/"])
def test_a_prefix_that_matches_more_is_refused(prefix: str) -> None:
    """Wildcards, variables and a missing slash would open other uploads."""
    with pytest.raises(ValueError, match="plain prefix"):
        upload_policy("docstore-content", prefix)
