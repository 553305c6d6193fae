"""Previews from the event of a file to the picture, on real servers."""

import hashlib
from typing import Any

import aiohttp
import media_originals as originals
import media_samples as samples
import pytest
from media_world import World
from restores import restored
from yarl import URL

from docstore_media.maintenance import after_restore
from docstore_platform.ids import new_id
from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected


async def fetched(url: str) -> tuple[bytes, Any]:
    async with aiohttp.ClientSession() as client, client.get(URL(url, encoded=True)) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.read(), answer.headers


async def test_an_image_has_a_preview_once_preview_ready_is_published(running: World) -> None:
    """Both sizes are fetched by signed URLs, as pictures of the promised type that a browser never runs."""
    owner = new_id()
    file = await running.add(owner, "a.png", originals.image(size=(2000, 1000)))
    [published] = await running.until_published(file.file_id, "preview-ready")
    assert (published["file_id"], published["owner_id"], published["version"], published["of"]) == (
        file.file_id,
        owner,
        1,
        "image",
    )
    for size, width in (("small", 320), ("large", 1600)):
        answer = await running.preview(owner, file.file_id, size)
        assert answer.status == 302
        assert answer.headers["cache-control"] == "private, max-age=300"
        data, headers = await fetched(answer.headers["location"])
        assert originals.opened(data).size == (width, width // 2)
        assert headers["content-type"] == "image/webp"
        assert headers["content-disposition"].startswith("attachment")


async def test_a_pdf_has_a_preview(running: World) -> None:
    """Of its first page."""
    owner = new_id()
    file = await running.add(owner, "a.pdf", originals.pdf("lime"), "application/pdf")
    [published] = await running.until_published(file.file_id, "preview-ready")
    assert published["of"] == "pdf"
    data, _ = await fetched((await running.preview(owner, file.file_id)).headers["location"])
    assert originals.is_like(originals.opened(data).getpixel((100, 100)), (0, 255, 0))


async def test_readers_see_the_metadata_of_a_photo(running: World) -> None:
    """Size, camera, time and place of the current version; a copy has them at once, and others learn nothing."""
    owner, reader, outsider = new_id(), new_id(), new_id()
    file = await running.add(owner, "a.heic", samples.HEIC, "image/heic", readers=(reader,))
    await running.until_published(file.file_id, "preview-ready")
    copy = await running.add(owner, "b.heic", samples.HEIC, "image/heic", stored=False)
    await running.until_published(copy.file_id, "preview-ready")
    for account, file_id in ((owner, file.file_id), (reader, file.file_id), (owner, copy.file_id)):
        known = (await running.media_of(account, file_id)).json()
        assert (known["state"], known["kind"], known["version"]) == ("ready", "image", 1)
        assert (known["width"], known["height"], known["camera"]) == (48, 96, "Canary One")
        assert (known["taken_at"], known["latitude"]) == ("2024-05-06T07:08:09", 48.14167)
    assert (await running.media_of(outsider, file.file_id)).json()["code"] == "not_found"


async def test_a_file_without_preview_has_a_reason(running: World) -> None:
    """Its type has none, or it can't be rendered."""
    owner = new_id()
    text = await running.add(owner, "a.txt", b"text", "text/plain")
    known = (await running.media_of(owner, text.file_id)).json()
    assert (known["state"], known["kind"], known["width"]) == ("none", None, None)
    broken = await running.add(owner, "a.svg", b"<svg", "image/svg+xml")
    await running.until_published(broken.file_id, "preview-failed")
    known = (await running.media_of(owner, broken.file_id)).json()
    assert (known["state"], known["reason"], known["kind"]) == ("failed", "corrupt", "image")


async def test_metadata_is_given_urls_of_many_previews(running: World) -> None:
    """In the order and size asked for; null where that version has no picture."""
    owner = new_id()
    file = await running.add(owner, "a.png", originals.image(size=(2000, 1000)))
    await running.until_published(file.file_id, "preview-ready")
    wanted = [(new_id(), 1), (file.file_id, 1), (file.file_id, 2)]
    items = [{"file_id": file_id, "version": version, "name": "a.png"} for file_id, version in wanted]
    urls = (await running.internal("POST", "/internal/previews", {"items": items, "size": "small"}))["urls"]
    assert [bool(url) for url in urls] == [False, True, False]
    data, headers = await fetched(urls[1])
    assert originals.opened(data).size == (320, 160)
    assert headers["content-type"] == "image/webp"


async def test_readers_see_the_preview_and_others_see_nothing(running: World) -> None:
    """Metadata decides who may read the file; to others the file does not exist."""
    owner, reader, outsider = new_id(), new_id(), new_id()
    file = await running.add(owner, "a.png", originals.image(), readers=(reader,))
    await running.until_published(file.file_id, "preview-ready")
    assert (await running.preview(reader, file.file_id)).status == 302
    for account, file_id in ((outsider, file.file_id), (owner, new_id())):
        answer = await running.preview(account, file_id)
        assert (answer.status, answer.json()["code"]) == (404, "not_found")


async def test_a_url_is_kept_for_half_of_its_life_at_most(world: World) -> None:
    """However short an operator makes it, a browser never opens one that has ended."""
    owner = new_id()
    async with world.running(preview_url_lifetime_seconds=60):
        file = await world.add(owner, "a.png", originals.image())
        await world.until_published(file.file_id, "preview-ready")
        answer = await world.preview(owner, file.file_id)
    assert answer.headers["cache-control"] == "private, max-age=30"
    assert URL(answer.headers["location"], encoded=True).query["X-Amz-Expires"] == "60"


async def test_without_a_preview_the_code_is_no_preview(running: World) -> None:
    """A type that has none, and a size that no one promised."""
    owner = new_id()
    file = await running.add(owner, "a.txt", b"text", "text/plain")
    answer = await running.preview(owner, file.file_id)
    assert (answer.status, answer.json()["code"]) == (404, "no_preview")
    assert (await running.preview(owner, file.file_id, "huge")).status == 422


async def test_a_broken_image_fails_with_its_reason(running: World) -> None:
    """Once, with the reason; the event counts as settled all the same."""
    owner = new_id()
    file = await running.add(owner, "a.png", b"no picture")
    [published] = await running.until_published(file.file_id, "preview-failed")
    assert published["reason"] == "corrupt"
    assert (await running.preview(owner, file.file_id)).json()["code"] == "no_preview"
    assert await running.stored(owner) == []


async def test_a_content_that_never_comes_is_given_up(world: World) -> None:
    """Its object is requested several times; then the file has no preview, with the reason."""
    owner = new_id()
    async with world.running():
        file = await world.add(owner, "a.png", originals.image(), stored=False)

        async def hurry() -> bool:
            await world.database["renditions"].update_many({"lease_owner": None}, {"$min": {"due_at": file.created_at}})
            return bool(await world.database["renditions"].find_one({"state": "failed"}))

        await eventually(hurry, every=0.1)
        [published] = await world.until_published(file.file_id, "preview-failed")
        assert published["reason"] == "content_missing"


async def test_a_content_is_rendered_once_in_an_account(running: World) -> None:
    """A copy, and a version that comes back, have their preview at once; another account makes its own."""
    owner, other, picture = new_id(), new_id(), originals.image()
    first = await running.add(owner, "a.png", picture)
    await running.until_published(first.file_id, "preview-ready")
    keys = await running.until_stored(owner, 2)
    copy = await running.add(owner, "b.png", picture, stored=False)
    await running.until_published(copy.file_id, "preview-ready")
    changed, _ = await running.modify(first, originals.image(size=(30, 30)))
    await running.until_published(first.file_id, "preview-ready", "preview-ready")
    await running.modify(changed, picture)
    published = await running.until_published(first.file_id, *["preview-ready"] * 3)
    assert [one["version"] for one in published] == [1, 2, 3]
    assert set(keys) < set(await running.until_stored(owner, 4))
    theirs = await running.add(other, "a.png", picture)
    await running.until_published(theirs.file_id, "preview-ready")
    assert len(await running.stored(other)) == 2


@pytest.mark.parametrize("claimed_first", [False, True])
async def test_a_claimed_sha256_is_shown_no_other_preview(running: World, claimed_first: bool) -> None:
    """Of several blocks the SHA-256 is the sender's word: naming a private picture's neither shows it nor forges it."""
    owner, editor = new_id(), new_id()
    picture, forged = originals.image(size=(60, 30)), originals.image(size=(20, 10))
    claim = {"sha256": hashlib.sha256(picture).hexdigest(), "readers": (editor,)}

    async def shown(account: str, file: Any) -> Any:
        await running.until_published(file.file_id, "preview-ready")
        data, _ = await fetched((await running.preview(account, file.file_id)).headers["location"])
        return originals.opened(data).size

    private = None if claimed_first else await running.add(owner, "private.png", picture)
    if private is not None:
        assert await shown(owner, private) == (60, 30)
    assert await shown(editor, await running.add_in_blocks(owner, "claimed.png", forged, **claim)) == (20, 10)
    genuine = private or await running.add(owner, "genuine.png", picture)
    assert await shown(owner, genuine) == (60, 30)


async def test_a_copy_of_a_content_in_blocks_is_not_rendered_again(running: World) -> None:
    """It names the same list of blocks; the same bytes sent again in blocks are another content."""
    owner, picture = new_id(), originals.image()
    first = await running.add_in_blocks(owner, "a.png", picture)
    await running.until_published(first.file_id, "preview-ready")
    copy = await running.add(owner, "b.png", picture, stored=False, object_key=first.object_key)
    await running.until_published(copy.file_id, "preview-ready")
    assert len(await running.stored(owner)) == 2
    again = await running.add_in_blocks(owner, "c.png", picture)
    await running.until_published(again.file_id, "preview-ready")
    assert len(await running.stored(owner)) == 4


async def test_a_new_version_has_a_preview_of_its_own(running: World) -> None:
    """What is shown is never the version before."""
    owner = new_id()
    file = await running.add(owner, "a.png", originals.image())
    await running.until_published(file.file_id, "preview-ready")
    changed, _ = await running.modify(file, originals.image(size=(40, 20)))
    await running.until_published(file.file_id, "preview-ready", "preview-ready")
    data, _ = await fetched((await running.preview(owner, changed.file_id)).headers["location"])
    assert originals.opened(data).size == (40, 20)


async def test_pictures_go_with_the_last_that_uses_them(fresh: World) -> None:
    """A copy keeps them; with the last file or version that has the content they are deleted."""
    owner, picture = new_id(), originals.image()
    file = await fresh.add(owner, "a.png", picture)
    await fresh.until_published(file.file_id, "preview-ready")
    copy = await fresh.add(owner, "b.png", picture)
    await fresh.until_published(copy.file_id, "preview-ready")
    changed, _ = await fresh.modify(copy, originals.image(size=(30, 30)))
    await fresh.until_published(copy.file_id, "preview-ready", "preview-ready")
    await fresh.until_stored(owner, 4)
    await fresh.purge(file)
    await fresh.prune(changed, 1)
    await fresh.until_stored(owner, 2)
    assert (await fresh.preview(owner, changed.file_id)).status == 302
    await fresh.purge(changed)
    await fresh.until_stored(owner, 0)

    async def nothing_is_noted() -> bool:
        versions = {"file_id": {"$in": [file.file_id, copy.file_id]}}
        counts = [
            await fresh.database["renditions"].count_documents({"owner_id": owner}),
            await fresh.database["versions"].count_documents(versions),
        ]
        return counts == [0, 0]

    await eventually(nothing_is_noted)


async def test_a_deleted_preview_is_not_recreated(running: World) -> None:
    """An event of a file's life that comes after its end makes no picture of it."""
    owner = new_id()
    file = await running.add(owner, "a.png", originals.image())
    await running.until_published(file.file_id, "preview-ready")
    await running.purge(file)
    await running.until_stored(owner, 0)
    await running.modify(file, originals.image(size=(30, 30)))
    last = await running.add(owner, "last.png", originals.image(size=(20, 20)))
    await running.until_published(last.file_id, "preview-ready")
    of_both = {"file_id": {"$in": [file.file_id, last.file_id]}}
    assert await running.database["versions"].distinct("file_id", of_both) == [last.file_id]


async def test_an_event_is_acknowledged_once_its_rendering_is_queued(fresh: World) -> None:
    """The final check of an upload waits for no picture: however many are to be made, no upload is stalled by them."""
    owner, picture = new_id(), originals.image()

    async def settled(event_id: str) -> bool:
        answer = await fresh.internal("POST", "/internal/events/settled", {"event_ids": [event_id]})
        return bool(answer["settled"] == [event_id])

    text = await fresh.add(owner, "a.txt", b"text", "text/plain")
    _, of_text = await fresh.modify(text, b"more text")
    await eventually(lambda: settled(of_text))
    file = await fresh.add(owner, "a.png", b"no picture")
    await fresh.until_published(file.file_id, "preview-failed")
    file, of_picture = await fresh.modify(file, picture, stored=False)

    async def tried() -> Any:
        waiting = {"owner_id": owner, "state": "pending", "attempts": {"$gt": 0}}
        return await fresh.database["renditions"].find_one(waiting)

    await eventually(tried)
    assert await settled(of_picture)
    await fresh.objects.put(file.object_key, picture)
    await fresh.until_published(file.file_id, "preview-failed", "preview-ready")


async def test_work_of_a_dead_instance_is_done_by_the_next(world: World) -> None:
    """What it had claimed is due again at the start of the only instance."""
    owner = new_id()
    async with world.running():
        file = await world.add(owner, "a.png", originals.image())
        await world.until_published(file.file_id, "preview-ready")
    claimed = {"state": "pending", "lease_owner": "dead", "due_at": file.created_at.replace(year=2100), "attempts": 1}
    await world.database["renditions"].update_many({}, {"$set": claimed})
    await world.database["versions"].update_many({}, {"$set": {"told": False}})
    async with world.running():
        await world.until_published(file.file_id, "preview-ready", "preview-ready")


async def test_a_file_deleted_during_rendering_leaves_no_preview(world: World) -> None:
    """The removal waits for whoever is at work on it, and then deletes what he stored."""
    owner = new_id()
    async with world.running():
        file = await world.add(owner, "a.png", originals.image())
        await world.until_published(file.file_id, "preview-ready")
        later = file.created_at.replace(year=2100)
        await world.database["renditions"].update_many({}, {"$set": {"lease_owner": "busy", "due_at": later}})
        await world.purge(file)

        async def leaving() -> Any:
            return await world.database["renditions"].find_one({"state": "removing"})

        rendition = await eventually(leaving)
        assert (rendition["lease_owner"], rendition["due_at"]) == ("busy", later)
        assert len(await world.stored(owner)) == 2
        await world.database["renditions"].update_many({}, {"$set": {"due_at": file.created_at}})
        await world.until_stored(owner, 0)


async def test_after_a_restore_pictures_are_made_anew(world: World) -> None:
    """With an empty bucket everything is rendered again, and not published again."""
    owner = new_id()
    async with world.running():
        file = await world.add(owner, "a.png", originals.image())
        await world.until_published(file.file_id, "preview-ready")
        for key in await world.stored(owner):
            await world.pictures.delete(key)
    await after_restore(restored(world.database))
    async with world.running():
        await world.until_stored(owner, 2)
        last = await world.add(owner, "b.png", originals.image(size=(20, 20)))
        await world.until_published(last.file_id, "preview-ready")
        await world.until_published(file.file_id, "preview-ready")
