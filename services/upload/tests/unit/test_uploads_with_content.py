"""Uploads whose content is in the request that begins them."""

from base64 import b64encode
from hashlib import sha256
from typing import Any

import pytest
from upload_world import MakeWorld, World, complete

from docstore_platform.errors import DomainError
from docstore_upload.sessions.validation import read_initiate

CONTENT = b"hello"
BUSY = {"status": 503, "code": "unavailable", "detail": "Metadata is temporarily unavailable."}


def request(path: str = "/a.txt", **more: Any) -> dict[str, Any]:
    return {"path": path, "size": 5, "method": "put", "content": b64encode(CONTENT).decode(), **more}


async def store(world: World, *requests: Any) -> list[Any]:
    return await world.service.initiate(world.person, [read_initiate(each) for each in requests])


async def test_one_request_stores_and_commits(make_world: MakeWorld) -> None:
    """The response has the file, no instructions; events and calls are those of an upload in three requests."""
    world = make_world()
    [upload] = await store(world, request(sha256=sha256(CONTENT).hexdigest().upper()))
    await world.drain()
    assert (upload["state"], upload["file"]["path"], upload["file"]["size"]) == ("completed", "/a.txt", 5)
    assert upload["file"]["sha256"] == sha256(CONTENT).hexdigest()
    assert "put" not in upload
    assert world.store.objects[world.uploads.stored[upload["id"]].object_key] == CONTENT
    assert world.published(upload["id"]) == ["upload-initiated", "upload-completed"]
    assert world.services.metadata.calls == {"uploads/check": 1, "commits": 1}


async def test_uploads_with_and_without_content_in_a_batch(make_world: MakeWorld) -> None:
    """Each is answered as if it were alone; those with content share metadata's calls."""
    world = make_world()
    without = {"path": "/c.txt", "size": 5, "method": "put"}
    first, second, third = await store(world, request("/a.txt"), request("/b.txt"), without)
    assert [first["state"], second["state"], third["state"]] == ["completed", "completed", "initiated"]
    assert "put" in third
    assert world.services.metadata.calls == {"uploads/check": 1, "commits": 1}


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"method": "multipart"}, "invalid_content"),
        ({"content": "not Base64"}, "invalid_content"),
        ({"content": "aGVs bG8="}, "invalid_content"),
        ({"content": 5}, "invalid_content"),
        ({"size": 4}, "invalid_size"),
        ({"sha256": 64 * "0"}, "upload_mismatch"),
        ({"content": b64encode(bytes(65_537)).decode(), "size": 65_537}, "too_large_for_method"),
    ],
)
async def test_invalid_content_is_refused(make_world: MakeWorld, wrong: dict[str, Any], code: str) -> None:
    """Before anything is reserved or stored."""
    world = make_world()
    [refused] = await store(world, request(**wrong))
    assert isinstance(refused, DomainError)
    assert refused.code == code
    assert not world.store.objects
    assert not world.services.quota.calls


async def test_what_can_not_be_committed_yet_stays_open(make_world: MakeWorld) -> None:
    """It is stored: `complete` gives the file once metadata can be asked, and so does the worker."""
    world = make_world()
    world.services.metadata.refusals = {"/a.txt": BUSY, "/b.txt": BUSY}
    by_client, by_worker = await store(world, request("/a.txt"), request("/b.txt"))
    assert "file" not in by_client
    world.services.metadata.refusals.clear()
    assert (await complete(world, by_client["id"]))["path"] == "/a.txt"
    world.pass_time(3600)
    await world.worker.run_once()
    assert world.uploads.stored[by_worker["id"]].state == "completed"


async def test_what_metadata_refuses_is_an_error(make_world: MakeWorld) -> None:
    """The upload is over then, as if it had been completed by itself."""
    world = make_world()
    world.services.metadata.refusals = {"/a.txt": {"status": 404, "code": "not_found", "detail": "Gone."}}
    [refused] = await store(world, request())
    assert refused.code == "target_gone"
    assert [upload.state for upload in world.uploads.stored.values()] == ["aborted"]


async def test_what_can_not_be_stored_is_given_up(make_world: MakeWorld) -> None:
    """The caller hears of it, and sends it again: nothing of this one is completed later."""
    world = make_world()
    world.store.down = True
    [refused] = await store(world, request())
    assert refused.code == "unavailable"
    world.store.down = False
    assert [upload.state for upload in world.uploads.stored.values()] == ["aborted"]
    assert not world.store.objects
