"""Transcription by an endpoint, against a real HTTP server."""

from collections.abc import AsyncIterator

import pytest
from transcription_endpoint import Endpoint, running_endpoint

from docstore_indexer.extraction.rules import ExtractedText, Unsupported
from docstore_indexer.transcription.http_endpoint import HttpTranscriber
from docstore_indexer.transcription.transcriber import Recording, TranscriptionUnavailable


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    async with running_endpoint() as endpoint:
        yield endpoint


def transcriber(endpoint: Endpoint, key: str = "sk-1") -> HttpTranscriber:
    return HttpTranscriber(endpoint.url, key, "whisper-1", 1 << 20, 5.0)


def recording(name: str) -> Recording:
    async def data() -> bytes:
        return b"sound"

    return Recording("f1 key", name, "audio/mpeg", ("deu",), data)


async def test_a_recording_is_sent_and_its_words_return(endpoint: Endpoint) -> None:
    """As multipart with model and key, under a name that shows its format only; the text is cut at its limit."""
    heard = await transcriber(endpoint).transcribe(recording("Board meeting.MP3"), 10)
    assert heard == ExtractedText("The walrus", truncated=True)
    [call] = endpoint.calls
    assert (call["model"], call["response_format"], call["key"]) == ("whisper-1", "json", "Bearer sk-1")
    assert (call["filename"], call["type"], call["data"]) == ("recording.mp3", "audio/mpeg", "sound")
    await transcriber(endpoint, "").transcribe(recording("a.mp3"), 10)
    assert endpoint.calls[1]["key"] == ""


@pytest.mark.parametrize(
    "reply", [(500, ""), (429, ""), (401, ""), (200, "no json"), (200, "[]"), (200, "x" * (17 << 20))]
)
async def test_a_busy_or_broken_endpoint_is_asked_again_later(endpoint: Endpoint, reply: tuple[int, str]) -> None:
    """So is one that has not got the right key yet."""
    endpoint.replies = [reply]
    with pytest.raises(TranscriptionUnavailable):
        await transcriber(endpoint).transcribe(recording("a.mp3"), 10)


async def test_an_unreachable_endpoint_is_asked_again_later() -> None:
    """No one listens there."""
    with pytest.raises(TranscriptionUnavailable):
        await transcriber(Endpoint("http://127.0.0.1:9/v1")).transcribe(recording("a.mp3"), 10)


@pytest.mark.parametrize("status", [400, 413, 307])
async def test_a_refused_recording_is_not_sent_again(endpoint: Endpoint, status: int) -> None:
    """Not to another address either: redirects are not followed."""
    endpoint.replies = [(status, "")]
    with pytest.raises(Unsupported) as caught:
        await transcriber(endpoint).transcribe(recording("a.mp3"), 10)
    assert caught.value.reason == "transcription_refused"
    assert len(endpoint.calls) == 1
