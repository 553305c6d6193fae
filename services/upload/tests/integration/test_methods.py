"""Each upload method from the first call to the file, with plain HTTP and boto3."""

from datetime import timedelta
from hashlib import sha256
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from upload_stack import Stack

from docstore_platform.clock import utc_now
from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected

CONTENT = b"Dear reader,\n" * 100
SHA256 = sha256(CONTENT).hexdigest()


async def test_put_becomes_a_file_with_its_checksum(running: Stack) -> None:
    """A presigned PUT without a declared checksum ends as a file whose SHA-256 is that of the stored bytes."""
    upload = await running.person.initiate("put", CONTENT, tags=["letters"])
    assert await running.put(upload["put"], CONTENT) == 200
    file = await running.person.ok("POST", f"/v1/uploads/{upload['id']}/complete")
    assert (file["path"], file["size"], file["sha256"]) == (upload["path"], len(CONTENT), SHA256)
    again = await running.person.ok("POST", f"/v1/uploads/{upload['id']}/complete")
    shown = await running.person.ok("GET", f"/v1/uploads/{upload['id']}")
    assert again == file
    assert (shown["state"], shown["file"]) == ("completed", file)
    assert await running.events(upload["id"]) == ["upload-initiated", "upload-completed"]
    item = running.services.metadata.committed[upload["id"]]["item"]
    assert (item["object_key"], item["device"], item["tags"]) == (running.key(upload["id"]), "laptop", ["letters"])
    assert item["content_type"] == "text/plain"


async def test_declared_checksum_is_signed(running: Stack) -> None:
    """With a declared SHA-256 the store itself refuses other bytes; nothing is stored."""
    upload = await running.person.initiate("put", CONTENT, sha256=SHA256)
    assert await running.put(upload["put"], CONTENT[::-1]) == 400
    assert await running.store.head(running.key(upload["id"])) is None
    assert await running.put(upload["put"], CONTENT) == 200
    assert (await running.person.ok("POST", f"/v1/uploads/{upload['id']}/complete"))["sha256"] == SHA256


async def test_put_url_cannot_change_what_was_committed(running: Stack) -> None:
    """Once bytes are stored, the same URL stores no other ones of the same length over them."""
    upload = await running.person.initiate("put", CONTENT)
    assert await running.put(upload["put"], CONTENT) == 200
    await running.person.ok("POST", f"/v1/uploads/{upload['id']}/complete")
    assert await running.put(upload["put"], CONTENT[::-1]) == 412
    assert await running.store.get(running.key(upload["id"])) == CONTENT


async def test_form_redirects_the_browser_to_its_list(running: Stack) -> None:
    """A browser without a login follows S3's redirect; the upload is complete and it is sent to the file's folder."""
    upload = await running.person.initiate("form", CONTENT, path="/docs & more/a.txt")
    status, location = await running.post(upload["form"], CONTENT)
    assert status == 303
    assert location is not None
    path = location.removeprefix(running.infra.public_url)
    answer = await running.person.send("GET", path, login=False)
    assert answer.status == 303
    assert answer.headers["location"] == f"{running.infra.public_url}/?path=/docs%20%26%20more"
    again = await running.person.send("GET", path, login=False)
    assert again.status == 303
    assert await running.store.get(await running.committed_key(upload["id"])) == CONTENT


async def test_multipart_resumes_and_completes(stack: Stack) -> None:
    """Parts are sent in any order; missing ones are returned again after a break; more URLs on demand."""
    part = 5 << 20
    content = b"0123456789abcdef" * (part // 8) + b"tail"
    async with stack.run(part_bytes=part, first_part_urls=1):
        upload = await stack.person.initiate("multipart", content)
        plan = upload["multipart"]
        assert (plan["part_size"], plan["part_count"], [p["number"] for p in plan["parts"]]) == (part, 3, [1])
        more = await stack.person.ok("POST", f"/v1/uploads/{upload['id']}/parts", {"numbers": [2, 3]})
        assert [p["size"] for p in more["parts"]] == [part, 4]
        assert await stack.put(more["parts"][1], content[2 * part :]) == 200
        assert await stack.put(more["parts"][0], content[part : part + 5]) == 403
        assert await stack.put(more["parts"][0], content[part : 2 * part]) == 200
        assert await stack.person.refused("POST", f"/v1/uploads/{upload['id']}/complete") == (409, "upload_incomplete")
        shown = await stack.person.ok("GET", f"/v1/uploads/{upload['id']}")
        assert shown["state"] == "uploading"
        assert [p["number"] for p in shown["multipart"]["sent"]] == [2, 3]
        assert [p["number"] for p in shown["multipart"]["parts"]] == [1]
        assert await stack.put(shown["multipart"]["parts"][0], content[:part]) == 200
        wrong = {"parts": [{"number": 1, "etag": "0" * 32}]}
        complete = f"/v1/uploads/{upload['id']}/complete"
        assert await stack.person.refused("POST", complete, wrong) == (422, "invalid_parts")
        file = await stack.person.ok("POST", complete)
        assert file["sha256"] == sha256(content).hexdigest()
        assert await stack.person.ok("POST", complete) == file


async def test_the_checksum_may_be_declared_with_the_parts(running: Stack) -> None:
    """It can't be changed afterwards, and bytes that differ from it become no version."""
    upload = await running.person.initiate("multipart", b"bytes", sha256=None)
    parts = f"/v1/uploads/{upload['id']}/parts"
    declared = {"numbers": [1], "sha256": sha256(b"other").hexdigest()}
    assert await running.put((await running.person.ok("POST", parts, declared))["parts"][0], b"bytes") == 200
    assert (await running.person.ok("POST", parts, declared))["parts"]
    another = {**declared, "sha256": sha256(b"bytes").hexdigest()}
    assert await running.person.refused("POST", parts, another) == (409, "sha256_declared")
    complete = f"/v1/uploads/{upload['id']}/complete"
    assert await running.person.refused("POST", complete) == (409, "upload_mismatch")


async def test_multipart_of_nothing(running: Stack) -> None:
    """An empty file is one empty part."""
    upload = await running.person.initiate("multipart", b"")
    assert await running.put(upload["multipart"]["parts"][0], b"") == 200
    file = await running.person.ok("POST", f"/v1/uploads/{upload['id']}/complete")
    assert file["sha256"] == sha256(b"").hexdigest()


def s3_client(instructions: Any) -> Any:
    return boto3.session.Session().client(
        "s3",
        endpoint_url=instructions["endpoint"],
        region_name=instructions["region"],
        aws_access_key_id=instructions["access_key_id"],
        aws_secret_access_key=instructions["secret_access_key"],
        aws_session_token=instructions["session_token"],
        config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
    )


async def test_answers_with_credentials_are_not_stored(running: Stack) -> None:
    """Alone, in a batch, and asked for again; other instructions are given again for the same Idempotency-Key."""
    body = {"path": "/a.txt", "size": 1, "method": "credentials"}
    alone = await running.person.send("POST", "/v1/uploads", body)
    batch = await running.person.send("POST", "/v1/uploads/batch", {"uploads": [{**body, "method": "put"}, body]})
    again = await running.person.send("GET", f"/v1/uploads/{alone.json()['id']}")
    other = await running.person.send("POST", "/v1/uploads", {**body, "method": "put"})
    assert [answer.headers.get("cache-control") for answer in (alone, batch, again, other)] == ["no-store"] * 3 + [None]


async def test_credentials_work_for_this_upload_alone(running: Stack) -> None:
    """Any S3 tool uploads with the STS credentials; beside the upload's own prefix they are refused."""
    upload = await running.person.initiate("credentials", CONTENT)
    instructions = upload["credentials"]
    s3 = s3_client(instructions)
    s3.put_object(Bucket=instructions["bucket"], Key=instructions["key"], Body=CONTENT)
    for key in (running.key("another"), running.key(upload["id"])):
        with pytest.raises(ClientError, match="AccessDenied"):
            s3.put_object(Bucket=instructions["bucket"], Key=key, Body=CONTENT)
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.get_object(Bucket=instructions["bucket"], Key=instructions["key"])
    file = await running.person.ok("POST", f"/v1/uploads/{upload['id']}/complete")
    assert file["sha256"] == SHA256


@pytest.mark.parametrize("size", [len(CONTENT), (1 << 20) + 1])
async def test_credentials_and_forms_cannot_change_what_was_committed(
    stack: Stack, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both can write their key again after completion; the committed object is another, and the late bytes go away."""
    content = (CONTENT * 1000)[:size]
    ahead = timedelta()
    monkeypatch.setattr("docstore_upload.app.utc_now", lambda: utc_now() + ahead)
    async with stack.run(sweep_delay_seconds=0.1):
        by_form = await stack.person.initiate("form", content)
        by_tool = await stack.person.initiate("credentials", content)
        instructions = by_tool["credentials"]
        for round_content in (content, content[::-1]):
            assert (await stack.post(by_form["form"], round_content))[0] == 303
            s3_client(instructions).put_object(
                Bucket=instructions["bucket"], Key=instructions["key"], Body=round_content
            )
            for upload in (by_form, by_tool):
                file = await stack.person.ok("POST", f"/v1/uploads/{upload['id']}/complete")
                assert file["sha256"] == sha256(content).hexdigest()
        for upload in (by_form, by_tool):
            assert await stack.store.get(await stack.committed_key(upload["id"])) == content
        ahead = timedelta(days=30)  # no instruction works any more

        async def is_tidy() -> bool:
            return await stack.store.head(by_form["form"]["fields"]["key"]) is None

        await eventually(is_tidy)
    assert await stack.store.get(await stack.committed_key(by_form["id"])) == content


async def test_batch_of_small_files(running: Stack) -> None:
    """A batch is one question to metadata and two to quota; a bad item answers its problem, the others go on."""
    contents = [b"file %d" % number for number in range(20)]
    items: list[Any] = [
        {"path": f"/batch/{number}.txt", "size": len(content), "method": "put", "sha256": sha256(content).hexdigest()}
        for number, content in enumerate(contents)
    ]
    items[3] = items[3] | {"path": "../etc"}
    items[5] = {"size": "many"}
    items[7] = items[7] | {"method": "telepathy"}
    results = (await running.person.ok("POST", "/v1/uploads/batch", {"uploads": items}))["items"]
    codes = {number: result["problem"]["code"] for number, result in enumerate(results) if "problem" in result}
    assert codes == {3: "invalid_path", 5: "invalid_request", 7: "unsupported_method"}
    begun = {number: result for number, result in enumerate(results) if "problem" not in result}
    for number, upload in begun.items():
        if number != 11:
            assert await running.put(upload["put"], contents[number]) == 200
    wanted: list[Any] = [{"id": upload["id"]} for upload in begun.values()] + ["unknown"]
    done = (await running.person.ok("POST", "/v1/uploads/complete-batch", {"uploads": wanted}))["items"]
    outcomes = dict(zip([*begun, "unknown"], done, strict=True))
    assert outcomes.pop("unknown")["problem"]["status"] == 404
    assert outcomes.pop(11)["problem"]["code"] == "upload_incomplete"
    assert {number: file["path"] for number, file in outcomes.items()} == {
        number: f"/batch/{number}.txt" for number in outcomes
    }
    assert running.services.metadata.calls == {"uploads/check": 1, "commits": 1}
    assert running.services.quota.calls["reservations"] == 2  # again without what metadata has refused


async def test_list_in_pages(running: Stack) -> None:
    """The caller's uploads, newest first, page by page; no one else's."""
    ids = [(await running.person.initiate("put", b"x"))["id"] for _ in range(5)]
    await running.outsider.initiate("put", b"x")
    first = await running.person.ok("GET", "/v1/uploads?limit=3")
    second = await running.person.ok("GET", f"/v1/uploads?limit=3&cursor={first['next_cursor']}")
    none = await running.person.ok("GET", "/v1/uploads?state=completed")
    assert [item["id"] for item in first["items"] + second["items"]] == ids[::-1]
    assert second["next_cursor"] is None
    assert none["items"] == []
