"""Extracted text, and the reasons why there is none. Standard library only."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ExtractedText:
    """Plain text of one document; `truncated` if a limit cut it, `ocr` if part of it was recognized in pictures."""

    text: str
    pages: int | None = None
    ocr: bool = False
    truncated: bool = False


class ExtractionFailed(Exception):
    """A document permanently has no text; `reason` is a stable code for events and users."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Unsupported(ExtractionFailed):
    """Not a type with text, or not what its type claims."""


class Encrypted(ExtractionFailed):
    """Needs a password."""


class Corrupt(ExtractionFailed):
    """The parser refused it or crashed."""


class TooLarge(ExtractionFailed):
    """Larger than the limit, as stored or unpacked."""


class TimedOut(ExtractionFailed):
    """Exceeded the time limit, of the clock or the processor."""


class OutOfMemory(ExtractionFailed):
    """Exceeded the memory limit."""


_BY_REASON: dict[str, type[ExtractionFailed]] = {
    "unsupported_type": Unsupported,
    "binary_content": Unsupported,
    "transcription_refused": Unsupported,
    "encrypted": Encrypted,
    "corrupt": Corrupt,
    "forbidden_xml": Corrupt,
    "parser_crashed": Corrupt,
    "too_large": TooLarge,
    "archive_bomb": TooLarge,
    "timed_out": TimedOut,
    "out_of_memory": OutOfMemory,
}
REASONS = frozenset(_BY_REASON)


def failure(reason: str) -> ExtractionFailed:
    """Return the error of a reason code; an unknown code counts as corrupt."""
    return _BY_REASON.get(reason, Corrupt)(reason if reason in REASONS else "corrupt")
