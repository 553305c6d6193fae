"""Temporary credentials of a folder: what they read, what is left out, and who gets none."""

import asyncio
from typing import Any

import boto3
import pytest
from botocore.config import Config
from metadata_stack import Stack
from stored_contents import put_blocks, put_pack, sha256

pytestmark = pytest.mark.connected


async def put_whole(stack: Stack, path: str, content: bytes) -> Any:
    item = stack.item(path, content, sha256=sha256(content))
    await stack.store_object(item, content)
    return (await stack.commit(item))[0]["file"]


async def lent(stack: Stack, path: str) -> Any:
    file = await stack.person.at(path)
    answer = await stack.person.send("POST", f"/v1/files/{file['id']}/credentials")
    assert answer.status == 201, answer.body
    assert answer.headers["cache-control"] == "private, no-store"
    return answer.json()


def reader_of(credentials: Any) -> Any:
    """An S3 client that knows nothing but the answer."""
    return boto3.session.Session().client(
        "s3",
        endpoint_url=credentials["endpoint"],
        region_name=credentials["region"],
        aws_access_key_id=credentials["access_key_id"],
        aws_secret_access_key=credentials["secret_access_key"],
        aws_session_token=credentials["session_token"],
        config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
    )


async def test_a_folder_is_read_by_an_s3_client(running: Stack) -> None:
    """Its whole objects, in folders in it, too; the answer lists what is in packs and blocks instead."""
    for name in ("a.bin", "deep/er/b.bin"):
        await put_whole(running, f"/docs/{name}", name.encode())
    await put_whole(running, "/beside.bin", b"beside")
    await put_blocks(running, "/docs/film.bin")
    (packed,) = await put_pack(running, b"packed")
    folder = await running.person.at("/docs")
    await running.person.ok("PATCH", f"/v1/files/{packed['id']}", {"name": "p.txt", "parent_id": folder["id"]})
    found = await lent(running, "/docs")
    assert sorted(each["path"] for each in found["objects"]) == ["a.bin", "deep/er/b.bin"]
    assert found["not_included"] == [{"path": "film.bin", "reason": "blocks"}, {"path": "p.txt", "reason": "pack"}]
    assert found["not_included_count"] == 2
    client = reader_of(found["credentials"])
    for each in found["objects"]:
        got = await asyncio.to_thread(client.get_object, Bucket=found["credentials"]["bucket"], Key=each["key"])
        assert got["Body"].read().decode() == each["path"]


async def test_one_file_is_enough(running: Stack) -> None:
    """Its path is its name."""
    await put_whole(running, "/docs/a.bin", b"a")
    found = await lent(running, "/docs/a.bin")
    assert [each["path"] for each in found["objects"]] == ["a.bin"]


async def test_other_accounts_get_no_credentials(running: Stack) -> None:
    """Other accounts get 404; recipients of a shared folder must download, since a share may end at once."""
    await put_whole(running, "/docs/a.bin", b"a")
    folder = await running.person.at("/docs")
    path = f"/v1/files/{folder['id']}/credentials"
    assert await running.other.refused("POST", path) == (404, "not_found")
    email = f"{running.other.account_id}@example.org"
    await running.register(running.other, email)
    for role in ("viewer", "editor"):
        await running.person.ok("POST", f"/v1/files/{folder['id']}/shares", {"email": email, "role": role})
        assert await running.other.refused("POST", path) == (403, "owner_only")


async def test_folders_without_whole_objects_and_with_too_many(running: Stack) -> None:
    """Both are said by a code of their own."""
    await put_blocks(running, "/blocks/film.bin")
    folder = await running.person.at("/blocks")
    assert await running.person.refused("POST", f"/v1/files/{folder['id']}/credentials") == (409, "no_whole_objects")
    for number in range(30):
        await put_whole(running, f"/many/{number}.bin", b"x")
    folder = await running.person.at("/many")
    assert await running.person.refused("POST", f"/v1/files/{folder['id']}/credentials") == (413, "too_many_files")
