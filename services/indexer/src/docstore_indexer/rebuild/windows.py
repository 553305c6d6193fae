"""Windows: the files between two ids, as metadata has them and as they are recorded here; what they differ in."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from docstore_indexer.indexing.repository import Entries
from docstore_indexer.indexing.rules import Entry, File, FileChange
from docstore_indexer.indexing.service import IndexService

FilesAfter = Callable[[str, int], Awaitable[list[File]]]
"""Returns metadata's files after an id."""


@dataclass(frozen=True, slots=True)
class Window:
    """Entries and metadata's files between two ids, and the start of the next window (None: it is the last)."""

    entries: dict[str, Entry]
    files: list[File] = field(default_factory=list)
    end: str | None = None

    def late(self) -> list[File]:
        """Files that no event has described yet, as they are."""
        known = self.entries
        return [file for file in self.files if file.file_id not in known or _is_older(known[file.file_id], file)]

    def gone(self) -> list[Entry]:
        """Entries of files that metadata does not have."""
        there = {file.file_id for file in self.files}
        return [entry for key, entry in self.entries.items() if key not in there and not entry.file.purged]


@dataclass(slots=True)
class Pass:
    """Counts of one pass: searchable files, added ones, corrected ones."""

    files: int = 0
    added: int = 0
    taken_over: int = 0
    removed: int = 0


async def read_window(
    entries: Entries, files_after: FilesAfter, after: str, limit: int, owner_id: str | None = None
) -> Window:
    """Read entries first: metadata had each of them before, so one that it lacks now was deleted.

    `owner_id`: only this account's, as `files_after` returns them.
    """
    recorded = await entries.page(after, limit, owner_id)
    files = await files_after(after, limit)
    ends = [recorded[-1].file.file_id] if len(recorded) == limit else []
    if files:
        ends.append(files[-1].file_id)
    end = min(ends, default=None)
    return Window(
        {entry.file.file_id: entry for entry in recorded if end is None or entry.file.file_id <= end},
        [file for file in files if end is None or file.file_id <= end],
        end,
    )


async def settle(window: Window, service: IndexService, seen: Pass) -> set[str]:
    """Apply differences that no event has described yet; return the ids of their files."""
    late, gone = window.late(), window.gone()
    await service.take_over([FileChange(file, backlog=True) for file in late], gone)
    seen.files += sum(file.searchable for file in window.files)
    seen.taken_over += len(late)
    seen.removed += len(gone)
    return {file.file_id for file in late} | {entry.file.file_id for entry in gone}


def _is_older(entry: Entry, file: File) -> bool:
    """Whether it has an earlier state of the file, or was stored by a release without custom metadata."""
    return entry.file.revision < file.revision or bool(file.metadata and not entry.file.metadata)
