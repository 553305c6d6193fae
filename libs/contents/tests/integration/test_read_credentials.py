"""What temporary credentials to read allow, and nothing beyond, on a real S3 and STS server."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import jwt
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from s3_requests import BODY

from docstore_contents.s3.store import ObjectStore
from docstore_contents.s3.sts import PolicyTooLarge, TemporaryCredentials, read_credentials, read_policy
from docstore_platform.ids import new_id
from docstore_standalone.credentials import load_credentials
from docstore_standalone.embedded.object_store import READ_ROLE_ARN
from docstore_standalone.servers import Servers

pytestmark = pytest.mark.connected


def new_key(account: str = "a") -> str:
    return f"accounts/{account}/uploads/{new_id()}/content"


class Reader:
    """Any S3 tool with the credentials."""

    def __init__(self, store: ObjectStore, lent: Any) -> None:
        self._bucket = store.config.bucket
        keys = {"aws_access_key_id": lent.access_key_id, "aws_secret_access_key": lent.secret_access_key}
        where = {"endpoint_url": store.config.endpoint, "region_name": store.config.region}
        session = boto3.session.Session(**keys, aws_session_token=lent.session_token)
        config = Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1})
        self._clients = {name: session.client(name, config=config, **where) for name in ("s3", "sts")}

    async def call(self, operation: str, service: str = "s3", **parameters: Any) -> Any:
        if service == "s3":
            parameters = {"Bucket": self._bucket, **parameters}
        try:
            return await asyncio.to_thread(getattr(self._clients[service], operation), **parameters)
        except ClientError as error:
            return error.response

    async def status(self, operation: str, service: str = "s3", **parameters: Any) -> int:
        return int((await self.call(operation, service, **parameters))["ResponseMetadata"]["HTTPStatusCode"])


async def lent(store: ObjectStore, *keys: str) -> Reader:
    return Reader(store, await read_credentials(store, READ_ROLE_ARN, keys, session_name="read-1", seconds=900))


def ending_at(credentials: TemporaryCredentials, moment: datetime, servers: Servers) -> TemporaryCredentials:
    """The same credentials with another end, signed as the store signs them: none takes less than 15 minutes."""
    key = bytes.fromhex(load_credentials(servers.folder).sts_signing_key)
    claims = jwt.decode(credentials.session_token, options={"verify_signature": False})
    token = jwt.encode({**claims, "exp": int(moment.timestamp())}, key, "HS256")
    return replace(credentials, session_token=token, expires_at=moment)


async def test_the_objects_are_read(store: ObjectStore) -> None:
    """Whole and by ranges, each of those that are named."""
    keys = [new_key(), new_key()]
    for key in keys:
        await store.put(key, BODY)
    reader = await lent(store, *keys)
    for key in keys:
        assert (await reader.call("get_object", Key=key))["Body"].read() == BODY
        assert (await reader.call("get_object", Key=key, Range="bytes=1-2"))["Body"].read() == BODY[1:3]
        assert await reader.status("head_object", Key=key) == 200


async def test_nothing_else_is_read_and_nothing_is_changed(store: ObjectStore, servers: Servers) -> None:
    """Other keys, also beside the named one, lists, writes, deletions, other roles: 403."""
    key = new_key()
    others = [new_key(), new_key("b"), f"{key}2", f"{key}/more", key.removesuffix("/content")]
    for each in (key, *others):
        await store.put(each, BODY)
    reader = await lent(store, key)
    attempts = [reader.status(call, Key=each) for each in others for call in ("get_object", "head_object")]
    attempts += [
        reader.status("put_object", Key=key, Body=b"!"),
        reader.status("delete_object", Key=key),
        reader.status("create_multipart_upload", Key=key),
        reader.status("put_object_tagging", Key=key, Tagging={"TagSet": []}),
        reader.status("list_objects_v2"),
        reader.status("list_objects_v2", Prefix="accounts/a/"),
        reader.status("put_bucket_policy", Policy="{}"),
    ]
    for role in (READ_ROLE_ARN, servers.upload_role_arn):
        attempts.append(reader.status("assume_role", "sts", RoleArn=role, RoleSessionName="more", DurationSeconds=900))
    assert await asyncio.gather(*attempts) == [403] * len(attempts)
    assert await store.get(key) == BODY


async def test_credentials_end(store: ObjectStore, servers: Servers) -> None:
    """The store itself refuses them after their time."""
    key = new_key()
    await store.put(key, BODY)
    given = await read_credentials(store, READ_ROLE_ARN, [key], session_name="read-1", seconds=900)
    now = datetime.now(UTC)
    assert timedelta(seconds=880) < given.expires_at - now <= timedelta(seconds=901)
    for moment, status in ((now + timedelta(minutes=1), {200}), (now - timedelta(minutes=1), {400, 403})):
        reader = Reader(store, ending_at(given, moment, servers))
        assert await reader.status("get_object", Key=key) in status


def test_a_policy_names_as_many_objects_as_sts_takes() -> None:
    """About fifteen; one more is an error, not a policy that is cut."""
    keys = [new_key(new_id()) for _ in range(30)]
    policy = read_policy("docstore-content-us-west-2", keys[:13])
    assert len(policy["Statement"][0]["Resource"]) == 13
    with pytest.raises(PolicyTooLarge):
        read_policy("docstore-content-us-west-2", keys[:25])


@pytest.mark.parametrize("key", ["", "accounts/a/", "*", "accounts/?/content", "accounts/${aws:userid}/content"])
def test_a_key_that_matches_more_is_refused(key: str) -> None:
    """Also among plain ones."""
    with pytest.raises(ValueError, match="plain key"):
        read_policy("docstore-content", [new_key(), key])
