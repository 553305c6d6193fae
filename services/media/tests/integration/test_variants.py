"""Pictures of any size, rendered when someone first asks for them, on real servers."""

import asyncio
from typing import Any

import aiohttp
import media_originals as originals
import media_samples as samples
import pytest
from media_world import World
from restores import restored
from yarl import URL

from docstore_events.catalogue.files import FileState
from docstore_media.maintenance import after_restore
from docstore_platform.clock import utc_now
from docstore_platform.ids import new_id
from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected
LONG_AGO = utc_now().replace(year=2020)


async def opened(url: str) -> Any:
    async with aiohttp.ClientSession() as client, client.get(URL(url, encoded=True)) as answer:
        assert answer.status == 200, await answer.text()
        return originals.opened(await answer.read())


async def added(world: World, name: str, content: bytes, content_type: str = "image/png", **extra: Any) -> FileState:
    """A file that has its preview."""
    file = await world.add(extra.pop("owner", new_id()), name, content, content_type, **extra)
    await world.until_published(file.file_id, "preview-ready")
    return file


async def url_of(world: World, file: FileState, query: str) -> str:
    """Where a reader is sent, however often it has to ask."""

    async def redirected() -> Any:
        answer = await world.picture(file.owner_id, file.file_id, query)
        if answer.status == 503:
            assert (answer.json()["code"], answer.headers["retry-after"]) == ("preview_in_progress", "2")
            return None
        assert answer.status == 302, answer
        return answer.headers["location"]

    return str(await eventually(redirected))


async def refused(world: World, file: FileState, query: str) -> tuple[int, str, Any]:
    answer = await world.picture(file.owner_id, file.file_id, query)
    problem = answer.json()
    return answer.status, problem["code"], problem.get("reason")


async def test_a_size_is_rendered_once_when_first_asked_for(running: World) -> None:
    """Ten readers at once wait for the same one; those after them are redirected to it."""
    file = await added(running, "a.png", originals.image(size=(2000, 1000)))
    urls = await asyncio.gather(*(url_of(running, file, "width=500&format=jpeg") for _ in range(10)))
    assert len({URL(url).path for url in urls}) == 1
    picture = await opened(urls[0])
    assert (picture.size, picture.format) == ((500, 250), "JPEG")
    [row] = await running.database["variants"].find({"owner_id": file.owner_id}).to_list(None)
    assert (row["state"], row["attempts"]) == ("ready", 1)
    assert len(await running.stored(file.owner_id)) == 3


async def test_each_page_of_a_pdf_can_be_seen(running: World) -> None:
    """A page behind the last has a reason, an image has one page."""
    file = await added(running, "a.pdf", originals.pdf("red", "lime"), "application/pdf")
    picture = await opened(await url_of(running, file, "page=2&size=small"))
    assert picture.height == 320
    assert originals.is_like(picture.getpixel((100, 100)), (0, 255, 0))

    async def failed() -> Any:
        status, code, reason = await refused(running, file, "page=3")
        return status == 404 and (code, reason)

    assert await eventually(failed) == ("preview_failed", "no_such_page")
    image = await added(running, "a.png", originals.image())
    assert await refused(running, image, "page=2") == (404, "preview_failed", "no_such_page")


async def test_a_video_has_a_poster_any_of_its_frames_and_a_rendition(running: World) -> None:
    """The poster beforehand; the rendition in the background, which the response reports; then both are redirects."""
    file = await added(running, "a.mkv", samples.video("mkv"), "video/x-matroska")
    known = (await running.media_of(file.owner_id, file.file_id)).json()
    assert (known["kind"], known["width"], round(known["seconds"])) == ("video", 320, 3)
    poster = await running.preview(file.owner_id, file.file_id)
    assert originals.is_like((await opened(poster.headers["location"])).getpixel((100, 100)), (254, 0, 0))
    late = await opened(await url_of(running, file, "t=2.5&width=100"))
    assert originals.is_like(late.getpixel((50, 20)), (0, 0, 254))
    first = await running.picture(file.owner_id, file.file_id, "kind=rendition")
    assert (first.status, first.json()["code"], first.json()["progress"]) == (503, "preview_in_progress", 0.0)

    async def converted() -> Any:
        answer = await running.picture(file.owner_id, file.file_id, "kind=rendition")
        return answer.headers.get("location")

    url = await eventually(converted)
    async with aiohttp.ClientSession() as client, client.get(URL(url, encoded=True)) as answer:
        data = await answer.read()
        assert answer.headers["content-type"] == "video/mp4"
    assert data[4:8] == b"ftyp"
    await running.purge(file)
    await running.until_stored(file.owner_id, 0)


async def test_a_video_that_can_not_be_converted_has_a_reason(world: World) -> None:
    """It is longer than the operator allows; a picture has no rendition at all."""
    async with world.running(max_video_seconds=2):
        file = await added(world, "a.mp4", samples.video(), "video/mp4")

        async def failed() -> Any:
            status, code, reason = await refused(world, file, "kind=rendition")
            return status == 404 and (code, reason)

        assert await eventually(failed) == ("preview_failed", "too_large")
        image = await added(world, "a.png", originals.image())
        for query in ("kind=rendition", "t=1"):
            assert await refused(world, image, query) == (404, "preview_failed", "no_such_frame")


async def test_a_conversion_is_resumed_after_a_crash(world: World) -> None:
    """The work of a dead instance is taken over behind the last stored part, of which nothing is left at the end."""
    variants = world.database["variants"]
    async with world.running(video_part_interval_seconds=2):
        video = originals.counting_video("mp4", "libx264", "25", seconds=120)
        file = await added(world, "a.mp4", video, "video/mp4")
        await world.picture(file.owner_id, file.file_id, "kind=rendition")

        async def begun() -> Any:
            row = await variants.find_one({"parts.1.is_stored": True})
            return row and [part for part in row["parts"] if part["is_stored"]]

        parts = await eventually(begun)
    [row] = await variants.find().to_list(None)
    assert row["state"] == "pending"
    await variants.update_one({}, {"$set": {"lease_owner": "dead", "due_at": utc_now().replace(year=2100)}})
    async with world.running(video_part_interval_seconds=60):

        async def converted() -> Any:
            answer = await world.picture(file.owner_id, file.file_id, "kind=rendition")
            return answer.status == 302 and answer.headers["location"]

        url = await eventually(converted)
        await world.until_stored(file.owner_id, 3)
    [row] = await variants.find().to_list(None)
    assert row["parts"][: len(parts)] == parts
    assert len(row["parts"]) < 60
    async with aiohttp.ClientSession() as client, client.get(URL(url, encoded=True)) as answer:
        assert len(originals.frame_times(await answer.read())) == 120 * 25


async def test_parts_of_a_video_are_removed_with_it(world: World) -> None:
    """A file that is purged while it is converted leaves nothing in the bucket."""
    async with world.running(video_part_interval_seconds=2):
        video = originals.counting_video("mp4", "libx264", "25", seconds=120)
        file = await added(world, "a.mp4", video, "video/mp4")
        await world.picture(file.owner_id, file.file_id, "kind=rendition")

        async def begun() -> Any:
            return await world.database["variants"].find_one({"parts": {"$exists": True}})

        assert (await eventually(begun))["state"] == "pending"
        await world.purge(file)
        await world.until_stored(file.owner_id, 0)
        assert await world.database["variants"].count_documents({}) == 0


async def test_sizes_are_bounded_and_consistent(running: World) -> None:
    """What no one could mean is refused before anything is rendered."""
    file = await added(running, "a.png", originals.image())
    for query in (
        "width=0",
        "width=4097",
        "fit=fill",
        "format=gif",
        "page=0",
        "fit=cover&width=3",
        "size=small&width=3",
    ):
        status, _, _ = await refused(running, file, query)
        assert status == 422, query
    assert (await running.picture(new_id(), file.file_id, "width=10")).status == 404
    assert await running.database["variants"].count_documents({"owner_id": file.owner_id}) == 0


async def test_a_reader_waits_no_longer_than_set(world: World) -> None:
    """Without any waiting the answer is 503 until the picture is there."""
    async with world.running(variant_wait_seconds=0):
        file = await added(world, "a.png", originals.image())
        assert await refused(world, file, "width=100") == (503, "preview_in_progress", None)
        assert (await opened(await url_of(world, file, "width=100"))).width == 100


async def test_a_variant_asked_for_before_a_crash_is_rendered_after_it(world: World) -> None:
    """The work of a dead instance is taken over."""
    async with world.running():
        file = await added(world, "a.png", originals.image())
        await url_of(world, file, "width=100")
    await world.database["variants"].update_many(
        {}, {"$set": {"state": "pending", "lease_owner": "dead", "due_at": utc_now().replace(year=2100)}}
    )
    async with world.running():
        assert (await opened(await url_of(world, file, "width=100"))).width == 100


async def test_variants_go_with_their_content(fresh: World) -> None:
    """Nothing of a purged file is left, in any size."""
    file = await added(fresh, "a.png", originals.image())
    await url_of(fresh, file, "width=100")
    await url_of(fresh, file, "width=200&height=200&fit=cover")
    assert len(await fresh.stored(file.owner_id)) == 4
    await fresh.purge(file)
    await fresh.until_stored(file.owner_id, 0)

    async def none() -> bool:
        return await fresh.database["variants"].count_documents({"owner_id": file.owner_id}) == 0

    await eventually(none)


@pytest.mark.parametrize("bound", ["variant_bytes_per_account", "variant_bytes"])
async def test_the_least_recently_used_are_evicted(world: World, bound: str) -> None:
    """Beyond the bound of the account or of all, the one unused for longest goes; a request renders it again."""
    async with world.running(**{bound: 1 << 20, "variant_eviction_interval_seconds": 0.2}):
        file = await added(world, "a.png", originals.image())
        for width in (100, 110, 120):
            await url_of(world, file, f"width={width}")
        rows = world.database["variants"]
        await rows.update_many({}, {"$set": {"used_at": LONG_AGO}})
        await url_of(world, file, "width=100")
        await rows.update_many({}, {"$set": {"bytes": 500_000}})

        async def left() -> bool:
            return await rows.count_documents({}) == 2

        await eventually(left)
        assert await rows.find_one({"spec.width": 100})
        await world.until_stored(file.owner_id, 4)
        for width in (110, 120):
            assert (await opened(await url_of(world, file, f"width={width}"))).width == width


async def test_a_use_is_recorded_at_most_once_an_hour(running: World) -> None:
    """A read of a variant that was used just before writes nothing."""
    file = await added(running, "a.png", originals.image())
    await url_of(running, file, "width=100")
    rows, of_file = running.database["variants"], {"owner_id": file.owner_id}
    before = await rows.find_one(of_file)
    assert before is not None
    await url_of(running, file, "width=100")
    assert await rows.find_one(of_file) == before
    await rows.update_one(of_file, {"$set": {"used_at": LONG_AGO}})
    await url_of(running, file, "width=100")
    assert (await rows.find_one(of_file))["used_at"] >= before["used_at"]  # type: ignore[index]


async def test_after_a_restore_variants_are_rendered_on_request(world: World) -> None:
    """The restored database may name objects that the bucket does not have."""
    async with world.running():
        file = await added(world, "a.png", originals.image())
        await url_of(world, file, "width=100")
        for key in await world.stored(file.owner_id):
            await world.pictures.delete(key)
    await after_restore(restored(world.database))
    async with world.running():

        async def has_preview() -> bool:
            return (await world.preview(file.owner_id, file.file_id)).status == 302

        await eventually(has_preview)
        assert (await opened(await url_of(world, file, "width=100"))).width == 100
