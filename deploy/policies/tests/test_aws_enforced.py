"""The enforced S3 policies: each service's keys can do what its policy allows and nothing else.

moto evaluates IAM policies for S3 requests as they come in, ours too, with their signatures checked.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import boto3
import pytest
from moto import settings as moto_settings
from moto.core.responses import ActionAuthenticatorMixin
from moto.server import ThreadedMotoServer

from docstore_contents.s3.storage_classes import StoredState
from docstore_contents.s3.store import ObjectStore, ObjectStoreError, Part, S3Config

AWS = Path(__file__).parents[1] / "aws"
BUCKET, PROCESSED, REGION = "docstore-content-us-west-2", "docstore-processed-us-west-2", "us-west-2"
INSIDE, OUTSIDE = "accounts/a/uploads/u/content", "other/content"
PICTURE = "previews/a/r/small.webp"

SERVICES = ("upload", "metadata", "indexer", "media")

Keys = tuple[str, str]
Deed = Callable[[ObjectStore], Awaitable[object]]


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    """A server whose rules are not in force yet."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="module")
def keys(aws: str) -> Iterator[dict[str, Keys]]:
    """A user for each service with the shipped policy, and objects of root's; from here on the rules are in force."""
    root = {"aws_access_key_id": "root", "aws_secret_access_key": "root", "region_name": REGION, "endpoint_url": aws}
    s3, iam = boto3.client("s3", **root), boto3.client("iam", **root)
    for bucket, key in ((BUCKET, INSIDE), (PROCESSED, PICTURE)):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        for each in (key, OUTSIDE):
            s3.put_object(Bucket=bucket, Key=each, Body=b"content")
    made: dict[str, Keys] = {}
    for service in SERVICES:
        iam.create_user(UserName=service)
        policy = (AWS / f"{service}.json").read_text()
        iam.put_user_policy(UserName=service, PolicyName="docstore", PolicyDocument=policy)
        pair = iam.create_access_key(UserName=service)["AccessKey"]
        made[service] = (pair["AccessKeyId"], pair["SecretAccessKey"])
    unlimited = moto_settings.INITIAL_NO_AUTH_ACTION_COUNT
    moto_settings.INITIAL_NO_AUTH_ACTION_COUNT = 0.0
    ActionAuthenticatorMixin.request_count = 0
    yield made
    moto_settings.INITIAL_NO_AUTH_ACTION_COUNT = unlimited


@pytest.fixture
async def store_of(aws: str, keys: dict[str, Keys]) -> AsyncIterator[Callable[..., ObjectStore]]:
    opened: list[ObjectStore] = []

    def of(service: str, bucket: str = BUCKET) -> ObjectStore:
        key, secret = keys[service]
        store = ObjectStore(S3Config(aws, aws, REGION, key, secret, bucket))
        store.transport.open()
        opened.append(store)
        return store

    yield of
    for store in opened:
        await store.transport.close()


def deeds(key: str) -> dict[str, tuple[str, Deed]]:
    """What can be done about an object, each with the right it needs."""
    return {
        "read": ("s3:GetObject", lambda store: store.get(key)),
        "look": ("s3:GetObject", lambda store: store.head(key)),
        "write": ("s3:PutObject", lambda store: store.put(key + "-new", b"content")),
        "begin parts": (
            "s3:PutObject",
            lambda store: store.create_multipart(key + "-parts", content_type="text/plain"),
        ),
        "see parts": ("s3:ListMultipartUploadParts", lambda store: store.list_parts(key, "u")),
        "drop parts": ("s3:AbortMultipartUpload", lambda store: store.abort_multipart(key, "u")),
        "put parts together": ("s3:PutObject", lambda store: store.complete_multipart(key, "u", [Part(1, "e")])),
        "tag": ("s3:PutObjectTagging", lambda store: store.tag(key, {"a": "b"})),
        "move to another class": (
            "s3:PutObject",
            lambda store: store.change_class(StoredState(key, 7, "STANDARD", "none", "text/plain", {}), "STANDARD_IA"),
        ),
        "restore": ("s3:RestoreObject", lambda store: store.restore_object(key, days=1, tier="Standard")),
        "delete": ("s3:DeleteObject", lambda store: store.delete(key + "-gone")),
        "list": ("s3:ListBucket", lambda store: store.transport.call("list_objects_v2", Prefix="accounts/")),
        "list uploads": ("s3:ListBucketMultipartUploads", lambda store: store.transport.call("list_multipart_uploads")),
        "delete the bucket": ("s3:DeleteBucket", lambda store: store.transport.call("delete_bucket")),
        "open the bucket": (
            "s3:PutBucketPolicy",
            lambda store: store.transport.call("put_bucket_policy", Policy='{"Statement": []}'),
        ),
    }


async def refused(deed: Deed, store: ObjectStore) -> bool:
    """Whether it was forbidden; other errors, of an upload that is not there, are an answer."""
    try:
        await deed(store)
    except ObjectStoreError as error:
        return error.code in ("AccessDenied", "403")
    return False


def allowed(service: str, bucket: str = BUCKET) -> set[str]:
    statements = json.loads((AWS / f"{service}.json").read_text())["Statement"]
    return {action for each in statements if f":::{bucket}" in each["Resource"] for action in each["Action"]}


@pytest.mark.parametrize("deed", deeds(""))
@pytest.mark.parametrize("service", SERVICES)
async def test_a_services_keys_have_the_rights_of_its_policy(
    service: str, deed: str, store_of: Callable[..., ObjectStore]
) -> None:
    """And not one thing more."""
    right, act = deeds(INSIDE)[deed]
    assert await refused(act, store_of(service)) is (right not in allowed(service))


@pytest.mark.parametrize("deed", ["read", "write", "delete", "begin parts"])
@pytest.mark.parametrize("service", SERVICES)
async def test_nothing_outside_accounts_is_reached(
    service: str, deed: str, store_of: Callable[..., ObjectStore]
) -> None:
    """Other prefixes of the bucket are someone else's."""
    assert await refused(deeds(OUTSIDE)[deed][1], store_of(service))


@pytest.mark.parametrize("deed", deeds(""))
@pytest.mark.parametrize("service", SERVICES)
async def test_previews_are_medias_alone(service: str, deed: str, store_of: Callable[..., ObjectStore]) -> None:
    """Stored, signed and deleted by it, below their prefix; its bucket is closed to all others."""
    right, act = deeds(PICTURE)[deed]
    assert await refused(act, store_of(service, PROCESSED)) is (right not in allowed(service, PROCESSED))
    assert await refused(deeds(OUTSIDE)["write"][1], store_of(service, PROCESSED))
