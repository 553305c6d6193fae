"""What passes is waited for; what failed is tried again when something has changed."""

import shutil
from datetime import timedelta
from typing import Any

import media_originals as originals
import pytest
from media_world import World
from pydantic import SecretStr
from restores import restored
from service_calls import ServiceCaller

from docstore_contents.s3.store import ObjectStore, ObjectStoreError
from docstore_contents.workers.sandbox import landlock
from docstore_events.catalogue.files import FileModified
from docstore_media.maintenance import after_restore
from docstore_media.rendering.failures import MAX_ATTEMPTS
from docstore_platform.clock import utc_now
from docstore_platform.ids import new_id
from docstore_platform.service.client import LocalTransport
from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected


async def rendition(world: World, owner: str, **wanted: Any) -> Any:
    """Wait for one of the account's that is so; until then whatever it has that is put off is due at once."""
    rows = world.database["renditions"]

    async def probe() -> Any:
        found = await rows.find_one({"owner_id": owner, **wanted})
        if not found:
            put_off = {"owner_id": owner, "state": "pending", "lease_owner": None}
            await rows.update_many(put_off, {"$min": {"due_at": utc_now()}})
        return found

    return await eventually(probe, every=0.1)


@pytest.fixture
def no_bucket(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The store answers whoever stores a picture that there is no such bucket, until this is undone."""
    put = ObjectStore.put

    async def refuse(store: ObjectStore, key: str, *arguments: Any, **options: Any) -> Any:
        if key.startswith("previews/"):
            raise ObjectStoreError("NoSuchBucket", "The specified bucket does not exist")
        return await put(store, key, *arguments, **options)

    monkeypatch.setattr(ObjectStore, "put", refuse)
    return monkeypatch


async def test_a_bucket_that_takes_no_pictures_is_waited_for(running: World, no_bucket: pytest.MonkeyPatch) -> None:
    """It costs no attempt, and no failure is published; once it is there the file has its preview."""
    file = await running.add(new_id(), "a.png", originals.image())
    await rendition(running, file.owner_id, waits={"$gt": MAX_ATTEMPTS}, lease_owner=None, state="pending", attempts=0)
    no_bucket.undo()
    await rendition(running, file.owner_id, state="ready")
    await running.until_published(file.file_id, "preview-ready")


@pytest.mark.usefixtures("no_bucket")
async def test_it_is_waited_for_ever_longer(running: World) -> None:
    """A bucket that is away for days is not asked every few seconds."""
    before = utc_now()
    file = await running.add(new_id(), "a.png", originals.image())
    row = await rendition(
        running, file.owner_id, waits={"$gte": 5}, lease_owner=None, due_at={"$gt": before + timedelta(seconds=2**5)}
    )
    assert row["state"] == "pending"


async def test_a_store_that_refuses_all_reads_is_waited_for(world: World) -> None:
    """A right that is missing for a while is not taken for a content that is."""
    wrong = world.infra.model_copy(update={"s3_secret_access_key": SecretStr("not-the-key-of-this-store")})
    async with world.running(infra=wrong):
        file = await world.add(new_id(), "a.png", originals.image())
        await rendition(
            world, file.owner_id, waits={"$gt": MAX_ATTEMPTS}, lease_owner=None, state="pending", attempts=0
        )
    async with world.running():
        await rendition(world, file.owner_id, state="ready")
        await world.until_published(file.file_id, "preview-ready")


async def test_a_disk_that_takes_nothing_is_waited_for(fresh: World) -> None:
    """The content has no fault in it: once there is room again it has its preview."""
    shutil.rmtree(fresh.folder)
    file = await fresh.add(new_id(), "a.png", originals.image())
    await rendition(fresh, file.owner_id, waits={"$gt": MAX_ATTEMPTS}, lease_owner=None, state="pending", attempts=0)
    fresh.folder.mkdir()
    await rendition(fresh, file.owner_id, state="ready")
    await fresh.until_published(file.file_id, "preview-ready")


async def test_contents_wait_while_there_is_no_sandbox(fresh: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is rendered and nothing fails; readiness names what is missing; then they are rendered."""
    monkeypatch.setattr(landlock, "version", lambda: 0)
    file = await fresh.add(new_id(), "a.png", originals.image())
    row = await rendition(fresh, file.owner_id, state="pending")
    assert (row["attempts"], row.get("lease_owner")) == (0, None)
    ready = await LocalTransport(fresh.infra.media_url).send("GET", "/readyz", {}, b"")
    assert (ready.status, ready.json()["status"]) == (200, "degraded")
    readiness_answer = await ServiceCaller("media", fresh.infra).call("GET", "/internal/readiness")
    assert readiness_answer["ready"]
    assert "Landlock" in readiness_answer["failed"]["parser_sandbox"]
    monkeypatch.undo()
    await rendition(fresh, file.owner_id, state="ready")
    await fresh.until_published(file.file_id, "preview-ready")


async def test_a_content_that_was_missing_is_tried_again_where_it_is_stored_anew(running: World) -> None:
    """The new upload has a preview, and for the earlier one preview-ready is published now."""
    owner, picture = new_id(), originals.image()
    lost = await running.add(owner, "a.png", picture, stored=False)
    await rendition(running, owner, state="failed", reason="content_missing")
    await running.until_published(lost.file_id, "preview-failed")
    again = await running.add(owner, "b.png", picture)
    await running.until_published(again.file_id, "preview-ready")
    await running.until_published(lost.file_id, "preview-failed", "preview-ready")


async def test_a_copy_of_what_failed_fails_as_well(running: World) -> None:
    """It is stored in the same place, so nothing has changed; and a broken picture is broken wherever it is stored."""
    owner = new_id()
    lost = await running.add(owner, "a.png", originals.image(), stored=False)
    await rendition(running, owner, state="failed", reason="content_missing")
    await running.publish(FileModified(**running._about(lost.model_copy(update={"version": 2})), added_bytes=0))
    await running.until_published(lost.file_id, "preview-failed", "preview-failed")
    for name in ("b.png", "c.png"):
        broken = await running.add(owner, name, b"no picture")
        await running.until_published(broken.file_id, "preview-failed")
    assert [
        row["attempts"]
        for row in await running.database["renditions"].find({"owner_id": owner, "reason": "corrupt"}).to_list()
    ] == [1]


async def test_after_a_restore_what_failed_for_a_passing_reason_is_tried_too(world: World) -> None:
    """What failed for its bytes stays as it is."""
    owner, picture = new_id(), originals.image()
    async with world.running():
        lost = await world.add(owner, "a.png", picture, stored=False)
        broken = await world.add(owner, "b.png", b"no picture")
        await rendition(world, owner, state="failed", reason="content_missing")
        await world.until_published(broken.file_id, "preview-failed")
    await world.objects.put(lost.object_key, picture)
    await after_restore(restored(world.database))
    assert await world.database["renditions"].distinct("reason", {"state": "failed"}) == ["corrupt"]
    async with world.running():
        await world.until_published(lost.file_id, "preview-failed", "preview-ready")


async def test_the_previous_release_removes_previews_of_this_one(running: World) -> None:
    """It recognises a rendition that no one holds by a null lease, and queues it for removal at once."""
    file = await running.add(new_id(), "a.png", originals.image())
    await running.until_published(file.file_id, "preview-ready")
    row = await rendition(running, file.owner_id, state="ready")
    assert row["lease"] is None
    due_at = {"$cond": [{"$eq": ["$lease", None]}, utc_now(), "$due_at"]}
    removal = {"state": "removing", "live": False, "attempts": 0, "due_at": due_at}
    await running.database["renditions"].update_one({"_id": row["_id"]}, [{"$set": removal}])

    async def is_removed() -> bool:
        return await running.database["renditions"].find_one({"_id": row["_id"]}) is None

    await eventually(is_removed)
