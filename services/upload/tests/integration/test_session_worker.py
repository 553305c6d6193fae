"""The worker completes, expires and cleans up uploads without client calls, on real servers."""

from datetime import timedelta
from typing import Any

import pytest
from block_calls import keys_in_store, release
from service_calls import bearer
from upload_stack import Stack

from docstore_platform.clock import utc_now
from docstore_platform.mongodb.client import Collection
from docstore_platform.telemetry.metrics import exposition
from docstore_platform.testing import eventually
from docstore_upload.lifecycle.ports import Recheck
from docstore_upload.sessions.repository import MongoUploads

pytestmark = pytest.mark.connected

CONTENT = b"left behind"


async def state_of(stack: Stack, upload_id: str) -> str:
    return str((await stack.person.ok("GET", f"/v1/uploads/{upload_id}"))["state"])


async def is_swept(stack: Stack, upload_id: str) -> bool:
    document = await stack.database["uploads"].find_one({"_id": upload_id})
    return "purge_at" in document


@pytest.mark.parametrize("method", ["put", "form", "multipart", "credentials"])
async def test_vanished_client(stack: Stack, method: str) -> None:
    """A client that sends its bytes and never calls again: its upload completes by itself."""
    async with stack.run(looks=True):
        upload = await stack.person.initiate(method, CONTENT)
        if method == "put":
            await stack.put(upload["put"], CONTENT)
        elif method == "form":
            await stack.post(upload["form"], CONTENT)
        elif method == "multipart":
            await stack.put(upload["multipart"]["parts"][0], CONTENT)
        else:
            await stack.store.put(upload["credentials"]["key"], CONTENT)

        async def is_completed() -> bool:
            return await state_of(stack, upload["id"]) == "completed"

        await eventually(is_completed)
    session = await stack.database["uploads"].find_one({"_id": upload["id"]})
    assert session["completed_by"] == "workflow"
    assert await stack.events(upload["id"]) == ["upload-initiated", "upload-completed"]
    assert upload["id"] in stack.services.metadata.committed


@pytest.mark.parametrize("method", ["put", "multipart"])
async def test_expiry_cleans_up(stack: Stack, method: str) -> None:
    """Nothing, or not all, was sent: the upload expires, publishes that once, and what was sent is deleted for good."""
    part = 5 << 20
    async with stack.run(lifetime_seconds=0.5, multipart_lifetime_seconds=0.5, sweep_delay_seconds=3, part_bytes=part):
        upload = await stack.person.initiate(method, b"x" * (part + 1) if method == "multipart" else CONTENT)
        if method == "multipart":
            await stack.put(upload["multipart"]["parts"][1], b"x")

        async def is_expired() -> bool:
            return await state_of(stack, upload["id"]) == "expired"

        await eventually(is_expired)
        # bytes of a request that began in time
        await stack.store.put(stack.key(upload["id"]), CONTENT)
        await eventually(lambda: is_swept(stack, upload["id"]))
        refused = await stack.person.refused("POST", f"/v1/uploads/{upload['id']}/complete")
    assert refused == (409, "upload_expired")
    assert await stack.store.head(stack.key(upload["id"])) is None
    if method == "multipart":
        pages = await stack.store.transport.call("list_multipart_uploads", Prefix=stack.key(upload["id"]))
        assert not pages.get("Uploads")
    assert await stack.events(upload["id"]) == ["upload-initiated", "upload-expired"]


async def test_a_late_write_after_a_purge_is_deleted(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """The URL of a PUT still works then: once it does no more the object is deleted again, and nothing more is kept."""
    discarded = stack.database["discarded"]
    ahead = timedelta()
    monkeypatch.setattr("docstore_upload.app.utc_now", lambda: utc_now() + ahead)
    async with stack.run():
        uploads = {method: await stack.person.initiate(method, CONTENT) for method in ("put", "form", "multipart")}
        assert await stack.put(uploads["put"]["put"], CONTENT) == 200
        await stack.post(uploads["form"]["form"], CONTENT)
        assert await stack.put(uploads["multipart"]["multipart"]["parts"][0], CONTENT) == 200
        keys = []
        for upload in uploads.values():
            await stack.person.ok("POST", f"/v1/uploads/{upload['id']}/complete")
            keys.append(await stack.committed_key(upload["id"]))
        await stack.store.delete_many(keys)
        for _ in range(2):
            assert await release(stack, *keys) == 204
        assert await stack.put(uploads["put"]["put"], CONTENT) in (200, 412)  # 412 once the tombstone is there
        assert await stack.store.head(keys[0]) is not None
        assert [row["_id"] async for row in discarded.find()] == keys[:1]
        ahead = timedelta(days=30)  # no URL works any more

        async def nothing_is_left() -> bool:
            return not await keys_in_store(stack, f"accounts/{stack.person.account_id}/")

        await eventually(nothing_is_left)
        await eventually(lambda: _is_empty(discarded))
        assert await release(stack, *keys) == 204
        assert await _is_empty(discarded)


async def _is_empty(collection: Collection) -> bool:
    return await collection.find_one({}) is None


async def test_crash_between_commit_and_session_heals(stack: Stack) -> None:
    """Killed after metadata has committed and before the session knows: the workflow of the next start finishes it."""
    async with stack.run(commit_retry_delay_seconds=60):
        upload = await stack.person.initiate("put", CONTENT)
        await stack.put(upload["put"], CONTENT)
        stack.services.metadata.crash_after_commit = True
        refused = await stack.person.refused("POST", f"/v1/uploads/{upload['id']}/complete")
        assert refused == (503, "unavailable")
        assert await stack.person.refused("DELETE", f"/v1/uploads/{upload['id']}") == (409, "upload_completed")
    stack.services.metadata.crash_after_commit = False
    await stack.database["uploads"].update_one({"_id": upload["id"]}, {"$currentDate": {"next_check_at": True}})
    async with stack.run():

        async def is_completed() -> bool:
            return await state_of(stack, upload["id"]) == "completed"

        await eventually(is_completed)
        file = await stack.person.ok("POST", f"/v1/uploads/{upload['id']}/complete")
    assert file["version"] == 1
    assert await stack.events(upload["id"]) == ["upload-initiated", "upload-completed"]


async def test_metadata_down_is_waited_out(running: Stack) -> None:
    """While metadata is down `complete` answers 503; the upload completes by itself once it is back."""
    upload = await running.person.initiate("put", CONTENT)
    await running.put(upload["put"], CONTENT)
    running.services.metadata.down = True
    refused = await running.person.refused("POST", f"/v1/uploads/{upload['id']}/complete")
    assert refused == (503, "unavailable")
    running.services.metadata.down = False

    async def is_completed() -> bool:
        return await state_of(running, upload["id"]) == "completed"

    await eventually(is_completed)


async def test_two_instances_share_the_work(stack: Stack) -> None:
    """Two instances over one database complete each of many left uploads once."""
    async with stack.run(looks=True), stack.run(looks=True):
        ids = []
        for _ in range(20):
            upload = await stack.person.initiate("put", CONTENT)
            await stack.put(upload["put"], CONTENT)
            ids.append(upload["id"])

        async def all_completed() -> bool:
            return len((await stack.person.ok("GET", "/v1/uploads?state=completed"))["items"]) == len(ids)

        await eventually(all_completed)
    for upload_id in ids:
        assert await stack.events(upload_id) == ["upload-initiated", "upload-completed"]


async def shows(stack: Stack, line: str) -> bool:
    return line.encode() in exposition()[0]


async def complete_one(stack: Stack) -> str:
    upload = await stack.person.initiate("put", CONTENT)
    await stack.put(upload["put"], CONTENT)
    await stack.person.ok("POST", f"/v1/uploads/{upload['id']}/complete")
    return str(upload["id"])


async def test_a_fully_acknowledged_upload_is_left_alone(running: Stack) -> None:
    """Once quota, indexer and notify are done, nothing is republished and no further check is planned."""
    upload_id = await complete_one(running)
    await eventually(lambda: is_swept(running, upload_id))
    session = await running.database["uploads"].find_one({"_id": upload_id})
    assert "next_check_at" not in session
    assert running.services.metadata.republished == []


async def test_unacknowledged_events_are_republished(stack: Stack) -> None:
    """An event that the indexer has not handled is republished until it has; then the upload is settled."""
    stack.services.indexer.settled = set()
    async with stack.run(settle_attempts=50):
        upload_id = await complete_one(stack)
        file_event = stack.services.metadata.committed[upload_id]["answer"]["event_id"]

        async def is_said_again() -> bool:
            return file_event in stack.services.metadata.republished

        await eventually(is_said_again)
        stack.services.indexer.settled = None
        await eventually(lambda: is_swept(stack, upload_id))
    assert await stack.events(upload_id) == ["upload-initiated", "upload-completed"]


async def test_stalled_upload_is_announced_listed_and_cleared(stack: Stack) -> None:
    """After the last attempt upload-stalled names who is missing; operators see it until it has happened after all."""
    stack.services.notify.settled = set()
    async with stack.run(settle_attempts=2, settle_longest_delay_seconds=0.3):
        upload_id = await complete_one(stack)
        headers = {"authorization": bearer(stack.infra, "operator", "upload")}

        async def stalled() -> list[Any]:
            transport = stack.transport()
            answer = await transport.send("GET", "/internal/uploads/stalled", headers, b"")
            return list(answer.json()["items"])

        items = await eventually(stalled)
        assert [(item["id"], item["missing"]) for item in items] == [(upload_id, ["notify"])]
        await eventually(lambda: shows(stack, "docstore_uploads_stalled 1.0"))
        stack.services.notify.settled = None
        await eventually(lambda: is_swept(stack, upload_id))
        assert await stalled() == []
        await eventually(lambda: shows(stack, "docstore_uploads_stalled 0.0"))
    assert await stack.events(upload_id) == ["upload-initiated", "upload-completed", "upload-stalled"]


async def test_instances_of_two_releases_share_the_work(stack: Stack) -> None:
    """What the release before holds under its lease is left to it, and taken over when that lease has ended."""
    uploads = MongoUploads(stack.database, 60)
    async with stack.run():
        upload = await stack.person.initiate("put", CONTENT)
    documents = stack.database["uploads"]
    theirs = {"lease": "theirs", "next_check_at": utc_now() + timedelta(hours=1)}
    await documents.update_one({"_id": upload["id"]}, {"$set": theirs})
    assert await uploads.claim_due(10) == []
    await documents.update_one({"_id": upload["id"]}, {"$set": {"next_check_at": utc_now()}})
    [mine] = await uploads.claim_due(10)
    assert (mine.id, mine.attempts) == (upload["id"], 1)
    await documents.update_one({"_id": upload["id"]}, {"$set": theirs})  # they take over from us
    await uploads.recheck([Recheck(mine, None)])
    stored = await documents.find_one({"_id": upload["id"]})
    assert stored is not None
    assert stored["lease"] == "theirs"
    assert stored["next_check_at"] > utc_now()
