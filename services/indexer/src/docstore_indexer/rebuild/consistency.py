"""Checks page by page whether the index has every file as metadata has it, and the texts that it should."""

from collections.abc import Sequence
from dataclasses import dataclass

from docstore_contracts.consistency import CheckPage, CheckRequest, Finding
from docstore_contracts.metadata import MetadataClient
from docstore_indexer.engines.engine import SearchEngine
from docstore_indexer.indexing.metadata import file_of_entry
from docstore_indexer.indexing.repository import Entries
from docstore_indexer.indexing.rules import Entry, File, FileChange
from docstore_indexer.indexing.service import IndexService
from docstore_indexer.indexing.text_repository import Texts
from docstore_indexer.rebuild.windows import read_window


@dataclass(slots=True)
class IndexConsistency:
    engine: SearchEngine
    metadata: MetadataClient
    entries: Entries
    texts: Texts
    service: IndexService

    async def check(self, request: CheckRequest) -> CheckPage:
        """Metadata's files against the records here, and these against the index.

        Files that wait for the index are left out: they will be right. A repair queues the others.
        """
        window = await read_window(self.entries, self._files_after, request["after"], request["limit"])
        late, gone = window.late(), window.gone()
        findings = [
            _finding("not_recorded", file.file_id, file.owner_id, "its state is not known here") for file in late
        ]
        findings += [
            _finding("file_missing", entry.file.file_id, entry.file.owner_id, "metadata does not have it")
            for entry in gone
        ]
        there = {file.file_id for file in window.files}
        settled = [entry for key, entry in window.entries.items() if key in there and not entry.pending]
        unindexed, untexted = await self._unindexed(settled), await self._without_text(settled)
        findings += [_finding("not_indexed", *_of(entry), "the index does not have it as it is") for entry in unindexed]
        findings += [_finding("text_missing", *_of(entry), "its extracted text is not stored") for entry in untexted]
        if request["repair"]:
            await self.service.take_over([FileChange(file, backlog=True) for file in late], gone)
            await self.entries.requeue([entry.file.file_id for entry in unindexed])
            await self.entries.requeue([entry.file.file_id for entry in untexted], drop_text=True)
            findings = [{**finding, "repaired": True} for finding in findings]
        return {"checked": len(window.files), "unread": 0, "findings": findings, "next_after": window.end}

    async def _files_after(self, after: str, limit: int) -> list[File]:
        return [file_of_entry(entry) for entry in await self.metadata.list_files(after, limit)]

    async def _unindexed(self, entries: Sequence[Entry]) -> list[Entry]:
        """Those that the index lacks or has in another version, and those that it has although nobody may find them."""
        found = await self.engine.versions_of([entry.file.file_id for entry in entries])
        return [
            entry
            for entry in entries
            if found.get(entry.file.file_id) != (entry.file.version if entry.file.searchable else None)
        ]

    async def _without_text(self, entries: Sequence[Entry]) -> list[Entry]:
        with_text = [entry for entry in entries if entry.text_version and entry.text_version == entry.file.version]
        stored = await self.texts.versions([entry.file.file_id for entry in with_text])
        return [entry for entry in with_text if stored.get(entry.file.file_id) != entry.text_version]


def _of(entry: Entry) -> tuple[str, str]:
    return entry.file.file_id, entry.file.owner_id


def _finding(kind: str, file_id: str, owner_id: str, detail: str) -> Finding:
    return {"kind": kind, "id": file_id, "account_id": owner_id, "detail": detail, "repaired": False}
