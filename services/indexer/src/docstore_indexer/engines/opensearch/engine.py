"""Search engine in an OpenSearch cluster shared by all instances of the indexer, with aliases for rebuilds.

    <name>                alias of the serving index: searches and writes go to it
    <name>-next           alias of the index of a rebuild: while it exists, writes go to it too
    <name>--<id>          the indexes themselves

The target of a write is looked up for every batch, so an instance follows the rebuilds of others.
"""

import asyncio
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import orjson
import structlog

from docstore_indexer.engines.engine import (
    EngineFailed,
    Family,
    IndexedDocument,
    Opened,
    SearchHits,
    SearchQuery,
    Stored,
)
from docstore_indexer.engines.opensearch import query as queries
from docstore_indexer.engines.opensearch.client import OpenSearchClient, Refused
from docstore_indexer.engines.opensearch.schema import SCHEMA_VERSION, index_body, meta, to_document, version_of
from docstore_indexer.engines.write_batches import WriteBatch, WriteBatches
from docstore_platform.ids import new_id

log = structlog.get_logger(__name__)
BULK_BYTES = 8_000_000
BATCH_CHARS = 8_000_000
"""Text that may be pending; beyond that, writers wait."""
SEARCH_TRIES = 5
SEARCH_PAUSE_SECONDS = 0.05
_NOT_FOUND = 404
_CONFLICT = 409


@dataclass(frozen=True, slots=True)
class Layout:
    """How to create an index."""

    shards: int = 1
    replicas: int = 1
    refresh_ms: int = 50


@dataclass(frozen=True, slots=True)
class Change:
    """A document (None: its removal) in JSON, and the number that orders two writes."""

    version: int
    document: bytes | None


@dataclass(frozen=True, slots=True)
class Indexes:
    """The cluster's indexes of this name."""

    serving: str | None
    next: str | None
    others: tuple[str, ...]


class OpenSearchEngine:
    """`SearchEngine` in a cluster. Several processes may have it open."""

    def __init__(
        self,
        client: OpenSearchClient,
        name: str,
        layout: Layout = Layout(),
        *,
        commit_ms: int = 50,
    ) -> None:
        """`name`: prefix of indexes and aliases. Batches of writes are at least `commit_ms` apart."""
        self._client = client
        self._name = name
        self._layout = layout
        self._making: str | None = None
        self._batches: WriteBatches[Change] = WriteBatches(
            self._apply, _rest, pause_seconds=commit_ms / 1000, idle_seconds=3600.0, batch_chars=BATCH_CHARS
        )

    @property
    def _next(self) -> str:
        return f"{self._name}-next"

    async def open(self) -> Opened:
        indexes = await self._indexes()
        new = indexes.serving is None
        if indexes.serving is None:
            # One name for all instances that start at this moment: the second finds the index.
            serving = f"{self._name}--first"
            with suppress(AlreadyThere):
                await self._create(serving, self._name)
        else:
            serving = indexes.serving
        self._batches.start()
        found = (await self._client.call("GET", f"/{serving}/_mapping"))[serving]["mappings"].get("_meta", {})
        if found.get("schema") != SCHEMA_VERSION:
            return Opened(True, "outdated")
        complete = bool(found.get("complete"))
        return Opened(not complete, "complete" if complete else "new" if new else "unfinished")

    async def close(self) -> None:
        try:
            await self.flush()
        finally:
            self._batches.stop()
            try:
                await self.abandon_rebuild()
            finally:
                await self._client.close()

    async def upsert(self, documents: Iterable[IndexedDocument]) -> None:
        for document in documents:
            await self._batches.accept(document.file_id, _change(document), len(document.text or ""))

    async def delete(self, changes: Mapping[str, int]) -> None:
        for file_id, change in changes.items():
            await self._batches.accept(file_id, Change(version_of(change, with_text=True), None), 0)

    async def flush(self) -> None:
        await self._batches.flush()

    async def search(self, query: SearchQuery) -> SearchHits:
        response = await self._search(queries.request_of(query), query.reader)
        variants = queries.variants_request(response, query)
        if variants is not None:
            queries.add_variants(response, await self._search(variants, query.reader))
        return queries.hits_of(response, query)

    async def stored_by(self, owner_id: str) -> dict[Family, Stored]:
        return queries.stored_of(await self._search(queries.stored_request(owner_id), owner_id))

    async def versions_of(self, file_ids: Collection[str]) -> dict[str, int]:
        if not file_ids:
            return {}
        return queries.versions_in(await self._search(queries.versions_request(file_ids), ""))

    async def _search(self, body: dict[str, Any], reader: str) -> dict[str, Any]:
        # The same replicas for all pages of a reader: only there the ranks are equal.
        parameters = urlencode({"preference": f"reader {reader}", "allow_partial_search_results": "false"})
        for last in (*(False,) * (SEARCH_TRIES - 1), True):
            try:
                return await self._client.call("POST", f"/{self._name}/_search?{parameters}", body)
            except Refused as error:
                # The index that served when the search began may be deleted by now.
                if last or not (error.status == _NOT_FOUND or error.status >= 500):
                    raise
            await asyncio.sleep(SEARCH_PAUSE_SECONDS)
        raise AssertionError

    async def begin_rebuild(self) -> None:
        await self.flush()
        async with self._batches.exclusive:
            await self._drop_new()
            indexes = await self._indexes()
            await self._remove([*indexes.others, *([indexes.next] if indexes.next else [])])
            made = f"{self._name}--{new_id()}"
            await self._create(made, self._next)
            self._making = made

    async def add_to_rebuild(self, documents: Iterable[IndexedDocument]) -> None:
        for document in documents:
            if self._making is None:
                raise EngineFailed("no rebuild is under way")
            await self._batches.accept_backlog(document.file_id, _change(document), len(document.text or ""))

    async def finish_rebuild(self) -> None:
        await self.flush()
        async with self._batches.exclusive:
            made, indexes = self._making, await self._indexes()
            if made is None or indexes.next != made:
                raise EngineFailed("no rebuild is under way, or another instance has begun one")
            await self._client.call("POST", f"/{made}/_refresh")
            await self._client.call("PUT", f"/{made}/_mapping", {"_meta": meta(complete=True)})
            await self._switch(made, indexes.serving)
            self._making = None
            await self._remove([*indexes.others, *([indexes.serving] if indexes.serving else [])])

    async def _switch(self, made: str, serving: str | None) -> None:
        """Switch in one step of the cluster. Refused if another instance has deleted or replaced the new index."""
        actions: list[dict[str, Any]] = [
            {"remove": {"index": made, "alias": self._next, "must_exist": True}},
            {"add": {"index": made, "alias": self._name}},
        ]
        if serving is not None:
            actions.append({"remove": {"index": serving, "alias": self._name}})
        await self._client.call("POST", "/_aliases", {"actions": actions})

    async def abandon_rebuild(self) -> None:
        async with self._batches.exclusive:
            await self._drop_new()

    async def _drop_new(self) -> None:
        """Delete only this instance's own index: another instance may have taken over the rebuild."""
        made, self._making = self._making, None
        if made is not None:
            await self._remove([made])

    async def _indexes(self) -> Indexes:
        path = f"/{self._name}--*/_alias?expand_wildcards=all"
        aliases = {index: result["aliases"] for index, result in (await self._client.call("GET", path)).items()}
        serving = sorted(index for index, names in aliases.items() if self._name in names)
        if len(serving) > 1:
            raise EngineFailed(f"several indexes have the alias {self._name}: {', '.join(serving)}")
        made = [index for index, names in aliases.items() if self._next in names]
        others = tuple(index for index in aliases if index not in (*serving, *made))
        return Indexes(serving[0] if serving else None, made[0] if made else None, others)

    async def _create(self, index: str, alias: str) -> None:
        layout = self._layout
        body = index_body(alias, shards=layout.shards, replicas=layout.replicas, refresh_ms=layout.refresh_ms)
        try:
            await self._client.call("PUT", f"/{index}", body)
        except Refused as error:
            if error.kind == "resource_already_exists_exception":
                raise AlreadyThere(index) from error
            raise

    async def _remove(self, indexes: Iterable[str]) -> None:
        for index in indexes:
            await self._client.call("DELETE", f"/{index}", but={_NOT_FOUND})

    async def _apply(self, batch: WriteBatch[Change]) -> None:
        try:
            await self._apply_to(await self._indexes(), batch)
        except IndexGone:  # a rebuild has just ended
            await self._apply_to(await self._indexes(), batch)

    async def _apply_to(self, indexes: Indexes, batch: WriteBatch[Change]) -> None:
        """Apply to the new index first: if it starts to serve in between, it already has the write."""
        if indexes.serving is None:
            raise EngineFailed(f"no index has the alias {self._name}: restart the indexer to rebuild it")
        if indexes.next is not None:
            live = _lines(indexes.next, batch.live, "external_gte")
            await self._write([*live, *_lines(indexes.next, batch.backlog, "external")], wait_until_found=False)
        await self._write(_lines(indexes.serving, batch.live, "external_gte"), wait_until_found=True)

    async def _write(self, items: Iterable[list[bytes]], *, wait_until_found: bool) -> None:
        for lines in _portions(items):
            response = await self._client.bulk(lines, wait_until_found=wait_until_found)
            if response.get("errors"):
                _check(response["items"])


class AlreadyThere(EngineFailed):
    """Another instance has created the index."""


class IndexGone(EngineFailed):
    """The index of a write no longer exists."""


async def _rest() -> None:
    """Nothing to release."""


def _change(document: IndexedDocument) -> Change:
    version = version_of(document.change, with_text=document.text is not None)
    return Change(version, orjson.dumps(to_document(document)))


def _lines(index: str, changes: Mapping[str, Change], rule: str) -> Iterator[list[bytes]]:
    """Lines for the bulk API. `rule`: whether a document needs at least the stored version or a higher one."""
    for file_id, change in changes.items():
        action = "index" if change.document is not None else "delete"
        head = {action: {"_index": index, "_id": file_id, "version": change.version, "version_type": rule}}
        yield [orjson.dumps(head), *([change.document] if change.document is not None else [])]


def _portions(items: Iterable[list[bytes]]) -> Iterator[list[bytes]]:
    """Split into requests of a size that a cluster accepts."""
    portion: list[bytes] = []
    size = 0
    for lines in items:
        portion += lines
        size += sum(map(len, lines))
        if size >= BULK_BYTES:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion


def _check(items: Iterable[dict[str, Any]]) -> None:
    """Ignore conflicts, which mean that something newer is stored. Raises EngineFailed for other errors."""
    for item in items:
        (result,) = item.values()
        error = result.get("error")
        if error and result["status"] != _CONFLICT:
            failure = IndexGone if error.get("type") == "index_not_found_exception" else EngineFailed
            raise failure(f"{result.get('_id')}: {error.get('type')}: {error.get('reason')}"[:1000])
