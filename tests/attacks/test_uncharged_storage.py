"""Attack: store bytes that count for no account, with an account and an HTTP client."""

import os
from hashlib import sha256
from typing import Any

import aiohttp
import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from people import Person, problem_of
from stacks import DetachedStack
from yarl import URL

from docstore_contents.packs import Slice, index_bytes
from docstore_platform.testing import eventually

pytestmark = pytest.mark.attack

MIB = 1 << 20
ONE_BYTE_FRAME = b"\x28\xb5\x2f\xfd\x20\x01"
"""How a zstd frame begins whose content is one byte."""
OVERHEAD = 4096


async def put(means: Any, data: bytes) -> int:
    """PUT by a signed URL with its headers, but whatever length; the status."""
    headers = {name: value for name, value in means["headers"].items() if name != "content-length"}
    async with (
        aiohttp.ClientSession() as client,
        client.put(URL(means["url"], encoded=True), data=data, headers=headers) as answer,
    ):
        return answer.status


async def is_paid_for(stack: DetachedStack, person: Person) -> bool:
    """Whether no more is in the store than is charged."""
    return await stack.bucket.stored_bytes(person.id) <= (await person.usage())["used"] + OVERHEAD


@pytest.mark.parametrize("with_sizes", [True, False])
async def test_blocks_whose_header_claims_one_byte(stack: DetachedStack, mallory: Person, with_sizes: bool) -> None:
    """Ten blocks of 8 MiB whose frames declare one byte: no file is made of them, and all are deleted."""
    bodies = [ONE_BYTE_FRAME + os.urandom(8 * MIB) for _ in range(10)]
    frames = {sha256(body).hexdigest(): body for body in bodies}
    wish: dict[str, Any] = {"hashes": list(frames)}
    if with_sizes:
        wish["sizes"] = {name: len(body) for name, body in frames.items()}
    for means in (await mallory.call("POST", "/v1/blocks/missing", wish))["missing"]:
        assert await put(means, frames[means["hash"]]) == 200
    upload = await mallory.begin("/free", 10, "blocks", sha256="0" * 64)
    blocks = [{"hash": name, "size": 1} for name in frames]
    answer = await mallory.ask("POST", f"/v1/uploads/{upload['id']}/complete", {"blocks": blocks})
    assert problem_of(answer) == (409, "blocks_missing")

    async def nothing_is_left() -> bool:
        return await stack.bucket.stored_bytes(mallory.id) == 0

    await eventually(nothing_is_left)


async def test_a_block_url_takes_no_other_length(stack: DetachedStack, mallory: Person) -> None:
    """Where its length was said; where it was not, what is longer than a block is found and deleted."""
    wish = {"hashes": ["1" * 64], "sizes": {"1" * 64: 10}}
    (sized,) = (await mallory.call("POST", "/v1/blocks/missing", wish))["missing"]
    assert await put(sized, os.urandom(20 * MIB)) == 403
    (unsized,) = (await mallory.call("POST", "/v1/blocks/missing", {"hashes": ["2" * 64]}))["missing"]
    assert await put(unsized, os.urandom(20 * MIB)) == 200
    answer = await mallory.ask("POST", "/v1/blocks/missing", {"hashes": ["2" * 64]})
    assert problem_of(answer) == (429, "block_sizes_required")

    async def nothing_is_left() -> bool:
        return await stack.bucket.stored_bytes(mallory.id) == 0

    await eventually(nothing_is_left)
    assert await put(unsized, os.urandom(20 * MIB)) == 412


async def test_credentials_for_ten_bytes(stack: DetachedStack, mallory: Person) -> None:
    """No other key; more than declared ends the upload, and is deleted with it."""
    upload = await mallory.begin("/ten", 10, "credentials")
    means = upload["credentials"]
    client = boto3.client(
        "s3",
        endpoint_url=means["endpoint"],
        region_name=means["region"],
        aws_access_key_id=means["access_key_id"],
        aws_secret_access_key=means["secret_access_key"],
        aws_session_token=means["session_token"],
        config=Config(s3={"addressing_style": "path"}),
    )
    for key in (f"{means['key']}2", means["key"].rpartition("/")[0] + "/other", means["key"] + "/below"):
        with pytest.raises(ClientError, match="AccessDenied"):
            client.put_object(Bucket=means["bucket"], Key=key, Body=os.urandom(MIB))
    client.put_object(Bucket=means["bucket"], Key=means["key"], Body=os.urandom(20 * MIB))
    assert problem_of(await mallory.ask("POST", f"/v1/uploads/{upload['id']}/complete")) == (409, "upload_mismatch")

    async def nothing_is_left() -> bool:
        return await stack.bucket.stored_bytes(mallory.id) == 0

    await eventually(nothing_is_left)


async def test_parts_each_as_long_as_the_file(mallory: Person) -> None:
    """Requested one after the other, until the upload ends; then no URL of it stores anything."""
    data = os.urandom(MIB)
    upload = await mallory.begin("/parts", len(data), "multipart")
    route = f"/v1/uploads/{upload['id']}/parts"
    for number in range(1, 12):
        wish = {"numbers": [number], "sizes": [len(data)]}
        (part,) = (await mallory.call("POST", route, wish))["parts"]
        assert await put({"url": part["url"], "headers": {}}, data) == 200
    answer = await mallory.ask("POST", route, {"numbers": [12], "sizes": [len(data)]})
    assert problem_of(answer) == (409, "upload_mismatch")
    assert await put({"url": part["url"], "headers": {}}, data) == 404


@pytest.mark.parametrize(("paid", "unpaid"), [(1, 12_000), (55_000, 45_000)])
async def test_packs_of_which_a_part_is_paid(stack: DetachedStack, mallory: Person, paid: int, unpaid: int) -> None:
    """Bytes that are not those declared are soon gone from the pack, which a signed URL opens as a whole."""
    contents = [os.urandom(paid), os.urandom(unpaid)]
    files = [{"path": f"/{len(each)}", "size": len(each), "sha256": sha256(each).hexdigest()} for each in contents]
    pack = await mallory.call("POST", "/v1/packs", {"files": files})
    index = index_bytes([Slice(**place) for place in pack["files"]])
    assert await put(pack["put"], contents[0] + os.urandom(unpaid) + index) == 200
    results = (await mallory.call("POST", f"/v1/packs/{pack['id']}/complete"))["files"]
    assert ["file" in each for each in results] == [True, False]
    await eventually(lambda: is_paid_for(stack, mallory))


async def test_urls_of_what_was_given_up(stack: DetachedStack, mallory: Person) -> None:
    """They store nothing more, again and again."""
    data = os.urandom(MIB)
    for number in range(5):
        upload = await mallory.begin(f"/{number}", len(data), sha256=sha256(data).hexdigest())
        await mallory.call("DELETE", f"/v1/uploads/{upload['id']}")
        assert await put(upload["put"], data) == 412
    assert await is_paid_for(stack, mallory)
