"""Settings of media. Each is an environment variable `MEDIA_<NAME>`."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from docstore_contents.workers.program import ProgramLimits
from docstore_contents.workers.worker_process import WorkerLimits
from docstore_media.rendering.office import Office, libraries_of
from docstore_media.rendering.videos import VideoLimits
from docstore_platform.settings import ServiceSettings

MIB = 1 << 20


class MediaSettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="MEDIA_")

    folder: Path = Field(
        Path("/var/lib/docstore/media"),
        description="folder of temporary files, emptied at start; for this process only",
    )
    preview_url_lifetime_seconds: int = Field(900, ge=60, le=604_800, description="lifetime of a preview's signed URL")
    poll_interval_seconds: float = Field(
        2.0, gt=0, description="how often to look for retries and work of other instances"
    )
    lease_seconds: float = Field(
        300.0,
        gt=0,
        description="work of a dead instance is taken over after this long; several times `picture_timeout_seconds`",
    )

    workers: int = Field(1, ge=1, description="number of rendering processes")
    worker_idle_timeout_seconds: float = Field(30.0, gt=0, description="an idle process ends after this long")
    picture_timeout_seconds: float = Field(60.0, gt=0, description="time limit of one content")
    memory_mb: int = Field(1024, ge=128, description="memory limit of one content")
    max_document_bytes: int = Field(100 * MIB, ge=MIB, description="larger images and documents have no preview")
    max_megapixels: int = Field(100, ge=1, description="images with more pixels have no preview")

    office_command: str = Field(
        "soffice", description="LibreOffice's command; Office documents have no previews where it is not found"
    )

    max_video_bytes: int = Field(2048 * MIB, ge=MIB, description="larger videos have no preview and no rendition")
    max_video_seconds: float = Field(3600.0, gt=0, description="longer videos have no rendition")
    max_video_rendition_bytes: int = Field(512 * MIB, ge=MIB, description="larger renditions of videos are given up")
    video_timeout_seconds: float = Field(7200.0, gt=0, description="time limit of one video's rendition")
    video_cpu_seconds: int = Field(7200, ge=1, description="limit of processor time of one video's rendition")
    video_part_interval_seconds: int = Field(
        30,
        ge=1,
        le=600,
        description="a conversion that was interrupted continues at a multiple of this, in seconds of video",
    )
    video_memory_mb: int = Field(1536, ge=256, description="memory limit of one video's rendition")

    variant_wait_seconds: float = Field(
        5.0, ge=0, le=30, description="how long a reader waits for a picture that is being rendered, before a 503"
    )
    variant_bytes_per_account: int = Field(
        1024 * MIB,
        ge=MIB,
        description="pictures and videos rendered on request that are kept for one account, in bytes",
    )
    variant_bytes: int = Field(
        10_240 * MIB, ge=MIB, description="the same for all accounts; the least recently used ones are deleted"
    )
    variant_eviction_interval_seconds: float = Field(60.0, gt=0, description="how often these bounds are enforced")

    @property
    def limits(self) -> WorkerLimits:
        return WorkerLimits(
            workers=self.workers,
            idle_seconds=self.worker_idle_timeout_seconds,
            seconds=self.picture_timeout_seconds,
            memory_mb=self.memory_mb,
            max_document_bytes=self.max_document_bytes,
            allow_weak_sandbox=self.infra.allow_weak_sandbox,
        )

    @property
    def office(self) -> Office | None:
        libraries = libraries_of(self.office_command)
        return None if libraries is None else Office(libraries, self._content_limits)

    @property
    def _content_limits(self) -> ProgramLimits:
        seconds, weak = self.picture_timeout_seconds, self.infra.allow_weak_sandbox
        return ProgramLimits(seconds, int(seconds) + 1, self.memory_mb, self.max_document_bytes, weak)

    @property
    def video_limits(self) -> VideoLimits:
        rendition = ProgramLimits(
            self.video_timeout_seconds,
            self.video_cpu_seconds,
            self.video_memory_mb,
            self.max_video_rendition_bytes,
            self.infra.allow_weak_sandbox,
        )
        return VideoLimits(
            self._content_limits,
            rendition,
            self.max_video_seconds,
            self.max_video_bytes,
            self.video_part_interval_seconds,
        )
