"""What the indexer speaks of: extracted text and the reasons why there is none. Standard library only."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ExtractedText:
    """Plain text of one document; `truncated` if a limit cut it, `ocr` if part of it was read from pixels."""

    text: str
    pages: int | None = None
    ocr: bool = False
    truncated: bool = False


class ExtractionFailed(Exception):
    """A document has no text for a lasting reason; `reason` is a stable code for events and users."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Unsupported(ExtractionFailed):
    """Not a type that holds text, or not what its type says."""


class Encrypted(ExtractionFailed):
    """Opens with a password only."""


class Corrupt(ExtractionFailed):
    """The parser refused it or died of it."""


class TooLarge(ExtractionFailed):
    """Larger than the limit, as stored or once unpacked."""


class TimedOut(ExtractionFailed):
    """Took more seconds (of the clock or of the processor) than allowed."""


class OutOfMemory(ExtractionFailed):
    """Needed more memory than allowed."""


_BY_REASON: dict[str, type[ExtractionFailed]] = {
    "unsupported_type": Unsupported,
    "binary_content": Unsupported,
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
    """The error of a reason code; a code nobody knows counts as a corrupt document."""
    return _BY_REASON.get(reason, Corrupt)(reason if reason in REASONS else "corrupt")
