"""Stores, engine and neighbours of the indexer, in memory."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from docstore_contracts.files import FileEntry
from docstore_indexer.engines.engine import EngineFailed, Hit, IndexedDocument, SearchHits, SearchQuery
from docstore_indexer.extraction.rules import ExtractedText
from docstore_indexer.indexing.rules import Entry, File, FileChange, Outcome, Plan, WorkQueue
from docstore_platform.mongodb.session import Session

NOW = datetime(2026, 11, 21, tzinfo=UTC)
LEASE_SECONDS = 60.0


def a_file(file_id: str = "f", **changes: Any) -> File:
    """A small text file of Ann's."""
    file = File(
        file_id=file_id,
        revision=1,
        owner_id="ann",
        readers=(),
        kind="file",
        name=f"{file_id}.txt",
        tags=(),
        content_type="text/plain",
        size=5,
        version=1,
        created_at=NOW,
        modified_at=NOW,
        object_key=f"key of {file_id}",
    )
    return replace(file, **changes)


def an_entry(file: File | None = None, **state: Any) -> Entry:
    """A pending entry of the file."""
    return Entry(file=file or a_file(), **state)


@dataclass
class FakeEngine:
    """Keeps what it is given; a search finds all that its reader may read. `broken`: writes fail.

    `missing_copies`: so often a rebuilt index is not ready yet.
    """

    documents: dict[str, IndexedDocument] = field(default_factory=dict)
    making: dict[str, IndexedDocument] | None = None
    touched: set[str] = field(default_factory=set)
    broken: bool = False
    missing_copies: int = 0
    pages: list[SearchHits] = field(default_factory=list)
    queries: list[SearchQuery] = field(default_factory=list)

    async def upsert(self, documents: Iterable[IndexedDocument]) -> None:
        for document in documents:
            for index in self._indexes(document.file_id):
                index[document.file_id] = document

    async def delete(self, changes: Mapping[str, int]) -> None:
        for file_id in changes:
            for index in self._indexes(file_id):
                index.pop(file_id, None)

    def _indexes(self, file_id: str) -> list[dict[str, IndexedDocument]]:
        if self.making is None:
            return [self.documents]
        self.touched.add(file_id)
        return [self.documents, self.making]

    async def flush(self) -> None:
        if self.broken:
            raise EngineFailed("broken")

    async def search(self, query: SearchQuery) -> SearchHits:
        self.queries.append(query)
        if self.pages and not query.of_others:
            return self.pages.pop(0)
        found = [document for document in self.documents.values() if query.reader in document.readers]
        if query.of_others:
            found = [document for document in found if document.owner_id != query.reader]
        if query.shared is not None:
            found = [each for each in found if each.owner_id == query.reader or each.file_id in query.shared]
        return SearchHits(tuple(Hit(d.file_id, d.version, 1.0, d.text) for d in found), len(found), None)

    async def versions_of(self, file_ids: Collection[str]) -> dict[str, int]:
        return {key: self.documents[key].version for key in file_ids if key in self.documents}

    async def begin_rebuild(self) -> None:
        self.making, self.touched = {}, set()

    async def add_to_rebuild(self, documents: Iterable[IndexedDocument]) -> None:
        assert self.making is not None
        self.making |= {document.file_id: document for document in documents if document.file_id not in self.touched}

    async def finish_rebuild(self) -> bool:
        assert self.making is not None
        if self.missing_copies:
            self.missing_copies -= 1
            return False
        self.documents, self.making = self.making, None
        return True

    async def abandon_rebuild(self) -> None:
        self.making = None


@dataclass
class FakeEntries:
    """Entries by id, the queues of the pending ones, and when they are due."""

    known: dict[str, Entry] = field(default_factory=dict)
    queues: dict[str, WorkQueue] = field(default_factory=dict)
    due: dict[str, datetime] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)
    leases: int = 0
    now: datetime = NOW

    def add(self, *entries: Entry, queue: WorkQueue = WorkQueue.QUICK) -> None:
        for entry in entries:
            self._set(entry, queue)

    def _set(self, entry: Entry, queue: WorkQueue = WorkQueue.QUICK, seconds: float = 0.0) -> None:
        key = entry.file.file_id
        self.known[key], self.queues[key], self.due[key] = entry, queue, self.now + timedelta(seconds=seconds)

    async def record(self, changes: Sequence[FileChange], session: Session) -> None:
        for change in changes:
            old = self.known.get(change.file.file_id, Entry(file=change.file, change=0))
            new = replace(old, file=change.file, change=old.change + 1, pending=True, lease=None)
            self._set(new, WorkQueue.QUICK)

    async def claim(self, queue: WorkQueue, limit: int) -> list[Entry]:
        keys = [key for key, at in self.due.items() if self.queues[key] is queue and at <= self.now][:limit]
        self.leases += 1
        for key in keys:
            old = self.known[key]
            self._set(replace(old, lease=f"lease {self.leases}", attempts=old.attempts + 1), queue, LEASE_SECONDS)
        return [self.known[key] for key in keys]

    def _mine(self, entries: Sequence[Entry]) -> list[Entry]:
        current = [self.known[entry.file.file_id] for entry in entries]
        return [now for entry, now in zip(entries, current, strict=True) if now.lease and now.lease == entry.lease]

    async def move(self, entries: Sequence[Entry], queue: WorkQueue) -> None:
        for entry in self._mine(entries):
            self._set(replace(entry, lease=None, attempts=0), queue)

    async def postpone(self, entries: Sequence[Entry], queue: WorkQueue, seconds: float, *, counted: bool) -> None:
        for entry in self._mine(entries):
            self._set(replace(entry, lease=None, attempts=entry.attempts - (not counted)), queue, seconds)

    async def held(self, entries: Sequence[Entry], session: Session) -> set[str]:
        return {entry.file.file_id for entry in self._mine(entries)}

    async def complete(self, outcomes: Sequence[Outcome], session: Session) -> None:
        self.outcomes += outcomes
        for outcome in outcomes:
            key = outcome.entry.file.file_id
            version = outcome.entry.file.version if outcome.text is not None else outcome.entry.text_version
            languages = outcome.languages if outcome.text is not None else outcome.entry.ocr_languages
            announced = outcome.published_state if outcome.is_new else outcome.entry.announced
            done = replace(self.known[key], pending=False, lease=None, text_version=version, announced=announced)
            done = replace(done, ocr_languages=languages)
            self.known[key] = done
            del self.due[key]

    async def requeue(self, file_ids: Collection[str], *, drop_text: bool = False) -> None:
        for key in file_ids:
            old = self.known[key]
            version = 0 if drop_text else old.text_version
            self._set(replace(old, change=old.change + 1, pending=True, lease=None, text_version=version))

    async def release_all(self) -> int:
        for key in self.due:
            self._set(replace(self.known[key], lease=None))
        return len(self.due)

    async def page(self, after: str, limit: int, owner_id: str | None = None) -> list[Entry]:
        found = [self.known[key] for key in sorted(self.known) if key > after]
        return [entry for entry in found if owner_id in (None, entry.file.owner_id)][:limit]

    async def load(self, file_ids: Collection[str]) -> dict[str, Entry]:
        return {key: self.known[key] for key in file_ids if key in self.known}

    async def revisions(self, file_ids: Collection[str], session: Session) -> dict[str, int]:
        return {key: self.known[key].file.revision for key in file_ids if key in self.known}


class FakeService:
    """Takes over what a rebuild has found."""

    def __init__(self, entries: FakeEntries) -> None:
        self._entries = entries

    async def take_over(self, changes: Sequence[FileChange], gone: Sequence[Entry]) -> None:
        await self._entries.record(changes, None)
        for entry in gone:
            self._entries.add(replace(entry, file=replace(entry.file, purged=True)))


@dataclass
class FakeTexts:
    kept: dict[str, tuple[int, str]] = field(default_factory=dict)

    async def get(self, file_ids: Collection[str]) -> dict[str, tuple[int, str]]:
        return {key: self.kept[key] for key in file_ids if key in self.kept}

    async def versions(self, file_ids: Collection[str]) -> dict[str, int]:
        return {key: version for key, (version, _) in (await self.get(file_ids)).items()}

    async def put(self, texts: Mapping[str, tuple[int, ExtractedText]], session: Session) -> None:
        self.kept |= {key: (version, found.text) for key, (version, found) in texts.items()}

    async def remove(self, file_ids: Collection[str], session: Session = None) -> None:
        for key in file_ids:
            self.kept.pop(key, None)


@dataclass
class FakeAccounts:
    """Everyone is on `plan`."""

    plan: Plan = "premium"
    chosen: dict[str, tuple[str, ...]] = field(default_factory=dict)

    async def plans(self, account_ids: Collection[str], session: Session = None) -> dict[str, tuple[Plan, int]]:
        return dict.fromkeys(account_ids, (self.plan, 1))

    async def put(self, plans: Mapping[str, tuple[Plan, int]], session: Session) -> None:
        raise AssertionError("plans do not change here")

    async def languages(self, account_ids: Collection[str], session: Session = None) -> dict[str, tuple[str, ...]]:
        return {key: self.chosen[key] for key in account_ids if key in self.chosen}

    async def put_languages(self, account_id: str, languages: Sequence[str], session: Session) -> None:
        self.chosen[account_id] = tuple(languages)


@dataclass
class FakeContents:
    """Texts, other queues or errors by object key; a file whose name ends in .doc is parsed."""

    answers: dict[str, ExtractedText | WorkQueue | Exception] = field(default_factory=dict)
    while_reading: Callable[[File], Awaitable[None]] | None = None
    not_ready: set[WorkQueue] = field(default_factory=set)
    languages: list[str] = field(default_factory=list)
    """Of each document that was read."""
    forgotten: list[str] = field(default_factory=list)
    """Keys of recordings whose transcriptions were deleted."""

    def ready(self, queue: WorkQueue) -> bool:
        return queue not in self.not_ready

    def queue_of(self, file: File) -> WorkQueue:
        return WorkQueue.PARSE if file.name.endswith(".doc") else WorkQueue.TEXT

    async def read(self, file: File, queue: WorkQueue, languages: str) -> ExtractedText | WorkQueue:
        self.languages.append(languages)
        if self.while_reading is not None:
            await self.while_reading(file)
        answer = self.answers[file.object_key]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def forget(self, file: File) -> None:
        self.forgotten.append(file.object_key)


@dataclass
class FakeMetadata:
    """Files by id, all of which everyone may read but those in the trash."""

    files: dict[str, File] = field(default_factory=dict)
    watermarks: dict[str, str] = field(default_factory=dict)
    """By file, what everyone sees of it has."""

    async def lookup_files(
        self, account_id: str, file_ids: Sequence[str], *, folder_id: str = ""
    ) -> dict[str, dict[str, Any]]:
        found = [self.files[key] for key in file_ids if key in self.files and self.files[key].searchable]
        return {
            file.file_id: {
                "id": file.file_id,
                "version": file.version,
                "watermark": self.watermarks.get(file.file_id),
            }
            for file in found
        }

    async def list_files(self, after: str, limit: int, *, owner_id: str | None = None) -> list[FileEntry]:
        found = [self.files[key] for key in sorted(self.files) if key > after]
        return [_entry(file) for file in found if owner_id in (None, file.owner_id)][:limit]


def _entry(file: File) -> FileEntry:
    state = {**asdict(file), "parent_id": "", "sha256": "", "modified_by": file.owner_id}
    return {"file": state, "revision": file.revision, "path": f"/{file.name}", "trashed": file.trashed}
