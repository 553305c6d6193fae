"""Settings of the indexer."""

from dataclasses import replace
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from docstore_contents.workers.worker_process import MAX_RESPONSE_BYTES
from docstore_indexer.extraction.languages import DEBIAN, DEFAULT, PACKAGED, TrainedData
from docstore_indexer.extraction.limits import ExtractionLimits
from docstore_platform.settings import ServiceSettings

MIB = 1 << 20
_RESPONSE_BYTES_PER_CHAR = 8
"""More than any character takes in JSON."""


class IndexerSettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="INDEXER_")

    text_secrets: SecretStr = Field(
        SecretStr(""),
        description="encrypts texts of documents at rest. Several by commas: the first encrypts, all decrypt",
    )
    engine: Literal["tantivy", "opensearch"] = Field(
        "tantivy", description="index in a folder of this process only (tantivy), or in a shared cluster (opensearch)"
    )
    folder: Path = Field(
        Path("/var/lib/docstore/index"),
        description="folder of temporary files and Tantivy's index; for this process only",
    )
    commit_interval_ms: int = Field(50, ge=0, description="batches of writes to the index are at least this far apart")
    opensearch_url: str = Field("http://127.0.0.1:9200", description="address of a node or a load balancer")
    opensearch_user: str = Field("", description="empty: no password is sent")
    opensearch_password: SecretStr = SecretStr("")
    opensearch_ca_file: str = Field("", description="PEM certificates to verify the server with; empty: the system's")
    opensearch_index: str = Field(
        "docstore-files",
        pattern=r"^[a-z][a-z0-9_]*(-[a-z0-9_]+)*$",
        description="prefix of indexes and aliases; one for each stack that uses the cluster",
    )
    opensearch_shards: int = Field(1, ge=1, description="shards of a new index: a change needs a rebuild")
    opensearch_replicas: int = Field(1, ge=0, description="copies of each shard in a new index; 0 for a single node")
    opensearch_refresh_interval_ms: int = Field(50, ge=10, description="time until a write is searchable")
    poll_interval_seconds: float = Field(
        2.0, gt=0, description="how often to look for retries and work of other instances"
    )
    lease_seconds: float = Field(
        600.0,
        gt=0,
        description="work of a dead instance is taken over after this; several times `document_timeout_seconds`",
    )

    workers: int = Field(
        1, ge=1, description="number of processes that parse documents, and of those that read pictures"
    )
    worker_idle_timeout_seconds: float = Field(30.0, gt=0, description="an idle process ends after this")
    document_timeout_seconds: float = Field(120.0, gt=0, description="time limit of one document")
    memory_mb: int = Field(1024, ge=128, description="memory limit of one document")
    max_document_bytes: int = Field(100 * MIB, ge=MIB, description="larger documents are found by name only")
    max_text_chars: int = Field(2_000_000, ge=1_000, description="length of the text that is searched")
    max_ocr_pages: int = Field(50, ge=0, description="scanned pages read per document")
    ocr_languages: str = Field(
        DEFAULT,
        pattern=r"^[a-z_]+(\+[a-z_]+)*$",
        description="languages of pictures of accounts that choose none, such as `deu+eng`, the main one first",
    )
    ocr_data_folder: str = Field(
        "",
        description="folder of `LANGUAGE.traineddata` files, besides Debian's and the packaged ones",
    )

    transcription_url: str = Field(
        "",
        pattern=r"^(https?://\S+)?$",
        description="base of an OpenAI-compatible HTTP API, such as https://api.openai.com/v1: audio, and videos "
        "without subtitles, of premium accounts are sent to it. Empty: nothing is",
    )
    transcription_key: SecretStr = Field(SecretStr(""), description="API key of the endpoint; empty: none is sent")
    transcription_model: str = Field("whisper-1", description="name of a model that the endpoint has")
    transcription_bucket: str = Field(
        "",
        description="bucket for copies of recordings while Amazon Transcribe reads them, instead of "
        "`transcription_url`: Amazon charges by the second of sound. Empty: it is not used",
    )
    transcription_region: str = Field("us-west-2", description="AWS region of that bucket and of Amazon Transcribe")
    transcription_aws_endpoint: str = Field("", description="one endpoint for both; empty: AWS's own")
    transcription_max_bytes: int = Field(25 * MIB, ge=1, description="larger files are not transcribed")
    transcription_timeout_seconds: float = Field(
        300.0, gt=0, description="time limit of one file; below `lease_seconds`"
    )

    @model_validator(mode="after")
    def _one_transcriber(self) -> Self:
        if self.transcription_url and self.transcription_bucket:
            raise ValueError("set transcription_url or transcription_bucket, not both")
        return self

    @property
    def trained_data(self) -> TrainedData:
        own = [Path(self.ocr_data_folder)] if self.ocr_data_folder else []
        linked = self.folder.absolute() / "languages"
        return TrainedData.find([*own, *DEBIAN, PACKAGED], linked, self.ocr_languages)

    @property
    def picture_limits(self) -> ExtractionLimits:
        return ExtractionLimits(
            workers=self.workers,
            idle_seconds=self.worker_idle_timeout_seconds,
            seconds=self.document_timeout_seconds,
            memory_mb=self.memory_mb,
            max_document_bytes=self.max_document_bytes,
            max_response_bytes=max(MAX_RESPONSE_BYTES, self.max_text_chars * _RESPONSE_BYTES_PER_CHAR),
            max_text_chars=self.max_text_chars,
            max_ocr_pages=self.max_ocr_pages,
            allow_weak_sandbox=self.infra.allow_weak_sandbox,
        )

    @property
    def document_limits(self) -> ExtractionLimits:
        """Text layers only: a page without one sends the document to the picture readers."""
        return replace(self.picture_limits, max_ocr_pages=0)
