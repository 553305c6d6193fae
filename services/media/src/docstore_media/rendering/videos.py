"""Frames and web renditions of videos, by FFmpeg as a program of its own, confined as the parsers are.

A rendition is encoded as an MPEG transport stream in parts, which can be joined by appending one to the other, and then
becomes an MP4 without being encoded again. Parts that were stored before a crash are not encoded twice.
"""

import asyncio
import re
import shutil
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Protocol

from imageio_ffmpeg import get_ffmpeg_exe

from docstore_contents.workers.pool import JobFailed
from docstore_contents.workers.program import Ended, ProgramLimits, run_program
from docstore_media.rules import RenderFailed
from docstore_platform.tasks import end_tasks

Progress = Callable[[float], None]
"""Called with the share that is done, from 0 to 1."""

_FORMATS = "mov,matroska,webm,avi,mpeg,mpegts,mpegvideo,ogg,asf,flv,3gp"
"""Containers that are read; no playlists, which name other files."""
_INPUT = ("-nostdin", "-nostats", "-hide_banner", "-protocol_whitelist", "file", "-format_whitelist", _FORMATS)
_POSTER_SECOND = 1.0
"""Many videos begin with a black frame."""
_OUT_OF_TIME = f"received signal {signal.SIGXCPU.value}"
"""FFmpeg ends in good order when its processor time is used up."""
_DURATION = re.compile(r"Duration: (\d+):(\d\d):(\d\d\.\d+)")
_PART = re.compile(r"(part-\d+\.ts),[\d.]+,([\d.]+)")
"""Line in the list of parts: file, first and last second."""
_HALF_A_FRAME = 0.005
"""At 60 frames a second, rounded down: where a rendition is resumed, no frame is missing or there twice."""
_SECONDS_BEFORE_ZERO = 10.0
"""Added to all timestamps of parts. Decoding begins before the first frame, and negative ones would be moved."""
_ENCODING = (
    *("-map", "0:v:0", "-map", "0:a:0?", "-sn", "-dn", "-map_metadata", "-1", "-map_chapters", "-1"),
    *("-vf", "scale='min(1280,iw)':'min(1280,ih)':force_original_aspect_ratio=decrease:force_divisible_by=2"),
    *("-threads", "2", "-filter_threads", "1"),  # as many on every host: memory and other work depend on it
    *("-c:v", "libx264", "-preset", "veryfast", "-crf", "24", "-maxrate", "3M", "-bufsize", "6M"),
    *("-pix_fmt", "yuv420p", "-fpsmax", "60", "-c:a", "aac", "-b:a", "128k", "-ac", "2"),
    *("-avoid_negative_ts", "disabled", "-progress", "pipe:1", "-f", "segment", "-segment_format", "mpegts"),
    *("-segment_list", "pipe:1", "-segment_list_type", "csv"),
)
_JOINING = ("-map", "0", "-c", "copy", "-map_metadata", "-1", "-movflags", "+faststart", "-f", "mp4")


class Parts(Protocol):
    """Parts of one rendition that outlive a crash."""

    async def fetch(self, target: Path) -> float:
        """Write them to `target`, one after the other; return the second they end at. Raises ObjectStoreError."""

    async def keep(self, path: Path, end: float) -> None:
        """Store the next one, which ends at this second. Raises NotStored, LeaseLost."""


@dataclass(frozen=True, slots=True)
class VideoLimits:
    """Of a frame, and of a rendition. A video that is longer than `video_seconds` has no rendition, one that is larger
    than `source_bytes` neither of them.
    """

    frame: ProgramLimits
    rendition: ProgramLimits
    video_seconds: float
    source_bytes: int
    part_seconds: int
    """Length of a part of a rendition."""


@cache
def _ffmpeg() -> Path:
    return Path(get_ffmpeg_exe())


@dataclass(frozen=True, slots=True)
class Videos:
    limits: VideoLimits

    async def frame(self, source: Path, folder: Path, second: float | None) -> tuple[Path, float | None]:
        """Write the frame at `second` as PNG, by default one of the beginning; return it and the seconds of the video.

        Raises RenderFailed.
        """
        target = folder / "frame.png"
        for start in (_POSTER_SECOND, 0.0) if second is None else (second,):
            ended = await self._run(
                self.limits.frame,
                ("-threads", "1", *_INPUT, "-ss", f"{start:.1f}", "-i", f"file:{source}"),
                ("-map", "0:v:0", "-frames:v", "1", "-update", "1", "-c:v", "png", "-f", "image2", target.name),
                source,
                folder,
            )
            if target.is_file():
                return target, _duration(ended)
        known = ended.status == 0 and second is not None
        raise RenderFailed("no_such_frame" if known else "corrupt")

    async def rendition(self, source: Path, folder: Path, parts: Parts, progress: Progress) -> Path:
        """Write an MP4 with H.264 and AAC that every browser plays, and delete the source.

        Raises RenderFailed, and what `parts` raises.
        """
        probe = await self._run(self.limits.frame, (*_INPUT, "-i", f"file:{source}"), (), source, folder)
        seconds = _duration(probe)
        if seconds is not None and seconds > self.limits.video_seconds:
            raise RenderFailed("too_large")
        joined, target = folder / "joined.ts", folder / "rendition.mp4"
        begin = await parts.fetch(joined)
        encoding = _Encoding(folder, joined, begin, seconds, self.limits.rendition.file_bytes)
        running = asyncio.create_task(self._encode(source, encoding, progress))
        keeping = asyncio.create_task(encoding.keep(parts))
        try:
            await asyncio.wait({running, keeping}, return_when=asyncio.FIRST_COMPLETED)
            if keeping.done():  # it failed: the parts would fill the disk
                keeping.result()
            await running
            encoding.ended.put_nowait(None)
            await keeping
        finally:
            await end_tasks([running, keeping])
        if not joined.is_file():
            raise RenderFailed("corrupt")
        await asyncio.to_thread(source.unlink)  # makes room
        before = (*_INPUT, "-i", f"file:{joined}")
        ended = await self._run(self.limits.rendition, before, (*_JOINING, target.name), joined, folder)
        if ended.status or not target.is_file():
            raise RenderFailed("corrupt")
        return target

    async def _encode(self, source: Path, encoding: "_Encoding", progress: Progress) -> None:
        def on_line(line: str) -> None:
            name, _, value = line.partition("=")
            if name == "out_time_us" and value.isdigit() and encoding.seconds:
                progress(min(1.0, (encoding.begin + int(value) / 1e6) / encoding.seconds))
            elif part := _PART.fullmatch(line):
                encoding.ended.put_nowait((part[1], encoding.begin + float(part[2])))

        begin, length = encoding.begin, self.limits.part_seconds
        seek = ("-ss", f"{begin - _HALF_A_FRAME:.3f}") if begin else ()
        cuts = ("-force_key_frames", f"expr:gte(t,n_forced*{length})", "-segment_time", str(length))
        offset = ("-segment_format_options", f"output_ts_offset={_SECONDS_BEFORE_ZERO + begin:.6f}")
        ended = await self._run(
            self.limits.rendition,
            ("-threads", "2", *_INPUT, *seek, "-i", f"file:{source}"),
            (*_ENCODING, *cuts, *offset, "-t", str(self.limits.video_seconds - begin), "part-%05d.ts"),
            source,
            encoding.folder,
            on_line,
        )
        if _OUT_OF_TIME in ended.stderr:
            raise RenderFailed("timed_out")
        if ended.status:
            raise RenderFailed("corrupt")

    async def _run(
        self,
        limits: ProgramLimits,
        before: tuple[str, ...],
        after: tuple[str, ...],
        source: Path,
        folder: Path,
        on_line: Callable[[str], None] | None = None,
    ) -> Ended:
        try:
            return await run_program(
                _ffmpeg(), (*before, *after), limits, readable=source, writable=folder, on_line=on_line
            )
        except JobFailed as error:
            raise RenderFailed(error.reason) from error


@dataclass(slots=True)
class _Encoding:
    """A rendition under work: the parts in `joined` end at the second `begin`; `seconds`: of the whole video."""

    folder: Path
    joined: Path
    begin: float
    seconds: float | None
    max_bytes: int
    ended: asyncio.Queue[tuple[str, float] | None] = field(default_factory=asyncio.Queue)
    """Parts that are complete, with the second they end at; None after the last."""

    async def keep(self, parts: Parts) -> None:
        """Append each part that is complete to those before it, and store it. The last one is not worth storing."""
        while (part := await self.ended.get()) is not None:
            name, end = part
            path = self.folder / name
            if await asyncio.to_thread(append_file, path, self.joined) > self.max_bytes:
                raise RenderFailed("too_large")
            if self.seconds is None or end < self.seconds - 1:
                await parts.keep(path, end)
            path.unlink()


def append_file(path: Path, target: Path) -> int:
    """Append a file to another one; return the bytes that this has now."""
    with path.open("rb") as source, target.open("ab") as sink:
        shutil.copyfileobj(source, sink)
        return sink.tell()


def _duration(ended: Ended) -> float | None:
    found = _DURATION.search(ended.stderr)
    if found is None:
        return None
    hours, minutes, seconds = found.groups()
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
