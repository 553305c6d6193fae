"""The interface of transcribers, which turn recordings into text, and their errors."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from docstore_indexer.extraction.rules import ExtractedText


class TranscriptionUnavailable(Exception):
    """The endpoint is unreachable, busy, broken or does not know the key: a later attempt may succeed."""


class TranscriptionPending(Exception):
    """The recording is being transcribed: ask again after `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__("the recording is being transcribed")
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording to transcribe."""

    id: str
    """The same id means the same bytes, of the same file."""
    name: str
    content_type: str
    languages: tuple[str, ...]
    """Those that its owner has chosen, as Tesseract names them; they may be spoken."""
    data: Callable[[], Awaitable[bytes]]


class Transcriber(Protocol):
    """Turns speech into text."""

    max_bytes: int
    """Larger files are not sent."""

    async def transcribe(self, recording: Recording, max_chars: int) -> ExtractedText:
        """Return the words. Raises ExtractionFailed, TranscriptionPending, TranscriptionUnavailable."""

    async def forget(self, recording_id: str) -> None:
        """Delete what is kept of a recording whose words are stored, or which was refused."""
