"""One Tantivy index, whose writes become durable and visible in batches."""

import contextlib
from collections.abc import Collection, Mapping
from pathlib import Path

import tantivy

from docstore_indexer.engines.engine import EngineFailed, Family, Hit, SearchHits, SearchQuery, Stored
from docstore_indexer.engines.tantivy.query import Snippets, build, files_among, files_of
from docstore_indexer.engines.tantivy.schema import LAYOUTS, SCHEMA_VERSION, open_index
from docstore_indexer.engines.terms import SORT_FIELDS
from docstore_platform.security.cipher import Cipher

WRITER_HEAP_BYTES = 15_000_000
MAX_POSITION = 10_000


class Generation:
    """An open index folder. Call `apply` and `release` from one thread, `search` from any."""

    def __init__(self, folder: Path, cipher: Cipher, schema: int = SCHEMA_VERSION) -> None:
        """ValueError if the folder is not a readable index of this schema."""
        self._cipher = cipher
        self._layout = LAYOUTS[schema]
        self._index = open_index(folder, self._layout)
        self._index.searcher().search(tantivy.Query.all_query(), 1)
        self._writer: tantivy.IndexWriter | None = None

    def apply(self, changes: Mapping[str, tantivy.Document | None]) -> None:
        """Replace or (None) remove files by id; on return they are durable and searchable. ValueError: none is."""
        if self._writer is None:
            self._writer = self._index.writer(WRITER_HEAP_BYTES, 1)
        try:
            for file_id, document in changes.items():
                self._writer.delete_documents_by_term("file_id", file_id)
                if document is not None:
                    self._writer.add_document(document)
            self._writer.commit()
        except BaseException:  # whatever failed, a part of the batch must not be committed
            self._drop_writer()
            raise
        self._index.reload()

    def release(self) -> None:
        """Release the writer's memory and threads until the next `apply`."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.wait_merging_threads()

    def _drop_writer(self) -> None:
        """Discard uncommitted writes: a new writer starts from the last commit."""
        assert self._writer is not None
        with contextlib.suppress(ValueError):
            self._writer.rollback()
        self._writer = None

    def search(self, query: SearchQuery, start: int) -> SearchHits:
        """Return the hits from position `start` on. ValueError if the index is unreadable."""
        searcher = self._index.searcher()
        built = build(query, self._layout)
        limit = max(1, min(query.limit, MAX_POSITION - start))
        field = None if query.sorted_by is None else SORT_FIELDS[query.sorted_by]
        if field == "size":
            self._need_sizes()
        order = tantivy.Order.Desc if query.order == "desc" else tantivy.Order.Asc
        found = searcher.search(built, limit, count=True, order_by_field=field, order=order, offset=start)
        shown = query.scope == "content" and not query.of_others
        snippets = Snippets(searcher, built, query.text, self._layout) if shown else None
        hits = [
            self._hit(searcher.doc(address), 0.0 if field else _score(start + place), snippets)
            for place, (_, address) in enumerate(found.hits)
        ]
        total: int = found.count  # type: ignore[attr-defined]  # the stub lacks it
        return SearchHits(tuple(hits), total, None)

    def stored_by(self, owner_id: str) -> dict[Family, Stored]:
        """Sum up an account's files. Raises EngineFailed until a rebuild has replaced an index without sizes."""
        self._need_sizes()
        by_family = {"terms": {"field": "family", "size": 10}, "aggs": {"bytes": {"sum": {"field": "size"}}}}
        result = self._index.searcher().aggregate(files_of(owner_id), {"families": by_family})
        found = result["families"]["buckets"]
        return {each["key"]: Stored(int(each["doc_count"]), int(each["bytes"]["value"] or 0)) for each in found}

    def versions_of(self, file_ids: Collection[str]) -> dict[str, int]:
        """Return the version of each of these files that is here."""
        if not file_ids:
            return {}
        searcher = self._index.searcher()
        found = searcher.search(files_among(file_ids), len(file_ids), count=False)
        hits = [self._hit(searcher.doc(address), 0.0, None) for _, address in found.hits]
        return {hit.file_id: hit.version for hit in hits}

    def _need_sizes(self) -> None:
        if not self._layout.has_sizes:
            raise EngineFailed("the index is being rebuilt, and has no sizes until then")

    def _hit(self, document: tantivy.Document, score: float, snippets: Snippets | None) -> Hit:
        file_id = str(document.get_first("file_id"))
        stored = document.get_first("excerpt")
        excerpt = None if snippets is None or stored is None else self._cipher.decrypt(bytes(stored), file_id)
        snippet = None if snippets is None or excerpt is None else snippets.of(excerpt.decode())
        return Hit(file_id, int(document.get_first("version") or 0), float(score), snippet)


def _score(position: int) -> float:
    """Score by position: Tantivy's own score reveals in how many files of all accounts a word occurs."""
    return 1.0 / (1 + position)
