"""What requests cost when the database holds the nodes of many other accounts: `python -m bench metadata-size`.

The other accounts' documents are written straight to the database, a thousand files each with their versions and
journal entries. Requests come from a few accounts of that size too, so what grows is only what others store. The cache
of the embedded mongod is small (`--wiredTigerCacheSizeGB`), so that indexes stop fitting into it early.
"""

import os
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from statistics import median

from bench.accounts import new_account
from bench.growth import COPIED, Side, copy_file, insert_all, without_indexes
from bench.growth import OPERATIONS as OF_GROWTH
from bench.single import upload
from bench.stack import Stack, at_rest, cpu_seconds, idle_cpu
from docstore_metadata.changes.journal_writer_repository import entry_id
from docstore_metadata.versions.documents import version_id
from docstore_platform.ids import new_id
from docstore_platform.mongodb.client import Database, Document, Mongo

SIZES = [int(size) for size in os.environ.get("BENCH_METADATA_NODES", "1000,100000,1000000").split(",")]
"""Nodes in the database at each measurement, ascending."""
ACCOUNTS, FILES = 8, 1_000
"""Accounts that send requests, and the files of each account, also of those that send none."""
TURNS = 16
IDLE_SECONDS = 5
OPERATIONS = {
    name: OF_GROWTH[name] for name in ("a page of 100 by name", "an upload", "a rename", "a page of 100 changes")
}


async def measure_metadata_size(stack: Stack) -> list[tuple[str, str]]:
    """Rows of (what, figure): p50 and CPU time of requests, and the bytes of a node, at each size."""
    rows = []
    mongo = Mongo(stack.mongo_url, app_name="bench")
    try:
        database = mongo.database("docstore_metadata")
        async with AsyncExitStack() as clients:
            sides = [await _account(stack, clients, database) for _ in range(ACCOUNTS)]
            pattern = await _pattern(database, sides[0].api.account["id"])
            for size in SIZES:
                begin = time.perf_counter()
                async with without_indexes(database):
                    added = await _fill(database, pattern, size)
                if added:
                    rows.append((f"{added:,} nodes added", f"{time.perf_counter() - begin:.0f} s"))
                await at_rest(stack)
                for name, operation in OPERATIONS.items():
                    rows.append((f"{size:,} nodes, {name}", await _measure(stack, sides, operation)))
                rows.append((f"{size:,} nodes, bytes of one", await _sizes(database)))
    finally:
        mongo.close()
    return rows


async def _account(stack: Stack, clients: AsyncExitStack, database: Database) -> Side:
    api = await clients.enter_async_context(new_account(stack.gateway))
    file, _ = await upload(api, "/many/template.txt")
    await copy_file(database, file, FILES)
    return Side(stack, FILES, api, api, [], file["parent_id"], file["id"])


async def _pattern(database: Database, account: str) -> dict[str, list[Document]]:
    """The documents of an account's copied files."""
    copies: Document = {"_id": {"$regex": "-"}, "owner": account}
    nodes = await database["nodes"].find(copies).sort("_id").to_list(FILES)
    versions = await database["versions"].find(copies).sort("_id").to_list(FILES)
    journal = await database["journal"].find({"_id": {"$regex": f"^{account}"}}).sort("_id", -1).to_list(FILES)
    return {"nodes": nodes, "versions": versions, "journal": journal}


async def _fill(database: Database, pattern: dict[str, list[Document]], size: int) -> int:
    """Add accounts like this one until there are so many nodes; return how many nodes were added."""
    before = await database["nodes"].estimated_document_count()
    added = 0
    while before + added < size:
        owner, folder, ids = new_id(), new_id(), [new_id() for _ in range(FILES)]
        own = {
            "nodes": [{"_id": id_, "owner": owner, "parent": folder} for id_ in ids],
            "versions": [{"_id": version_id(id_, 1), "owner": owner, "node": id_} for id_ in ids],
            "journal": [{"_id": entry_id(owner, 1 + number)} for number in range(FILES)],
        }
        for name, documents in own.items():
            rows = ({**like, **document} for like, document in zip(pattern[name], documents, strict=True))
            await insert_all(database[name], rows)
        added += FILES
    return added


async def _measure(stack: Stack, sides: list[Side], operation: Callable[[Side, int], Awaitable[None]]) -> str:
    for side in sides:
        await side.api.refresh()
        await operation(side, 0)
    await at_rest(stack)
    idle = await idle_cpu(stack, IDLE_SECONDS)
    begin, before = time.perf_counter(), cpu_seconds(stack)
    taken = []
    for turn in range(1, TURNS + 1):
        for side in sides:
            sent = time.perf_counter()
            await operation(side, turn)
            taken.append(time.perf_counter() - sent)
    await at_rest(stack)
    after, watched = cpu_seconds(stack), time.perf_counter() - begin
    spent = {name: 1000 * (after[name] - before[name] - idle[name] * watched) / len(taken) for name in after}
    parts = ", ".join(f"{name} {each:.1f}" for name, each in spent.items() if each >= 0.05)
    return f"p50 {1000 * median(taken):.1f} ms, CPU {sum(spent.values()):.1f} ms ({parts})"


async def _sizes(database: Database) -> str:
    parts = []
    for name in COPIED:
        stats = await database.command("collStats", name)
        count = stats["count"]
        parts.append(
            f"{name} {stats['size'] / count:.0f} (on disk {stats['storageSize'] / count:.0f}, "
            f"indexes {stats['totalIndexSize'] / count:.0f})"
        )
    return "; ".join(parts)
