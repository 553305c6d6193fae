"""Use case of search: the engine finds files, metadata decides what the caller may see."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from docstore_contracts.files import File
from docstore_contracts.metadata import MetadataClient
from docstore_indexer.engines.engine import EngineFailed, Family, Hit, SearchEngine, SearchHits, SearchQuery, Stored
from docstore_indexer.indexing.text_repository import Accounts
from docstore_platform.domain.plans import AccountPlans
from docstore_platform.errors import Forbidden, unavailable
from docstore_platform.http.paging import decode_cursor, encode_cursor

FILLED_FROM_PAGES = 5
"""How many pages without visible hits are skipped in one call."""
CHECKED_IN_FOLDER = 500
"""Hits that are looked up for a search in a folder."""
CHECKED = 1000
"""Hits in files of others that are looked up, to count them or to search their contents."""


@dataclass(frozen=True, slots=True)
class Found:
    items: list[dict[str, Any]]
    total: int
    next_cursor: str | None


class Search:
    """Searches the index, which may be moments behind: hits are shown as metadata has them now, or not at all."""

    def __init__(self, engine: SearchEngine, metadata: MetadataClient, accounts: Accounts, plans: AccountPlans) -> None:
        self._engine = engine
        self._metadata = metadata
        self._accounts = accounts
        self._plans = plans

    async def _is_premium(self, account_id: str) -> bool:
        known = await self._accounts.plans([account_id])
        if known.get(account_id, ("free", 0))[0] == "premium":
            return True
        current = await self._plans.plan_of(account_id)
        return current is not None and current[0] == "premium"

    async def _check_plan(self, query: SearchQuery) -> None:
        if query.scope == "content" and not await self._is_premium(query.reader):
            raise Forbidden("Full-text search needs a premium account.", code="premium_required")

    async def search(self, query: SearchQuery) -> Found:
        """Return a page of hits. Problems 403 `premium_required`, 422 `invalid_cursor`, 503."""
        await self._check_plan(query)
        found = Found([], 0, query.cursor)
        for _ in range(FILLED_FROM_PAGES):
            found = await self._page(replace(query, cursor=found.next_cursor))
            if found.items or found.next_cursor is None:
                break
        return found

    async def search_folder(self, query: SearchQuery, folder_id: str) -> Found:
        """Search a folder and all below it, among the first hits in everything that the reader may see.

        The index does not know folders, and what is found elsewhere must not show, not even by a count or a cursor: so
        the hits of all pages are looked up, and the page is cut from those in the folder.
        """
        await self._check_plan(query)
        first = max(decode_cursor(query.cursor, int)[0], 0) if query.cursor else 0
        page = await self._find(replace(query, limit=CHECKED_IN_FOLDER, cursor=None))
        files = await self._readable(query, page.hits, folder_id)
        shown = {hit.file_id: _item(hit, files.get(hit.file_id), query) for hit in page.hits}
        items = [item for item in shown.values() if item is not None]
        last = first + query.limit
        return Found(items[first:last], len(items), encode_cursor(last) if items[last:] else None)

    async def stored_by(self, owner_id: str) -> dict[Family, Stored]:
        """Sum up the account's own files. Problem 503 while an index without sizes is rebuilt."""
        try:
            return await self._engine.stored_by(owner_id)
        except EngineFailed as error:
            raise unavailable("Search") from error

    async def _page(self, query: SearchQuery) -> Found:
        page = await self._find(query)
        files = await self._readable(query, page.hits)
        refused = _ids(page.hits) - files.keys()
        hidden: set[str] = set()
        uncounted = 0
        if page.total > len(page.hits) or (refused and query.scope == "content"):
            others, readable = await self._of_others(query)
            if query.scope == "name":
                hidden = _ids(others.hits) - readable
                uncounted = others.total - len(readable)
                if refused - hidden:
                    # The index may have caught up since: what it has dropped must not be counted either.
                    page = await self._find(query)
                    files = await self._readable(query, page.hits)
            elif others.total > len(readable) or refused - _ids(others.hits):
                # No position, score or cursor may reveal which words are in a text that the reader may not have.
                page = await self._find(replace(query, shared=frozenset(readable)))
                files = await self._readable(query, page.hits)
        shown = {hit.file_id: _item(hit, files.get(hit.file_id), query) for hit in page.hits}
        items = [item for item in shown.values() if item is not None]
        gone = {file_id for file_id, item in shown.items() if item is None}
        total = page.total - uncounted - len(gone - hidden)
        return Found(items, max(total, len(items)), page.next_cursor)

    async def _of_others(self, query: SearchQuery) -> tuple[SearchHits, set[str]]:
        """Return the hits in files of others, on all pages, and which of them may be found.

        The existence of a file that the reader has lost access to is as secret as its contents. Those beyond `CHECKED`
        are not known to be readable: they are not counted, and contents are not searched there.
        """
        found = await self._find(replace(query, of_others=True, limit=CHECKED, cursor=None))
        return found, set(await self._readable(query, found.hits))

    async def _find(self, query: SearchQuery) -> SearchHits:
        try:
            return await self._engine.search(query)
        except EngineFailed as error:
            raise unavailable("Search") from error

    async def _readable(self, query: SearchQuery, hits: Sequence[Hit], folder_id: str = "") -> dict[str, File]:
        """Return the files that the reader may see, for a search in contents those whose contents it may have."""
        if not hits:
            return {}
        ids = [hit.file_id for hit in hits]
        found = await self._metadata.lookup_files(query.reader, ids, folder_id=folder_id)
        if query.scope != "content":
            return found
        return {file_id: file for file_id, file in found.items() if file.get("watermark") is None}


def _ids(hits: Sequence[Hit]) -> set[str]:
    return {hit.file_id for hit in hits}


def _item(hit: Hit, file: File | None, query: SearchQuery) -> dict[str, Any] | None:
    """Return a hit to show; None if its text is of another version, since the words may be gone from the file."""
    if file is None:
        return None
    is_current = file["version"] == hit.version
    has_text = file.get("watermark") is None
    if query.scope == "content" and not is_current:
        return None
    return {"file": file, "score": round(hit.score, 4), "snippet": hit.snippet if is_current and has_text else None}
