"""Interface of full-text engines: Tantivy or an OpenSearch cluster."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

OpenedReason = Literal["complete", "new", "unreadable", "outdated", "unfinished"]
Sort = Literal["modified", "created", "size"]
Order = Literal["asc", "desc"]
Family = Literal["document", "image", "video", "audio", "archive", "other"]


class EngineFailed(Exception):
    """The engine failed. Accepted writes are retried until they succeed or the process ends."""


@dataclass(frozen=True, slots=True)
class IndexedDocument:
    """A file in the index, visible to its `readers` (accounts); `text` is None if only its name is indexed."""

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
    metadata: Mapping[str, str] = field(default_factory=dict)
    kind: Literal["file", "folder"] = "file"
    text: str | None = None
    change: int = 0
    """Number of the file's change: where several processes write, a lower one loses, however late it arrives."""


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """A search by `reader`. Without text: everything that passes the filters.

    `text`: words, all of which must occur. In scope "name" a word matches the start of a word of the name; in scope
    "content" it matches a whole word (any inflection) of the text or the name, and words in double quotes must be
    adjacent. Case and accents never count, and no text is a syntax error.
    `tags`, `metadata`: all of them, metadata exactly. `type`: a media type, its first half, or a name's extension.
    Dates: aware, exclusive. Without `sort` best first or, without text, last modified first.
    """

    reader: str
    text: str = ""
    scope: Literal["name", "content"] = "name"
    tags: tuple[str, ...] = ()
    type: str | None = None
    modified_after: datetime | None = None
    modified_before: datetime | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    metadata: tuple[tuple[str, str], ...] = ()
    owner: str | None = None
    kind: Literal["file", "folder"] | None = None
    sort: Sort | None = None
    order: Order = "desc"
    limit: int = 20
    cursor: str | None = None
    of_others: bool = False
    """Only files of other owners, without snippets: those that the reader may have just lost access to."""
    shared: frozenset[str] | None = None
    """Files of other owners that may be found; None: all that the reader may read."""

    @property
    def sorted_by(self) -> Sort | None:
        """What the hits are sorted by; None: by relevance."""
        return self.sort or (None if self.text.strip() else "modified")


@dataclass(frozen=True, slots=True)
class Hit:
    """A found file; `snippet` is safe HTML with the found words in <mark>, None if no text is stored.

    `score` decreases from hit to hit, and must not depend on files that the reader may not read.
    """

    file_id: str
    version: int
    score: float
    snippet: str | None


@dataclass(frozen=True, slots=True)
class SearchHits:
    """A page of hits, best first, and the total number."""

    hits: tuple[Hit, ...]
    total: int
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Stored:
    """Files of one family, and the bytes of their current versions."""

    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Opened:
    """Whether the index must be rebuilt from the files: it is new, lost, unreadable or incomplete."""

    rebuild_needed: bool
    reason: OpenedReason


class SearchEngine(Protocol):
    """Writes are accepted at once and applied in batches; after `flush` they are durable."""

    async def open(self) -> Opened:
        """Open the index. Raises EngineFailed if another process has it."""

    async def close(self) -> None:
        """Persist accepted writes and release all resources. A running rebuild is discarded."""

    async def upsert(self, documents: Iterable[IndexedDocument]) -> None:
        """Replace these files as a whole."""

    async def delete(self, changes: Mapping[str, int]) -> None:
        """Remove these files, each as of its `change`; unknown ids are ignored."""

    async def flush(self) -> None:
        """Wait until everything accepted before is durable and searchable. Raises EngineFailed."""

    async def search(self, query: SearchQuery) -> SearchHits:
        """Return one page. Raises EngineFailed, or problem 422 `invalid_cursor`."""

    async def stored_by(self, owner_id: str) -> dict[Family, Stored]:
        """Sum up the files that an account owns. Raises EngineFailed."""

    async def versions_of(self, file_ids: Collection[str]) -> dict[str, int]:
        """Return the version of each of these files that is in the index. Raises EngineFailed."""

    async def begin_rebuild(self) -> None:
        """Create a second index beside the serving one; from now on writes reach both.

        A running rebuild is discarded.
        """

    async def add_to_rebuild(self, documents: Iterable[IndexedDocument]) -> None:
        """Add files from the backlog to the second index; files written since `begin_rebuild` are not changed."""

    async def finish_rebuild(self) -> bool:
        """Serve from the second index, durably, and delete the first.

        False if it still lacks copies after half a minute: call again.
        """

    async def abandon_rebuild(self) -> None:
        """Delete the second index, if there is one."""
