"""Search engine in an OpenSearch cluster shared by all instances of the indexer, with aliases for rebuilds.

    <name>                alias of the serving index: searches and writes go to it
    <name>-next           alias of the index of a rebuild: while it exists, writes go to it too
    <name>--<id>          the indexes themselves

The target of a write is looked up for every batch, so an instance follows the rebuilds of others.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

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
from docstore_indexer.engines.opensearch.bulk import Change, IndexGone, change_of, check, lines_of, portions
from docstore_indexer.engines.opensearch.client import OpenSearchClient, Refused
from docstore_indexer.engines.opensearch.schema import (
    SCHEMA_VERSION,
    Layout,
    index_body,
    meta,
    version_of,
)
from docstore_indexer.engines.write_batches import WriteBatch, WriteBatches
from docstore_platform.ids import new_id

log = structlog.get_logger(__name__)
BATCH_CHARS = 8_000_000
"""Text that may be pending; beyond that, writers wait."""
SEARCH_TRIES = 5
SEARCH_PAUSE_SECONDS = 0.05
REBUILD_REFRESH_MS = 30_000
COPY_LOOKS, COPY_PAUSE_SECONDS = 30, 1.0
NODE_LOOKS = 5
"""A new copy is given a node within this many looks; in a cluster of one it never is."""
_NOT_FOUND = 404


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
                await self._create(serving, self._name, self._layout)
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
            await self._batches.accept(document.file_id, change_of(document), len(document.text or ""))

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
        async with self._batches.exclusive:
            await self._drop_new()
            indexes = await self._indexes()
            await self._remove([*indexes.others, *([indexes.next] if indexes.next else [])])
        await self.flush()  # after the removal: an index that lost its only copy takes no writes
        async with self._batches.exclusive:
            made = f"{self._name}--{new_id()}"
            # Every copy would analyze all texts again; afterwards it copies the finished files.
            await self._create(made, self._next, replace(self._layout, replicas=0, refresh_ms=REBUILD_REFRESH_MS))
            self._making = made

    async def add_to_rebuild(self, documents: Iterable[IndexedDocument]) -> None:
        for document in documents:
            self._made()
            await self._batches.accept_backlog(document.file_id, change_of(document), len(document.text or ""))

    async def finish_rebuild(self) -> bool:
        await self.flush()
        if not await self._copied():
            return False
        async with self._batches.exclusive:
            made, indexes = self._making, await self._indexes()
            if made is None or indexes.next != made:
                raise EngineFailed("no rebuild is under way, or another instance has begun one")
            await self._client.call("POST", f"/{made}/_refresh")
            await self._client.call("PUT", f"/{made}/_mapping", {"_meta": meta(complete=True)})
            await self._switch(made, indexes.serving)
            self._making = None
            await self._remove([*indexes.others, *([indexes.serving] if indexes.serving else [])])
        return True

    async def _copied(self) -> bool:
        """Give the new index its copies, and wait for them a while; return whether they are complete."""
        made = self._made()
        await self._client.call("POST", f"/{made}/_flush")  # a copy analyzes again what is only in the log
        await self._client.call("PUT", f"/{made}/_settings", {"index": self._layout.changeable()})
        for look in range(COPY_LOOKS):
            # Copies that have no node are not listed.
            shards = (await self._client.call("GET", f"/{made}/_search_shards"))["shards"]
            begun = look >= NODE_LOOKS or all(len(copies) > self._layout.replicas for copies in shards)
            if begun and all(copy["state"] != "INITIALIZING" for copies in shards for copy in copies):
                return True
            await asyncio.sleep(COPY_PAUSE_SECONDS)
        return False

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

    def _made(self) -> str:
        if self._making is None:
            raise EngineFailed("no rebuild is under way")
        return self._making

    async def _create(self, index: str, alias: str, layout: Layout) -> None:
        try:
            await self._client.call("PUT", f"/{index}", index_body(alias, layout))
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
            live = lines_of(indexes.next, batch.live, "external_gte")
            await self._write([*live, *lines_of(indexes.next, batch.backlog, "external")], wait_until_found=False)
        await self._write(lines_of(indexes.serving, batch.live, "external_gte"), wait_until_found=True)

    async def _write(self, items: Iterable[list[bytes]], *, wait_until_found: bool) -> None:
        for lines in portions(items):
            response = await self._client.bulk(lines, wait_until_found=wait_until_found)
            if response.get("errors"):
                check(response["items"])


class AlreadyThere(EngineFailed):
    """Another instance has created the index."""


async def _rest() -> None:
    """Nothing to release."""
