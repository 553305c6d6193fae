"""Contents in memory, and limits of videos for tests."""

import asyncio
from pathlib import Path

from docstore_contents.s3.store import ObjectNotFound
from docstore_contents.workers.program import ProgramLimits
from docstore_media.rendering.videos import VideoLimits
from docstore_media.rules import Rendition, Variant

VIDEOS = VideoLimits(
    frame=ProgramLimits(30, 30, 1024, 100 << 20),
    rendition=ProgramLimits(60, 60, 1024, 50 << 20),
    video_seconds=60,
    source_bytes=100 << 20,
    part_seconds=30,
)


class NoPdfs:
    """None is kept."""

    async def fetch(self, content: Rendition | Variant, path: Path) -> bool:
        return False

    async def keep(self, content: Rendition | Variant, path: Path) -> None:
        pass


class MemoryParts:
    """Parts of a video; the one with the number `breaks_at` is not stored."""

    def __init__(self, breaks_at: int = 0) -> None:
        self.stored: list[tuple[bytes, float]] = []
        self.breaks_at = breaks_at

    async def fetch(self, target: Path) -> float:
        if self.stored:
            await asyncio.to_thread(target.write_bytes, b"".join(data for data, _ in self.stored))
        return self.stored[-1][1] if self.stored else 0.0

    async def keep(self, path: Path, end: float) -> None:
        if len(self.stored) + 1 == self.breaks_at:
            raise ConnectionError("the store is away")
        self.stored.append((await asyncio.to_thread(path.read_bytes), end))


class Store:
    """Objects by key."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    async def download(self, key: str, path: Path, max_bytes: int) -> int:
        if key not in self.objects:
            raise ObjectNotFound("NoSuchKey", key)
        return await asyncio.to_thread(path.write_bytes, self.objects[key])
