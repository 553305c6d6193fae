"""Invalid requests to the upload service and by signed URLs are refused and leave nothing behind."""

import asyncio
from base64 import b64decode
from datetime import datetime
from hashlib import sha256
from typing import Any

import orjson
import pytest
from upload_stack import Stack

from docstore_platform.clock import utc_now
from docstore_platform.ids import new_id
from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected

CONTENT = b"some bytes"
TIB = 1 << 40


@pytest.mark.parametrize("field", ["key", "Content-Type", "x-amz-meta-upload-id", "success_action_redirect", "policy"])
async def test_tampered_form_stores_nothing(running: Stack, field: str) -> None:
    """A form with one field changed is refused by the store, and no object is there."""
    upload = await running.person.initiate("form", CONTENT)
    tampered = {"key": running.key("another")} if field == "key" else {field: "text/html"}
    status, _ = await running.post(upload["form"], CONTENT, **tampered)
    assert status in (400, 403)
    assert await running.store.head(upload["form"]["fields"]["key"]) is None
    assert await running.store.head(running.key("another")) is None
    refused = await running.person.refused("POST", f"/v1/uploads/{upload['id']}/complete")
    assert refused == (409, "upload_incomplete")


async def test_larger_or_smaller_than_declared_is_refused_by_the_store(running: Stack) -> None:
    """Neither form nor PUT takes another number of bytes than was declared and reserved."""
    form = await running.person.initiate("form", CONTENT)
    put = await running.person.initiate("put", CONTENT)
    for content in (CONTENT + b"!", CONTENT[:-1]):
        assert (await running.post(form["form"], content))[0] == 400
        headers = {k: v for k, v in put["put"]["headers"].items() if k != "content-length"}
        assert await running.put(put["put"] | {"headers": headers}, content) == 403
    for key in (form["form"]["fields"]["key"], running.key(put["id"])):
        assert await running.store.head(key) is None


@pytest.mark.parametrize("content", [CONTENT + b"!", CONTENT[::-1]])
async def test_object_that_differs_is_refused_and_deleted(running: Stack, content: bytes) -> None:
    """Other bytes than declared (credentials can store any): 409, the object is gone, the reservation given back."""
    upload = await running.person.initiate("credentials", CONTENT, sha256=sha256(CONTENT).hexdigest())
    await running.store.put(upload["credentials"]["key"], content)
    complete = f"/v1/uploads/{upload['id']}/complete"
    assert await running.person.refused("POST", complete) == (409, "upload_mismatch")
    assert await running.person.refused("POST", complete) == (409, "upload_mismatch")
    shown = await running.person.ok("GET", f"/v1/uploads/{upload['id']}")
    prefix = upload["credentials"]["key"].removesuffix("incoming/content")

    async def is_gone() -> bool:
        return "Contents" not in await running.store.transport.call("list_objects_v2", Prefix=prefix)

    await eventually(is_gone)
    assert (shown["state"], shown["problem"]["code"]) == ("aborted", "upload_mismatch")
    assert await running.events(upload["id"]) == ["upload-initiated", "upload-aborted"]


async def test_expired_form_stores_nothing(stack: Stack) -> None:
    """A form that is used after its upload's expiry is refused by the store."""
    async with stack.run(lifetime_seconds=1):
        upload = await stack.person.initiate("form", CONTENT)
        policy = orjson.loads(b64decode(upload["form"]["fields"]["policy"]))
        ends = datetime.fromisoformat(policy["expiration"])

        async def is_over() -> bool:
            return utc_now() > ends

        await eventually(is_over)
        assert (await stack.post(upload["form"], CONTENT))[0] in (400, 403)
    assert await stack.store.head(upload["form"]["fields"]["key"]) is None


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"size": -1}, 422, "invalid_size"),
        ({"base_version": 2**40}, 422, "invalid_request"),
        ({"size": 5 * TIB + 1, "method": "multipart"}, 422, "invalid_size"),
        ({"size": 2**63 - 1, "method": "credentials"}, 422, "invalid_size"),
        ({"size": 1.5}, 422, "invalid_request"),
        ({"size": "12"}, 422, "invalid_request"),
        ({"size": True}, 422, "invalid_request"),
        ({"size": (5 << 30) + 1}, 422, "too_large_for_method"),
        ({"size": (5 << 30) + 1, "method": "form"}, 422, "too_large_for_method"),
        ({"method": "blocks"}, 422, "invalid_sha256"),
        ({"method": "carrier-pigeon"}, 422, "unsupported_method"),
        ({"content_type": "text/html\r\nx-amz-acl: public-read"}, 422, "invalid_content_type"),
        ({"content_type": "nonsense"}, 422, "invalid_content_type"),
        ({"sha256": "abc"}, 422, "invalid_sha256"),
        ({"tags": ["a\x00b"]}, 422, "invalid_tags"),
        ({"tags": ["x"] * 51}, 422, "invalid_tags"),
        ({"path": "/a/../b"}, 422, "invalid_path"),
        ({"path": "/a\0b"}, 422, "invalid_path"),
        ({"path": None}, 422, "invalid_request"),
        ({"file_id": "f1"}, 422, "invalid_request"),
        ({"base_version": 7, "on_conflict": "fail"}, 409, "version_conflict"),
        ({"on_conflict": "overwrite"}, 422, "invalid_request"),
    ],
)
async def test_bad_requests(running: Stack, change: dict[str, Any], status: int, code: str) -> None:
    """Each is refused with its own code before anything is reserved or kept."""
    body = {"path": "/a.txt", "size": 1, "method": "put"} | change
    assert await running.person.refused("POST", "/v1/uploads", body) == (status, code)
    assert not running.services.quota.reserved
    assert await running.database["uploads"].count_documents(running.persons) == 0


async def test_half_a_surrogate_pair_is_no_path(running: Stack) -> None:
    """JSON can contain it, but events can't: refused, alone and in a batch."""
    item = b'{"path": "/\\ud800", "size": 1, "method": "put"}'
    assert await running.person.refused("POST", "/v1/uploads", item) == (422, "invalid_path")
    answer = await running.person.ok("POST", "/v1/uploads/batch", b'{"uploads": [%s]}' % item)
    assert answer["items"][0]["problem"]["code"] == "invalid_path"


async def test_size_beyond_any_integer(running: Stack) -> None:
    """A size of thirty digits is a size that is refused, alone and in a batch."""
    item = b'{"path": "/a", "method": "multipart", "size": 1%s}' % (b"0" * 30)
    assert await running.person.refused("POST", "/v1/uploads", item) == (422, "invalid_size")
    answer = await running.person.ok("POST", "/v1/uploads/batch", b'{"uploads": [%s]}' % item)
    assert answer["items"][0]["problem"]["code"] == "invalid_size"


async def test_over_quota(running: Stack) -> None:
    """What does not fit is 507 `over_quota`, and of a batch exactly what fits, in order, is accepted."""
    running.services.quota.limit = 25
    items = [{"path": f"/{n}", "size": 10, "method": "put"} for n in range(4)]
    results = (await running.person.ok("POST", "/v1/uploads/batch", {"uploads": items}))["items"]
    assert ["problem" in result for result in results] == [False, False, True, True]
    assert await running.person.refused("POST", "/v1/uploads", items[0]) == (507, "over_quota")
    assert await running.database["uploads"].count_documents(running.persons) == 2


async def test_other_accounts_and_unknown_ids_are_not_found(running: Stack) -> None:
    """A foreign upload is as unknown as one that never was, on every route; no one gets in without a login."""
    upload = await running.person.initiate("put", CONTENT)
    assert await running.put(upload["put"], CONTENT) == 200
    for client, upload_id in ((running.outsider, upload["id"]), (running.person, new_id()), (running.person, "x.y")):
        for method, path, body in (
            ("GET", "", None),
            ("DELETE", "", None),
            ("POST", "/complete", None),
            ("POST", "/parts", {"numbers": [1]}),
        ):
            answer = await client.refused(method, f"/v1/uploads/{upload_id}{path}", body)
            assert answer == (404, "not_found"), (method, path)
    assert (await running.person.send("GET", f"/v1/uploads/{upload['id']}", login=False)).status == 401
    assert (await running.person.send("GET", "/internal/uploads/stalled")).status == 401
    shown = await running.person.ok("GET", f"/v1/uploads/{upload['id']}")
    assert shown["state"] == "initiated"


async def test_redirect_needs_the_token_of_its_upload(running: Stack) -> None:
    """Without, with a wrong, and with another upload's token: a page with 404 that reveals nothing of the upload."""
    upload, other = [await running.person.initiate("form", CONTENT) for _ in range(2)]
    token = other["form"]["fields"]["success_action_redirect"].rpartition(".")[2].removesuffix("/redirect")
    _, location = await running.post(upload["form"], CONTENT)
    assert location is not None
    for path in (
        f"{upload['id']}/redirect",
        f"{upload['id']}.{token}/redirect",
        f"{upload['id']}/redirect?token=é",
    ):
        answer = await running.person.send("GET", f"/v1/uploads/{path}", login=False)
        assert answer.status == 404
        assert answer.headers["content-type"].startswith("text/html")
        assert b"no such upload" in answer.body
    missing = other["form"]["fields"]["success_action_redirect"].removeprefix(running.infra.public_url)
    answer = await running.person.send("GET", missing, login=False)
    assert (answer.status, b"not all arrived" in answer.body) == (409, True)
    assert not running.services.metadata.committed


async def test_abort(running: Stack) -> None:
    """Cancelling deletes what was sent and is published once; it can be repeated, and can't undo a completion."""
    upload = await running.person.initiate("put", CONTENT)
    await running.put(upload["put"], CONTENT)
    await running.person.ok("DELETE", f"/v1/uploads/{upload['id']}")
    await running.person.ok("DELETE", f"/v1/uploads/{upload['id']}")
    assert await running.store.get(running.key(upload["id"])) == b""
    refused = await running.person.refused("POST", f"/v1/uploads/{upload['id']}/complete")
    assert refused == (409, "upload_aborted")
    done = await running.person.initiate("put", CONTENT)
    await running.put(done["put"], CONTENT)
    await running.person.ok("POST", f"/v1/uploads/{done['id']}/complete")
    assert await running.person.refused("DELETE", f"/v1/uploads/{done['id']}") == (409, "upload_completed")
    assert await running.events(upload["id"]) == ["upload-initiated", "upload-aborted"]
    assert await running.store.head(running.key(done["id"])) is not None


@pytest.mark.parametrize("method", ["put", "form"])
async def test_concurrent_completes_commit_once(running: Stack, method: str) -> None:
    """Ten at once all get the same file; it is published once."""
    upload = await running.person.initiate(method, CONTENT)
    if method == "put":
        await running.put(upload["put"], CONTENT)
    else:
        await running.post(upload["form"], CONTENT)
    complete = f"/v1/uploads/{upload['id']}/complete"
    files = await asyncio.gather(*(running.person.ok("POST", complete) for _ in range(10)))
    assert all(file == files[0] for file in files)
    assert await running.events(upload["id"]) == ["upload-initiated", "upload-completed"]


async def test_refused_commit_ends_the_upload(running: Stack) -> None:
    """Metadata's refusal is the answer, now and later; the bytes are deleted, the reservation given back."""
    upload = await running.person.initiate("put", CONTENT, path="/taken", on_conflict="fail", base_version=0)
    await running.put(upload["put"], CONTENT)
    running.services.metadata.refusals["/taken"] = {"status": 409, "code": "version_conflict", "detail": "Stale."}
    for _ in range(2):
        refused = await running.person.refused("POST", f"/v1/uploads/{upload['id']}/complete")
        assert refused == (409, "version_conflict")
    assert await running.store.get(running.key(upload["id"])) == b""
    assert await running.events(upload["id"]) == ["upload-initiated", "upload-aborted"]
