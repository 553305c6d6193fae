"""Rights in the object store: keys, signed URLs, forms and temporary credentials."""

import asyncio
import json
from typing import Any

import aiohttp
import pytest
from botocore.exceptions import ClientError
from server_notes import aws_client

from docstore_standalone.credentials import S3Credentials, load_credentials
from docstore_standalone.servers import Servers

pytestmark = pytest.mark.connected


def refused(call: Any, **arguments: Any) -> bool:
    """Whether the store answers 403."""
    try:
        call(**arguments)
    except ClientError as error:
        return bool(error.response["ResponseMetadata"]["HTTPStatusCode"] == 403)
    return False


def exists(s3: Any, bucket: str, key: str) -> bool:
    return bool(s3.list_objects_v2(Bucket=bucket, Prefix=key).get("Contents"))


async def test_each_identity_reaches_its_own_buckets_only(servers: Servers) -> None:
    """The services' keys don't open the broker's log, and no one comes in without keys."""
    services, root = aws_client(servers, "s3", servers.services_keys), aws_client(servers, "s3", servers.root_keys)
    services.put_object(Bucket=servers.content_bucket, Key="own/1", Body=b"x")
    assert refused(services.put_object, Bucket=servers.broker_bucket, Key="x", Body=b"x")
    assert refused(services.list_objects_v2, Bucket=servers.broker_bucket)
    assert refused(services.create_bucket, Bucket="another")
    assert not refused(root.list_objects_v2, Bucket=servers.broker_bucket)
    async with aiohttp.ClientSession() as web, web.get(f"{servers.s3_endpoint}/{servers.content_bucket}/own/1") as got:
        assert got.status == 403


async def test_a_browser_of_any_origin_may_use_signed_urls(servers: Servers) -> None:
    """CORS: the preflight allows PUT, and the ETag of a part can be read."""
    s3 = aws_client(servers, "s3", servers.services_keys)
    url = s3.generate_presigned_url("put_object", Params={"Bucket": servers.content_bucket, "Key": "cors/1"})
    origin = {"Origin": "http://127.0.0.1:8080"}
    requested = {**origin, "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "content-type"}
    async with aiohttp.ClientSession() as web:
        async with web.options(url, headers=requested) as preflight:
            assert preflight.status == 200
            assert preflight.headers["Access-Control-Allow-Origin"] in ("*", origin["Origin"])
            assert "PUT" in preflight.headers["Access-Control-Allow-Methods"]
        async with web.put(url, data=b"x", headers=origin) as put:
            assert put.status == 200
            assert put.headers["Access-Control-Allow-Origin"] in ("*", origin["Origin"])
            assert "ETag" in put.headers["Access-Control-Expose-Headers"]


async def test_a_presigned_put_is_for_its_object_and_size(servers: Servers) -> None:
    """The signed length and key are enforced; after a refusal nothing is stored."""
    s3 = aws_client(servers, "s3", servers.services_keys)
    params = {"Bucket": servers.content_bucket, "Key": "put/1", "ContentLength": 5}
    url = s3.generate_presigned_url("put_object", Params=params)
    async with aiohttp.ClientSession() as web:
        async with web.put(url, data=b"longer than that") as put:
            assert put.status == 403
        async with web.put(url.replace("put/1", "put/2"), data=b"12345") as put:
            assert put.status == 403
        assert not exists(s3, servers.content_bucket, "put/")
        async with web.put(url, data=b"12345") as put:
            assert put.status == 200
    assert s3.get_object(Bucket=servers.content_bucket, Key="put/1")["Body"].read() == b"12345"


async def test_a_signed_form_holds_the_browser_to_its_conditions(servers: Servers) -> None:
    """Size range and fields are enforced; a good form stores the object and leads on."""
    s3 = aws_client(servers, "s3", servers.services_keys)
    after = "http://127.0.0.1:1/after"
    form = s3.generate_presigned_post(
        servers.content_bucket,
        "form/1",
        Fields={"success_action_redirect": after, "x-amz-meta-upload": "u1"},
        Conditions=[
            ["content-length-range", 1, 10],
            {"success_action_redirect": after},
            {"x-amz-meta-upload": "u1"},
        ],
    )

    async def post(fields: dict[str, str], data: bytes) -> aiohttp.ClientResponse:
        body = aiohttp.FormData(fields)
        body.add_field("file", data, filename="note.txt")
        async with aiohttp.ClientSession() as web, web.post(form["url"], data=body, allow_redirects=False) as answer:
            return answer

    assert (await post(form["fields"], b"x" * 11)).status in (400, 403)
    assert (await post({**form["fields"], "key": "form/2"}, b"12345")).status in (400, 403)
    assert (await post({**form["fields"], "x-amz-meta-upload": "u2"}, b"12345")).status in (400, 403)
    assert not exists(s3, servers.content_bucket, "form/")
    good = await post(form["fields"], b"12345")
    assert good.status == 303
    assert good.headers["Location"].startswith(after)
    assert s3.head_object(Bucket=servers.content_bucket, Key="form/1")["Metadata"] == {"upload": "u1"}


async def test_temporary_credentials_are_for_one_prefix(servers: Servers) -> None:
    """With a session policy the uploader's role writes below its prefix: no other key, no reading, no listing."""
    bucket = servers.content_bucket
    allow = {
        "Effect": "Allow",
        "Action": ["s3:PutObject", "s3:AbortMultipartUpload"],
        "Resource": [f"arn:aws:s3:::{bucket}/sts/1/*"],
    }
    sts = aws_client(servers, "sts", servers.services_keys)
    granted = await asyncio.to_thread(
        sts.assume_role,
        RoleArn=servers.upload_role_arn,
        RoleSessionName="upload-1",
        Policy=json.dumps({"Version": "2012-10-17", "Statement": [allow]}),
    )
    given = granted["Credentials"]
    keys = S3Credentials(access_key_id=given["AccessKeyId"], secret_access_key=given["SecretAccessKey"])
    guest = aws_client(servers, "s3", keys, given["SessionToken"])
    guest.put_object(Bucket=bucket, Key="sts/1/file", Body=b"x")
    assert guest.create_multipart_upload(Bucket=bucket, Key="sts/1/large")["UploadId"]
    assert refused(guest.put_object, Bucket=bucket, Key="sts/2/file", Body=b"x")
    assert refused(guest.create_multipart_upload, Bucket=bucket, Key="sts/2/large")
    assert refused(guest.get_object, Bucket=bucket, Key="sts/1/file")
    assert refused(guest.list_objects_v2, Bucket=bucket)
    assert refused(guest.put_object, Bucket=servers.broker_bucket, Key="sts/1/file", Body=b"x")
    root = aws_client(servers, "s3", servers.root_keys)
    assert exists(root, bucket, "sts/1/file")
    assert not exists(root, bucket, "sts/2/")


async def test_the_role_alone_reaches_the_content_bucket_only(servers: Servers) -> None:
    """Even without a session policy the role does not open the broker's log."""
    sts = aws_client(servers, "sts", servers.services_keys)
    given = sts.assume_role(RoleArn=servers.upload_role_arn, RoleSessionName="upload-2")["Credentials"]
    keys = S3Credentials(access_key_id=given["AccessKeyId"], secret_access_key=given["SecretAccessKey"])
    guest = aws_client(servers, "s3", keys, given["SessionToken"])
    assert refused(guest.put_object, Bucket=servers.broker_bucket, Key="x", Body=b"x")
    assert refused(guest.list_objects_v2, Bucket=servers.broker_bucket)


async def test_only_the_services_assume_the_role(servers: Servers) -> None:
    """Who has credentials for one upload can't widen them: neither they, nor other keys, nor no one gets the role."""
    sts = aws_client(servers, "sts", servers.services_keys)
    role = {"RoleArn": servers.upload_role_arn, "RoleSessionName": "upload-3"}
    given = sts.assume_role(**role)["Credentials"]  # no session policy, and so no denial, stands in the way
    keys = S3Credentials(access_key_id=given["AccessKeyId"], secret_access_key=given["SecretAccessKey"])
    assert refused(aws_client(servers, "sts", keys, given["SessionToken"]).assume_role, **role)
    assert refused(aws_client(servers, "sts", load_credentials(servers.folder).broker).assume_role, **role)
    query = {"Action": "AssumeRole", "Version": "2011-06-15", **role}
    async with aiohttp.ClientSession() as web, web.post(servers.s3_endpoint, data=query) as answer:
        assert answer.status in (400, 403)


async def test_the_stores_inner_parts_answer_no_browser(servers: Servers) -> None:
    """A web page in a browser on this machine can neither read files past S3 nor drop a bucket."""
    requested = {
        "filer": f"/buckets/{servers.content_bucket}/",
        "master": "/col/delete?collection=nothing",
    }
    async with aiohttp.ClientSession() as web:
        for part, path in requested.items():
            url = f"http://127.0.0.1:{servers.ports[part]}{path}"
            async with web.get(url, headers={"Origin": "http://evil.example"}) as answer:
                assert answer.status == 404
                assert "Access-Control-Allow-Origin" not in answer.headers
