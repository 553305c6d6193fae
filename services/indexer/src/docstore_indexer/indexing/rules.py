"""State of a file in the indexer and the next step for it. Standard library only."""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal

from docstore_indexer.extraction.rules import ExtractedText, ExtractionFailed

Plan = Literal["free", "premium"]
Mode = Literal["name", "fulltext"]

CHARS_AT_ONCE = 8_000_000
"""Characters of the texts that are in memory at the same time."""


class WorkQueue(StrEnum):
    """Queues of pending files, each with its own workers, so that no cheap one waits behind a slow one."""

    QUICK = "quick"
    """First queue of all: names, removals, stored texts, and a few plain texts."""
    TEXT = "text"
    """Plain texts in large numbers."""
    PARSE = "parse"
    """Documents with a text layer."""
    OCR = "ocr"
    """Pictures and scanned pages."""
    TRANSCRIPTION = "transcription"
    """Audio, and videos without subtitles, where a transcription endpoint is set."""


RETRY_WAKEUP = "index:retries"


def wakeup_name(queue: WorkQueue) -> str:
    return f"index:{queue}"


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file or folder as metadata last described it. Sizes in bytes."""

    file_id: str
    revision: int
    owner_id: str
    readers: tuple[str, ...]
    """Accounts besides the owner that may read it."""
    kind: Literal["file", "folder"]
    name: str
    tags: tuple[str, ...]
    metadata: Mapping[str, str] = field(default_factory=dict)
    content_type: str
    size: int
    version: int
    created_at: datetime
    modified_at: datetime
    object_key: str
    trashed: bool = False
    purged: bool = False

    @property
    def searchable(self) -> bool:
        return not (self.trashed or self.purged)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file with the state of its indexing."""

    file: File
    change: int = 1
    """Counts changes: work for a lower number is outdated."""
    pending: bool = True
    attempts: int = 0
    crashes: int = 0
    """Claims that ended with the process, since its last change or result."""
    lease: str | None = None
    text_version: int = 0
    """Version whose text is stored; 0: none."""
    text_chars: int = 0
    ocr: bool = False
    ocr_languages: str = ""
    """Languages in which its pictures were read, such as `deu+eng`; empty: it has none."""
    failed_version: int = 0
    """Version whose text can't be extracted, because of `reason`."""
    reason: str = ""
    announced: str = ""
    """The last published state: `<version>:<mode>`."""
    traceparent: str | None = None

    @property
    def fruitless_claims(self) -> int:
        return self.attempts + self.crashes


class Step(StrEnum):
    """Next step for a pending file."""

    REMOVE = "remove"
    NAME = "name"
    FAILED = "failed"
    """Index by name only: the text of this version can't be extracted."""
    STORED_TEXT = "stored_text"
    FETCH = "fetch"


@dataclass(frozen=True, slots=True)
class Decision:
    """A step; the queue for `FETCH`, the reason for `FAILED`."""

    step: Step
    queue: WorkQueue = WorkQueue.QUICK
    reason: str = ""


def is_in_other_languages(entry: Entry, languages: str) -> bool:
    """Whether its text was recognized in other languages than these."""
    return bool(entry.ocr_languages) and entry.ocr_languages != languages


def decide(entry: Entry, plan: Plan, languages: str, queue_of: Callable[[File], WorkQueue]) -> Decision:
    """Return the step for an entry of an account with this plan and these languages of pictures.

    `queue_of` raises ExtractionFailed for other types.
    """
    file = entry.file
    if not file.searchable:
        return Decision(Step.REMOVE)
    if plan == "free" or file.kind == "folder":
        return Decision(Step.NAME)
    if entry.failed_version == file.version:
        return Decision(Step.FAILED, reason=entry.reason)
    if entry.text_version == file.version and not is_in_other_languages(entry, languages):
        return Decision(Step.STORED_TEXT)
    try:
        return Decision(Step.FETCH, queue_of(file))
    except ExtractionFailed as error:
        return Decision(Step.FAILED, reason=error.reason)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Result of a step: `text` if it was just extracted, in these `languages` if by OCR; `reason` if that failed."""

    entry: Entry
    result: Literal["removed", "name", "fulltext", "failed"]
    text: ExtractedText | None = None
    reason: str = ""
    languages: str = ""

    @property
    def published_state(self) -> str:
        """Version and mode as published; renames change neither."""
        return f"{self.entry.file.version}:{self.result}"

    @property
    def is_new(self) -> bool:
        published = self.result != "removed" and self.entry.file.kind == "file"
        return published and self.published_state != self.entry.announced


@dataclass(frozen=True, slots=True)
class FileChange:
    """The new state of a file, the events that caused it, and their trace."""

    file: File
    event_ids: tuple[str, ...] = ()
    traceparent: str | None = None
    backlog: bool = False


def newest(earlier: FileChange | None, later: FileChange) -> FileChange:
    """Merge two changes of one file: the higher revision, the events of both."""
    if earlier is None:
        return later
    last = later if later.file.revision >= earlier.file.revision else earlier
    return FileChange(last.file, earlier.event_ids + later.event_ids, last.traceparent, last.backlog)


def groups(entries: Sequence[Entry], at_once: int, size: Callable[[Entry], int]) -> Iterator[list[Entry]]:
    """Split the entries into runs whose sizes add up to about `at_once`."""
    sums = itertools.accumulate(map(size, entries))
    for _, group in itertools.groupby(zip(entries, sums, strict=True), lambda pair: pair[1] // at_once):
        yield [entry for entry, _ in group]
