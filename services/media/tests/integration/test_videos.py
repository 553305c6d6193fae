"""Frames and renditions of videos by the real FFmpeg, and what hostile ones cost: a process, never the service."""

import asyncio
import os
import struct
from collections.abc import AsyncIterator
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import media_originals as originals
import media_samples as samples
import pytest
from media_contents import VIDEOS, MemoryParts, NoPdfs, Store

from docstore_contents.reader import Contents
from docstore_contents.workers.worker_process import WorkerLimits
from docstore_media.kinds import Kind
from docstore_media.rendering.renderer import WorkerRenderer
from docstore_media.rendering.videos import VideoLimits
from docstore_media.rules import Facts, Rendered, RenderFailed, Rendition, Spec, Variant

RED, BLUE = (254, 0, 0), (0, 0, 254)


class World:
    """A renderer, and one content."""

    def __init__(self, folder: Path, videos: VideoLimits = VIDEOS) -> None:
        self.folder = folder
        self.store: Any = Store()
        self.renderer = WorkerRenderer(
            Contents(self.store), WorkerLimits(), folder, max_pixels=50_000_000, videos=videos, pdfs=NoPdfs()
        )

    async def rendered(self, data: bytes) -> Rendered:
        self.store.objects["k"] = data
        content = Rendition(
            id="r",
            owner_id="a",
            kind=Kind.VIDEO,
            size=len(data),
            attempts=1,
            waits=0,
            lease_owner="l",
            traceparent=None,
        )
        return await self.renderer.render(content, ["k"])

    def variant(self, data: bytes, **wanted: Any) -> Variant:
        self.store.objects["k"] = data
        return Variant(rendition_id="r", owner_id="a", kind=Kind.VIDEO, size=len(data), spec=Spec(**wanted))

    async def frame(self, data: bytes, second: float) -> Any:
        return originals.opened(await self.renderer.render_variant(self.variant(data, second=second), ["k"]))

    async def converted(self, data: bytes, parts: MemoryParts | None = None) -> tuple[bytes, list[float]]:
        shares: list[float] = []
        variant = self.variant(data, is_video=True)
        async with self.renderer.converted(variant, ["k"], parts or MemoryParts(), shares.append) as path:
            return await asyncio.to_thread(path.read_bytes), shares


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World(tmp_path)
    yield world
    await world.renderer.close()
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize(
    ("form", "codec"),
    [("mp4", "libx264"), ("mov", "libx264"), ("webm", "libvpx"), ("mkv", "libx265"), ("avi", "mpeg4")],
)
async def test_a_video_has_a_poster(world: World, form: str, codec: str) -> None:
    """A frame of its beginning, with its size and length."""
    made = await world.rendered(samples.video(form, codec=codec))
    picture = originals.opened(made.pictures["large"])
    assert picture.size == (320, 180)
    assert originals.is_like(picture.getpixel((100, 100)), RED)
    assert (made.facts.width, made.facts.height) == (320, 180)
    assert made.facts.seconds == pytest.approx(3.0, abs=0.2)


async def test_a_video_shorter_than_a_second_has_a_poster(world: World) -> None:
    """Its first frame."""
    made = await world.rendered(samples.video(seconds=1.6))
    assert made.facts != Facts()


async def test_any_second_of_a_video_can_be_seen(world: World) -> None:
    """One behind the end has a reason."""
    video = samples.video()
    assert originals.is_like((await world.frame(video, 0.0)).getpixel((100, 100)), RED)
    assert originals.is_like((await world.frame(video, 2.5)).getpixel((100, 100)), BLUE)
    with pytest.raises(RenderFailed, match="no_such_frame"):
        await world.frame(video, 100.0)


async def test_a_video_is_converted_for_every_browser(world: World) -> None:
    """To H.264 and AAC in an MP4 that can be played from its beginning, no larger than 1280 pixels, with progress."""
    data, shares = await world.converted(samples.video("mkv", size=(1500, 502), codec="libx265"))
    assert data[4:8] == b"ftyp"
    assert b"avc1" in data
    assert b"mp4a" in data
    assert data.index(b"moov") < data.index(b"mdat")
    assert shares[-1] == pytest.approx(1.0, abs=0.1)
    made = await world.rendered(data)
    assert (made.facts.width, made.facts.height) == (1280, 428)


@pytest.mark.parametrize(
    ("form", "codec", "rate", "sound"),
    [
        ("mp4", "libx264", "25", True),
        ("mkv", "libx265", "30000/1001", True),
        ("avi", "mpeg4", "10", True),
        ("ts", "mpeg2video", "25", True),
        ("webm", "libvpx", "60", False),
    ],
)
async def test_a_conversion_continues_behind_the_last_stored_part(
    tmp_path: Path, form: str, codec: str, rate: str, sound: bool
) -> None:
    """Each frame is there once and at its time, the sound misses three of them at most; what is stored is kept."""
    world = World(tmp_path, replace(VIDEOS, part_seconds=2))
    video = originals.counting_video(form, codec, rate, sound=sound)
    straight, _ = await world.converted(video)
    parts = MemoryParts(breaks_at=4)
    with pytest.raises(ConnectionError):
        await world.converted(video, parts)
    assert [round(end, 1) for _, end in parts.stored] == [2.0, 4.0, 6.0]
    before, parts.breaks_at = list(parts.stored), 0
    resumed, shares = await world.converted(video, parts)
    assert parts.stored[:3] == before
    assert min(shares) >= 0.5
    wanted, found = originals.frame_times(straight), originals.frame_times(resumed)
    assert found == pytest.approx(wanted, abs=0.004)
    gaps = [after - before for before, after in pairwise(originals.sound_times(resumed))]
    assert bool(gaps) == sound
    assert not gaps or max(gaps) < 0.05 + 3 / Fraction(rate)


@pytest.mark.parametrize("keep", [0, 10, 200, 1000])
async def test_a_damaged_video_has_a_reason(world: World, keep: int) -> None:
    """Cut anywhere, it has neither poster nor rendition, and costs no other video anything."""
    data = samples.video()[:keep] or b"\0"
    with pytest.raises(RenderFailed, match="corrupt"):
        await world.rendered(data)
    with pytest.raises(RenderFailed, match="corrupt"):
        await world.converted(data)


def huge() -> bytes:
    """The header of an uncompressed AVI that declares frames of 60000 x 60000 pixels."""
    stream = struct.pack("<4s4sIHHIIIIIIII8x", b"vids", b"\0" * 4, 0, 0, 0, 0, 1, 25, 0, 10, 0, 0, 0)
    picture = struct.pack("<IiiHHIIiiII", 40, 60_000, 60_000, 1, 24, 0, 0, 0, 0, 0, 0)
    chunks = b"strh" + struct.pack("<I", len(stream)) + stream + b"strf" + struct.pack("<I", len(picture)) + picture
    head = struct.pack("<14I", 40_000, 0, 0, 16, 10, 0, 1, 0, 60_000, 60_000, 0, 0, 0, 0)
    inner = (
        b"hdrlavih"
        + struct.pack("<I", len(head))
        + head
        + b"LIST"
        + struct.pack("<I", len(chunks) + 4)
        + b"strl"
        + chunks
    )
    movie = b"movi00db" + struct.pack("<I", 100) + b"\0" * 100
    body = b"AVI LIST" + struct.pack("<I", len(inner)) + inner + b"LIST" + struct.pack("<I", len(movie)) + movie
    return b"RIFF" + struct.pack("<I", len(body)) + body


@pytest.mark.parametrize(
    ("data", "reasons"),
    [
        (huge(), {"corrupt", "out_of_memory", "too_large"}),
        (b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n", {"corrupt"}),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", {"corrupt"}),
        (b"[Script Info]\n" * 10_000, {"corrupt"}),
    ],
    ids=["60000 pixels", "playlist of other files", "list of other files", "subtitles"],
)
async def test_a_hostile_video_ends_with_a_reason(world: World, data: bytes, reasons: set[str]) -> None:
    """Whatever it refers to or declares."""
    with pytest.raises(RenderFailed) as caught:
        await world.rendered(data)
    assert caught.value.reason in reasons
    with pytest.raises(RenderFailed) as caught:
        await world.converted(data)
    assert caught.value.reason in reasons
    assert await world.rendered(samples.video())


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (replace(VIDEOS, video_seconds=2), "too_large"),
        (replace(VIDEOS, source_bytes=1000), "too_large"),
        (replace(VIDEOS, rendition=replace(VIDEOS.rendition, seconds=0.01)), "timed_out"),
        (replace(VIDEOS, rendition=replace(VIDEOS.rendition, file_bytes=1 << 20)), "too_large"),
        (replace(VIDEOS, rendition=replace(VIDEOS.rendition, cpu_seconds=1)), "timed_out"),
    ],
    ids=["long", "large", "slow", "large rendition", "expensive"],
)
async def test_a_rendition_ends_at_its_limits(tmp_path: Path, limits: VideoLimits, reason: str) -> None:
    """With a reason, and nothing is left of it."""
    world = World(tmp_path, limits)
    with pytest.raises(RenderFailed, match=reason):
        await world.converted(originals.noisy_video())
    assert not os.listdir(tmp_path)
