"""Frames and web renditions of videos, by FFmpeg as a program of its own, confined as the parsers are."""

import re
import signal
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from imageio_ffmpeg import get_ffmpeg_exe

from docstore_contents.workers.pool import JobFailed
from docstore_contents.workers.program import Ended, ProgramLimits, run_program
from docstore_media.rules import RenderFailed

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
_RENDITION = (
    *("-map", "0:v:0", "-map", "0:a:0?", "-sn", "-dn", "-map_metadata", "-1", "-map_chapters", "-1"),
    *("-vf", "scale='min(1280,iw)':'min(1280,ih)':force_original_aspect_ratio=decrease:force_divisible_by=2"),
    *("-threads", "2", "-filter_threads", "1"),  # as many on every host: memory and other work depend on it
    *("-c:v", "libx264", "-preset", "veryfast", "-crf", "24", "-maxrate", "3M", "-bufsize", "6M"),
    *("-pix_fmt", "yuv420p", "-fpsmax", "60", "-c:a", "aac", "-b:a", "128k", "-ac", "2"),
    *("-movflags", "+faststart", "-progress", "pipe:1", "-f", "mp4"),
)


@dataclass(frozen=True, slots=True)
class VideoLimits:
    """Of a frame, and of a rendition. A video that is longer than `video_seconds` has no rendition, one that is larger
    than `source_bytes` neither of them.
    """

    frame: ProgramLimits
    rendition: ProgramLimits
    video_seconds: float
    source_bytes: int


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

    async def rendition(self, source: Path, folder: Path, progress: Progress) -> Path:
        """Write an MP4 with H.264 and AAC that every browser plays. Raises RenderFailed."""
        target, limits = folder / "rendition.mp4", self.limits
        probe = await self._run(limits.frame, (*_INPUT, "-i", f"file:{source}"), (), source, folder)
        seconds = _duration(probe)
        if seconds is not None and seconds > limits.video_seconds:
            raise RenderFailed("too_large")

        def on_line(line: str) -> None:
            name, _, value = line.partition("=")
            if name == "out_time_us" and value.isdigit() and seconds:
                progress(min(1.0, int(value) / 1e6 / seconds))

        ended = await self._run(
            limits.rendition,
            ("-threads", "2", *_INPUT, "-i", f"file:{source}"),
            (*_RENDITION, "-t", str(limits.video_seconds), target.name),
            source,
            folder,
            on_line,
        )
        if _OUT_OF_TIME in ended.stderr:
            raise RenderFailed("timed_out")
        if ended.status or not target.is_file():
            raise RenderFailed("corrupt")
        return target

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


def _duration(ended: Ended) -> float | None:
    found = _DURATION.search(ended.stderr)
    if found is None:
        return None
    hours, minutes, seconds = found.groups()
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
