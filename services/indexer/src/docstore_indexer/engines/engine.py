"""The port to a full-text engine: what the service asks for, whatever answers (Tantivy or an OpenSearch cluster)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

OpenedReason = Literal["complete", "new", "unreadable", "outdated", "unfinished"]


class EngineFailed(Exception):
    """The engine could not do it. Writes stay accepted and are tried again until they succeed or the process ends."""


@dataclass(frozen=True, slots=True)
class IndexedDocument:
    """One file as search knows it: shown to its `readers` (accounts); `text` is None if only its name counts."""

    file_id: str
    owner_id: str
    readers: tuple[str, ...]
    name: str
    tags: tuple[str, ...]
    content_type: str
    size: int
    version: int
    created_at: datetime
    modified_at: datetime
    text: str | None = None
    change: int = 0
    """Which of the file's changes this is: where several processes write, a lower one loses, however late it comes."""


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """What `reader` looks for. No text: everything that passes the filters, last modified first.

    `text`: words, all of which must occur. In scope "name" a word matches the beginning of a word of the name; in
    scope "content" it matches a whole word (any inflection) of the text or the name, and words in double quotes must
    stand together.
    Case and accents never count, and no text is a syntax error.
    `tags`: all of them. `type`: a media type, its first half, or a name's extension. Dates: aware, exclusive.
    """

    reader: str
    text: str = ""
    scope: Literal["name", "content"] = "name"
    tags: tuple[str, ...] = ()
    type: str | None = None
    modified_after: datetime | None = None
    modified_before: datetime | None = None
    limit: int = 20
    cursor: str | None = None
    of_others: bool = False
    """Only files of other owners, in no snippets: those that the reader may have ceased to read a moment ago."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A found file; `snippet` is safe HTML with the found words in <mark>, None where no text is kept.

    `score` falls from hit to hit, and must not depend on files that the reader may not read.
    """

    file_id: str
    version: int
    score: float
    snippet: str | None


@dataclass(frozen=True, slots=True)
class SearchHits:
    """A page of hits, best first, and how many there are in all."""

    hits: tuple[Hit, ...]
    total: int
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Opened:
    """Whether the index must be built from the files: it is new, was lost, unreadable, or never finished."""

    rebuild_needed: bool
    reason: OpenedReason


class SearchEngine(Protocol):
    """Writes are accepted at once and take effect together; after `flush` they are durable."""

    async def open(self) -> Opened:
        """Make ready to serve, with what is there. Raises EngineFailed if another process has the index."""

    async def close(self) -> None:
        """Persist accepted writes and release all resources. A rebuild under way is dropped."""

    async def upsert(self, documents: Iterable[IndexedDocument]) -> None:
        """Replace these files, each as a whole."""

    async def delete(self, changes: Mapping[str, int]) -> None:
        """Remove these files (by id, each as of its `change`); unknown ones are fine."""

    async def flush(self) -> None:
        """Return once everything accepted before is durable and found. Raises EngineFailed."""

    async def search(self, query: SearchQuery) -> SearchHits:
        """One page. Raises EngineFailed, or problem 422 `invalid_cursor`."""

    async def begin_rebuild(self) -> None:
        """Start a second index beside the one that serves; upserts and deletes from now on reach both.

        A rebuild already under way is dropped.
        """

    async def add_to_rebuild(self, documents: Iterable[IndexedDocument]) -> None:
        """Fill the second index from the backlog; a file upserted or deleted since `begin_rebuild` is left as it is."""

    async def finish_rebuild(self) -> None:
        """Let the second index serve, for good, and remove the first."""

    async def abandon_rebuild(self) -> None:
        """Remove the second index; nothing happens if there is none."""
