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
)


class NoPdfs:
    """None is kept."""

    async def fetch(self, content: Rendition | Variant, path: Path) -> bool:
        return False

    async def keep(self, content: Rendition | Variant, path: Path) -> None:
        pass


class Store:
    """Objects by key."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    async def download(self, key: str, path: Path, max_bytes: int) -> int:
        if key not in self.objects:
            raise ObjectNotFound("NoSuchKey", key)
        return await asyncio.to_thread(path.write_bytes, self.objects[key])
