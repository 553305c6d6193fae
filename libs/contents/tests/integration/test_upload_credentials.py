"""What temporary credentials allow, and nothing beyond, on a real S3 and STS server."""

import asyncio
import hashlib
import os
import sysconfig
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from s3_requests import BODY, SHA256

from docstore_contents.s3.store import (
    ObjectStore,
    S3Config,
)
from docstore_contents.s3.sts import TemporaryCredentials, upload_credentials, upload_policy
from docstore_platform.ids import new_id
from docstore_standalone.servers import Servers

pytestmark = pytest.mark.connected

MIB = 1 << 20


@dataclass(frozen=True)
class Tool:
    """Any S3 tool, with credentials for one upload."""

    credentials: TemporaryCredentials
    config: S3Config
    key: str

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
async def tool(store: ObjectStore, servers: Servers) -> Tool:
    key = f"accounts/a/uploads/{new_id()}/content"
    credentials = await upload_credentials(store, servers.upload_role_arn, key, session_name="upload-1", seconds=900)
    return Tool(credentials, store.config, key)


async def test_credentials_upload(store: ObjectStore, tool: Tool) -> None:
    """An S3 client uploads its object, in one piece, in parts and with parts listed and aborted."""
    lifetime = tool.credentials.expires_at - datetime.now(UTC)
    assert timedelta(seconds=880) < lifetime <= timedelta(seconds=901)
    key = tool.key
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
        f"s3://{tool.config.bucket}/{tool.key}",
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
    assert await store.sha256_of(tool.key) == (len(sent), hashlib.sha256(sent).hexdigest())


@pytest.mark.parametrize(
    "foreign", ["accounts/b/uploads/u/content", "accounts/a/uploads/another/content", "content", "{}2", "{}/more"]
)
async def test_credentials_are_for_one_key(store: ObjectStore, tool: Tool, foreign: str) -> None:
    """Everywhere else, beside it too: 403 on GET, HEAD, PUT, DELETE and every step of a multipart upload."""
    foreign_key = foreign.format(tool.key)
    await store.put(foreign_key, BODY)
    upload_id = await store.create_multipart(foreign_key, content_type="text/plain")
    where = {"Key": foreign_key}
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
    assert await store.get(foreign_key) == BODY
    assert await store.list_parts(foreign_key, upload_id) == []


async def test_credentials_only_write(store: ObjectStore, tool: Tool) -> None:
    """No reading, listing, deleting or copying, not even of what they wrote."""
    key, secret = tool.key, f"secret/{new_id()}"
    await store.put(key, BODY)
    await store.put(secret, BODY)
    attempts: list[Awaitable[int]] = [
        tool.status("get_object", Key=key),
        tool.status("delete_object", Key=key),
        tool.status("list_objects_v2"),
        tool.status("list_objects_v2", Prefix=tool.key),
        tool.status("list_multipart_uploads"),
        tool.status("put_bucket_policy", Policy="{}"),
        tool.status("copy_object", Key=key, CopySource={"Bucket": tool.config.bucket, "Key": secret}),
    ]
    assert await asyncio.gather(*attempts) == [403] * len(attempts)


async def test_credentials_do_not_beget_others(tool: Tool, servers: Servers) -> None:
    """They can't assume the role again, which would shed the limits of their session."""
    role = servers.upload_role_arn
    again = await tool.status("assume_role", "sts", RoleArn=role, RoleSessionName="more", DurationSeconds=900)
    assert again == 403


@pytest.mark.parametrize("key", ["", "accounts/a/", "*", "accounts/?/content", "accounts/${aws:userid}/content"])
def test_a_key_that_matches_more_is_refused(key: str) -> None:
    """Wildcards, variables and a closing slash would open other uploads."""
    with pytest.raises(ValueError, match="plain key"):
        upload_policy("docstore-content", key)
