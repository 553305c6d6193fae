"""Transcribes recordings by Amazon Transcribe, from copies in a bucket that is for nothing else."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import PurePosixPath
from typing import Any

import boto3
import orjson
import structlog
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from docstore_indexer.extraction.rules import ExtractedText, failure
from docstore_indexer.transcription.transcriber import Recording, TranscriptionPending, TranscriptionUnavailable

log = structlog.get_logger(__name__)

POLL_SECONDS = 20.0
MAX_TRANSCRIPT_BYTES = 64 << 20
"""Amazon takes recordings of up to four hours: their transcripts have about 10 MB."""
_CONNECT_SECONDS = 5
_NO_JOB = frozenset({"BadRequestException", "NotFoundException"})
"""Codes of a job that does not exist. Names of jobs are never malformed."""
_FORMATS = {
    **{extension: extension for extension in ("mp3", "mp4", "wav", "flac", "ogg", "webm", "m4a")},
    "oga": "ogg",
    "opus": "ogg",
    "m4v": "mp4",
}
"""Formats that Amazon Transcribe reads, by extension."""
_TYPES = {
    "audio/mpeg": "mp3",
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/flac": "flac",
    "audio/ogg": "ogg",
    "audio/mp4": "m4a",
    "video/mp4": "mp4",
    "audio/webm": "webm",
    "video/webm": "webm",
}
"""The same by type, for other extensions."""
# fmt: off
_SPOKEN = {
    "ara": "ar-SA", "bul": "bg-BG", "cat": "ca-ES", "ces": "cs-CZ", "chi_sim": "zh-CN", "chi_tra": "zh-TW",
    "dan": "da-DK", "deu": "de-DE", "ell": "el-GR", "eng": "en-US", "est": "et-EE", "fin": "fi-FI", "fra": "fr-FR",
    "heb": "he-IL", "hin": "hi-IN", "hrv": "hr-HR", "hun": "hu-HU", "ind": "id-ID", "ita": "it-IT", "jpn": "ja-JP",
    "kor": "ko-KR", "lav": "lv-LV", "lit": "lt-LT", "nld": "nl-NL", "nor": "no-NO", "pol": "pl-PL", "por": "pt-PT",
    "ron": "ro-RO", "rus": "ru-RU", "slk": "sk-SK", "slv": "sl-SI", "spa": "es-ES", "swe": "sv-SE", "tha": "th-TH",
    "tur": "tr-TR", "ukr": "uk-UA", "vie": "vi-VN",
}
# fmt: on
"""Amazon's languages by Tesseract's, in which accounts choose them."""


@dataclass(slots=True)
class AmazonTranscriber:
    """Starts one job for each recording, under a name that derives from its id.

    So nothing need be stored here, and neither a crash nor another instance starts a second job, which would be paid
    for again. A job's copy and transcript stay until `forget`, when the text is stored.
    """

    bucket: str
    region: str
    endpoint: str
    """Of S3 and Transcribe; empty: AWS's own."""
    max_bytes: int
    timeout_seconds: float
    _clients: dict[str, Any] = field(default_factory=dict)
    _making: threading.Lock = field(default_factory=threading.Lock)

    async def transcribe(self, recording: Recording, max_chars: int) -> ExtractedText:
        media_format = _format(recording)
        if media_format is None:
            raise failure("transcription_refused")
        job = _job_name(recording.id)
        status, reason = await self._call(lambda: self._status(job))
        if not status:
            data = await recording.data()
            await self._call(lambda: self._start(job, media_format, data, recording.languages))
        if status == "FAILED":
            log.warning("transcription_failed", job=job, reason=reason)
            raise failure("transcription_refused")
        if status != "COMPLETED":
            raise TranscriptionPending(POLL_SECONDS)
        transcript = await self._call(lambda: self._transcript(job))
        if transcript is None:  # the bucket's lifecycle has deleted it: begin again
            await self._call(lambda: self._delete(job))
            raise TranscriptionPending(POLL_SECONDS)
        text = _text(transcript)
        return ExtractedText(text[:max_chars], truncated=len(text) > max_chars)

    async def forget(self, recording_id: str) -> None:
        """Delete a recording's job, copy and transcript. What fails is left to the bucket's lifecycle."""
        try:
            await self._call(lambda: self._delete(_job_name(recording_id)))
        except TranscriptionUnavailable as error:
            log.warning("transcription_not_deleted", job=_job_name(recording_id), error=str(error))

    async def _call(self, work: Callable[[], Any]) -> Any:
        try:
            return await asyncio.to_thread(work)
        except ClientError as error:
            raise TranscriptionUnavailable(f"AWS responded with {_code(error)}") from error
        except BotoCoreError as error:
            raise TranscriptionUnavailable(f"AWS is unreachable: {error!r}") from error

    # --- in threads --------------------------------------------------------------------------------------

    def _client(self, service: str) -> Any:
        with self._making:
            if service not in self._clients:
                config = Config(
                    connect_timeout=_CONNECT_SECONDS,
                    read_timeout=self.timeout_seconds,
                    retries={"mode": "standard", "total_max_attempts": 1},
                )
                self._clients[service] = boto3.session.Session().client(
                    service, region_name=self.region, endpoint_url=self.endpoint or None, config=config
                )
            return self._clients[service]

    def _status(self, job: str) -> tuple[str, str]:
        """Return a job's status and the reason of its failure; empty if it does not exist."""
        try:
            found = self._client("transcribe").get_transcription_job(TranscriptionJobName=job)["TranscriptionJob"]
        except ClientError as error:
            if _code(error) in _NO_JOB:
                return "", ""
            raise
        return found["TranscriptionJobStatus"], found.get("FailureReason", "")

    def _start(self, job: str, media_format: str, data: bytes, languages: tuple[str, ...]) -> None:
        copy = _copy_key(job)
        self._client("s3").put_object(Bucket=self.bucket, Key=copy, Body=data)
        try:
            self._client("transcribe").start_transcription_job(
                TranscriptionJobName=job,
                Media={"MediaFileUri": f"s3://{self.bucket}/{copy}"},
                MediaFormat=media_format,
                OutputBucketName=self.bucket,
                OutputKey=_transcript_key(job),
                **_language(languages),
            )
        except ClientError as error:
            if _code(error) == "BadRequestException":
                log.warning("transcription_refused", job=job, error=str(error))
                self._client("s3").delete_object(Bucket=self.bucket, Key=copy)
                raise failure("transcription_refused") from error
            if _code(error) != "ConflictException":  # another instance has just started it
                raise

    def _transcript(self, job: str) -> bytes | None:
        try:
            found = self._client("s3").get_object(Bucket=self.bucket, Key=_transcript_key(job))
        except ClientError as error:
            if _code(error) == "NoSuchKey":
                return None
            raise
        with found["Body"] as body:
            if found["ContentLength"] > MAX_TRANSCRIPT_BYTES:
                raise failure("too_large")
            return bytes(body.read())

    def _delete(self, job: str) -> None:
        for key in (_copy_key(job), _transcript_key(job)):
            self._client("s3").delete_object(Bucket=self.bucket, Key=key)
        try:
            self._client("transcribe").delete_transcription_job(TranscriptionJobName=job)
        except ClientError as error:
            if _code(error) not in _NO_JOB:
                raise


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _format(recording: Recording) -> str | None:
    media_type = recording.content_type.partition(";")[0].strip().lower()
    return _FORMATS.get(PurePosixPath(recording.name).suffix[1:].lower()) or _TYPES.get(media_type)


def _job_name(recording_id: str) -> str:
    return f"docstore-{sha256(recording_id.encode()).hexdigest()}"


def _copy_key(job: str) -> str:
    return f"recordings/{job}"


def _transcript_key(job: str) -> str:
    return f"transcripts/{job}.json"


def _language(chosen: tuple[str, ...]) -> dict[str, Any]:
    """Return the language that is spoken if only one can be; otherwise Amazon finds out."""
    spoken = [_SPOKEN[language] for language in chosen if language in _SPOKEN]
    if len(spoken) == 1 and len(chosen) == 1:
        return {"LanguageCode": spoken[0]}
    known = {"LanguageOptions": spoken} if spoken and len(spoken) == len(chosen) else {}
    return {"IdentifyLanguage": True, **known}


def _text(transcript: bytes) -> str:
    try:
        parts = [part["transcript"] for part in orjson.loads(transcript)["results"]["transcripts"]]
    except (orjson.JSONDecodeError, LookupError, TypeError) as error:
        raise TranscriptionUnavailable("the transcript is malformed") from error
    return " ".join(parts).strip()
