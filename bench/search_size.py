"""What a search takes when the index holds many documents: `python -m bench search-size`.

Two OpenSearch nodes form a cluster. The index has one shard and one replica, the indexer's default, so each node holds
all of it. Another process rebuilds the index page by page, as the indexer does; the last documents are written here,
and the use case of search finds them all. A stand-in for metadata lets everyone read every file. Searches follow one
another. Finally the index is rebuilt once more while searches and writes go on.
"""

import asyncio
import os
import sys
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Collection, Coroutine, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count
from operator import eq
from random import Random
from typing import Any, cast

from bench.load import percentile
from bench.search_cluster import Cluster, two_nodes
from bench.search_documents import KINDS, Reader, document_of, searches
from docstore_contracts.metadata import MetadataClient
from docstore_indexer.engines.engine import SearchQuery
from docstore_indexer.engines.opensearch.client import OpenSearchClient
from docstore_indexer.engines.opensearch.engine import OpenSearchEngine
from docstore_indexer.indexing.text_repository import Accounts
from docstore_indexer.rebuild.worker import PAGE
from docstore_indexer.search.service import Search
from docstore_platform.domain.plans import AccountPlans
from docstore_platform.testing import eventually

SIZES = [int(size) for size in os.environ.get("BENCH_SEARCH_DOCUMENTS", "10000,100000,1000000").split(",")]
"""Documents in the index at each measurement, ascending."""
QUERIES = int(os.environ.get("BENCH_SEARCH_QUERIES", "300"))
"""Searches of each kind, by each kind of account."""
WARM_UP = int(os.environ.get("BENCH_SEARCH_WARM_UP", "600"))
"""Searches of each kind, by each kind of account, before the measured ones: Java compiles what they need meanwhile, and
the last of it after some thousands. The first ones take several times as long."""
COMPARED = 20
"""Searches of each kind whose hits are compared before and after the rebuild."""
WRITERS = 2
MEASURED = 10_000
"""Documents that are written to an index that serves; those before them come by a rebuild, which is faster."""
INDEX = "docstore-files-bench"
WRITER = "writing account"
WRITE_PAUSE_SECONDS, SEARCH_PAUSE_SECONDS = 0.2, 0.1
"""Between writes, and between searches, while the index is rebuilt: its writes shall get some of the processor."""
SETTLE_SECONDS = 1800.0
READERS: Sequence[Reader] = ("usual", "large")
Row = tuple[str, str]


async def measure_search_size() -> list[Row]:
    """Rows of (what, figure): bytes of a document, documents a second, and searches at each size and in a rebuild."""
    rows: list[Row] = []
    async with two_nodes() as cluster:
        index = Index(cluster)
        await index.engine.open()
        try:
            for size in SIZES:
                rows += await index.fill(size)
                rows += await index.measure(size)
            rows += await index.measure_rebuild(SIZES[-1])
        finally:
            await index.close()
    return rows


class Index:
    """The index in the cluster, as an instance of the indexer has it open."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._client = OpenSearchClient(cluster.url)
        self.engine = OpenSearchEngine(OpenSearchClient(cluster.url), INDEX)
        metadata, accounts = cast(MetadataClient, EveryFile()), cast(Accounts, PremiumAccounts())
        self._search = Search(self.engine, metadata, accounts, cast(AccountPlans, None))

    async def close(self) -> None:
        await self.engine.close()
        await self._client.close()

    async def fill(self, size: int) -> list[Row]:
        """Fill the index by a rebuild, and by writes for the last files, until both nodes have all."""
        rebuilt = max(0, size - MEASURED)
        rows = []
        if rebuilt:
            begin = self._clocks()
            await _ended(await _rebuild_apart(self._cluster.url, rebuilt))
            rows.append((f"a rebuild of {rebuilt:,} documents", self._pace(rebuilt, begin)))
        begin = self._clocks()
        await self._write_all(rebuilt, size)
        rows.append((f"{size - rebuilt:,} documents added to {rebuilt:,}", self._pace(size - rebuilt, begin)))
        await self._settled()
        return rows

    def _clocks(self) -> tuple[float, float]:
        """The seconds of the wall clock, and of the nodes' CPU time."""
        return time.perf_counter(), self._cluster.cpu_seconds()

    def _pace(self, documents: int, begin: tuple[float, float]) -> str:
        """How fast so many documents were written since these `_clocks`."""
        seconds, spent = (end - start for start, end in zip(begin, self._clocks(), strict=True))
        return f"{documents / seconds:,.0f} a second, CPU of each {1000 * spent / documents:.2f} ms{_load()}"

    async def _write_all(self, first: int, end: int) -> None:
        pages = iter(range(first, end, PAGE))
        async with asyncio.TaskGroup() as group:
            for _ in range(WRITERS):
                group.create_task(self._write(pages, end))

    async def _write(self, pages: Iterable[int], end: int) -> None:
        """Write pages and wait for each, as a worker of the indexer does."""
        for start in pages:
            await self.engine.upsert(map(document_of, range(start, min(start + PAGE, end))))
            await self.engine.flush()

    async def _settled(self) -> None:
        """Wait until both nodes have all documents, and segments are merged."""
        await eventually(self._is_settled, seconds=SETTLE_SECONDS)

    async def _is_settled(self) -> bool:
        health = await self._client.call("GET", f"/_cluster/health/{INDEX}")
        return health["status"] == "green" and not (await self._stats("merge"))["merges"]["current"]

    async def _stats(self, kind: str) -> Mapping[str, Any]:
        stats = await self._client.call("GET", f"/{INDEX}/_stats/{kind}")
        total: Mapping[str, Any] = stats["_all"]["total"]
        return total

    async def measure(self, size: int) -> list[Row]:
        """Run all kinds of searches, and weigh the index."""
        rows: list[Row] = []
        all_taken: list[float] = []
        first = await self._take(_of_all_kinds(size, WARM_UP))
        rows.append((f"the first {len(first):,} searches after {size:,} documents were added", _times(first)))
        for reader in READERS:
            for kind in KINDS:
                queries = list(searches(kind, reader, size, WARM_UP + QUERIES))[WARM_UP:]
                before = self._cluster.cpu_seconds()
                taken = await self._take(queries)
                spent = 1000 * (self._cluster.cpu_seconds() - before) / len(queries)
                what = f"a search among {size:,} documents, {reader} account, {kind}"
                rows.append((what, f"{_times(taken)}, CPU {spent:.1f} ms"))
                all_taken += taken
        rows.append((f"a search among {size:,} documents, all kinds", _times(all_taken) + _load()))
        rows.append((f"{size:,} documents, bytes of one in the index", await self._bytes()))
        return rows

    async def _take(self, queries: Iterable[SearchQuery]) -> list[float]:
        """Return the seconds of each search."""
        taken = []
        for query in queries:
            sent = time.perf_counter()
            await self._search.search(query)
            taken.append(time.perf_counter() - sent)
        return taken

    async def _bytes(self) -> str:
        await self._client.call("POST", f"/{INDEX}/_flush")
        total = await self._stats("store,docs,segments")
        each = total["store"]["size_in_bytes"] / total["docs"]["count"]
        memory = ", ".join(f"{resident / 1e6:.0f}" for resident in self._cluster.resident().values())
        return f"{each:,.0f} in each copy, {total['segments']['count']} segments; nodes resident {memory} MB"

    async def measure_rebuild(self, size: int) -> list[Row]:
        """Rebuild the index by another process while searches and writes go on here."""
        compared = _of_all_kinds(size, COMPARED)
        before = [await self._found(query) for query in compared]
        taken: list[float] = []
        begin = self._clocks()
        rebuild = await _rebuild_apart(self._cluster.url, size)
        async with self._searching(size, taken), self._writing(size) as written:
            await _ended(rebuild)
        pace = self._pace(size, begin)
        await self._settled()
        after = [await self._found(query) for query in compared]
        same = sum(map(eq, before, after))
        kept = (await self._found(SearchQuery(WRITER)))[0]
        return [
            (f"a search during a rebuild of {size:,} documents", f"{_times(taken)} ({len(taken):,} searches){_load()}"),
            (f"a rebuild of {size:,} documents beside searches", pace),
            ("searches with the same hits before and after the rebuild", f"{same} of {len(compared)}"),
            ("files written during the rebuild and found after it", f"{kept} of {len(written)}"),
        ]

    async def _found(self, query: SearchQuery) -> tuple[int, list[str]]:
        """Return how many hits there are, and the latest of them: an order that does not depend on other documents."""
        found = await self.engine.search(replace(query, sort="modified", limit=100))
        return found.total, [hit.file_id for hit in found.hits]

    @asynccontextmanager
    async def _searching(self, size: int, taken: list[float]) -> AsyncIterator[None]:
        """Search for all kinds of things in turns while the block runs."""
        queries = _of_all_kinds(size, QUERIES)

        async def search() -> None:
            for number in count():
                taken.extend(await self._take([queries[number % len(queries)]]))
                await asyncio.sleep(SEARCH_PAUSE_SECONDS)

        async with _running(search()):
            yield

    @asynccontextmanager
    async def _writing(self, size: int) -> AsyncIterator[list[str]]:
        """Write a new file of one account again and again while the block runs; yield their ids."""
        written: list[str] = []

        async def write() -> None:
            for number in count(size):
                document = replace(document_of(number), owner_id=WRITER, readers=(WRITER,))
                await self.engine.upsert([document])
                written.append(document.file_id)
                await asyncio.sleep(WRITE_PAUSE_SECONDS)

        async with _running(write()):
            yield written
        await self.engine.flush()


class EveryFile:
    """Metadata that lets everyone read every file."""

    async def lookup_files(self, account_id: str, file_ids: Sequence[str], *, folder_id: str = "") -> dict[str, Any]:
        return {file_id: {"id": file_id, "version": 1} for file_id in file_ids}


class PremiumAccounts:
    """Accounts that may all search texts."""

    async def plans(self, account_ids: Collection[str]) -> dict[str, tuple[str, int]]:
        return dict.fromkeys(account_ids, ("premium", 1))


def _of_all_kinds(size: int, each: int) -> list[SearchQuery]:
    """Return so many searches of each kind by each kind of account, in random order."""
    queries = [query for reader in READERS for kind in KINDS for query in searches(kind, reader, size, each)]
    Random(0).shuffle(queries)
    return queries


@asynccontextmanager
async def _running(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run endless work while the block runs; raise its error, if it failed."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
    if not task.cancelled():
        task.result()


async def _rebuild_apart(url: str, files: int) -> Process:
    """Rebuild by a process of its own, so that making documents delays no search here; returns once it has begun."""
    arguments = ("-m", "bench.search_rebuild", url, INDEX, str(files))
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=asyncio.subprocess.PIPE)
    await cast(asyncio.StreamReader, process.stdout).readline()
    return process


async def _ended(process: Process) -> None:
    if status := await process.wait():
        raise RuntimeError(f"the rebuild ended with status {status}")


def _times(taken: list[float]) -> str:
    ordered = sorted(taken)
    p50, p99 = (1000 * percentile(ordered, percent) for percent in (50, 99))
    return f"p50 {p50:.1f} ms, p99 {p99:.1f} ms"


def _load() -> str:
    """The machine's load in the last minute: other work delays all that is measured."""
    return f" (load {os.getloadavg()[0]:.0f})"
