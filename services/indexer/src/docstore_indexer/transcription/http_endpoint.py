"""Transcribes audio by an HTTP endpoint in the form of OpenAI's (`POST {base}/audio/transcriptions`)."""

from dataclasses import dataclass
from pathlib import PurePosixPath

import aiohttp
import orjson

from docstore_indexer.extraction.rules import ExtractedText, failure
from docstore_indexer.transcription.transcriber import Recording, TranscriptionUnavailable

_MAX_RESPONSE_BYTES = 16 << 20
_TOO_MANY, _TIMED_OUT = 429, 408
_WRONG_KEY = (401, 403)
_CONNECT_SECONDS = 5.0


@dataclass(slots=True)
class HttpTranscriber:
    """Sends files as they are: the endpoint must know their formats."""

    url: str
    """Base, such as https://api.openai.com/v1."""
    key: str
    """Sent as a Bearer token; empty: none."""
    model: str
    max_bytes: int
    timeout_seconds: float

    async def transcribe(self, recording: Recording, max_chars: int) -> ExtractedText:
        data = await recording.data()
        form = aiohttp.FormData()
        form.add_field("model", self.model)
        form.add_field("response_format", "json")
        # The extension shows the format. No other part of the name leaves this service.
        filename = f"recording{PurePosixPath(recording.name).suffix.lower()}"
        form.add_field("file", data, filename=filename, content_type=recording.content_type)
        headers = {"authorization": f"Bearer {self.key}"} if self.key else {}
        timeout = aiohttp.ClientTimeout(total=self.timeout_seconds, sock_connect=_CONNECT_SECONDS)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.post(
                    f"{self.url.rstrip('/')}/audio/transcriptions", data=form, headers=headers, allow_redirects=False
                ) as response,
            ):
                body = await _read(response)
                status = response.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise TranscriptionUnavailable(f"the endpoint is unreachable: {error!r}") from error
        if status >= 500 or status in (_TOO_MANY, _TIMED_OUT, *_WRONG_KEY):
            raise TranscriptionUnavailable(f"the endpoint responded with {status}")
        if status != 200:
            raise failure("transcription_refused")
        text = _text(body)
        return ExtractedText(text[:max_chars], truncated=len(text) > max_chars)

    async def forget(self, recording_id: str) -> None:
        """Do nothing: the endpoint keeps nothing for this service."""


async def _read(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_chunked(1 << 16):
        body += chunk
        if len(body) > _MAX_RESPONSE_BYTES:
            raise TranscriptionUnavailable("the endpoint's response is too large")
    return bytes(body)


def _text(body: bytes) -> str:
    try:
        text = orjson.loads(body)["text"]
    except (orjson.JSONDecodeError, LookupError, TypeError) as error:
        raise TranscriptionUnavailable("the endpoint's response is no transcription") from error
    return str(text).strip()
