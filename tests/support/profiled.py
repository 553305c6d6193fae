"""What MongoDB does inside a block, as its profiler tells."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from docstore_platform.mongodb.client import Database, Document

PROFILE = "system.profile"


@asynccontextmanager
async def profiled(database: Database, which: Document) -> AsyncIterator[list[Document]]:
    """The profiler's documents of what `which` matches, once the block has ended."""
    rows: list[Document] = []
    await database.command("profile", 2)
    try:
        yield rows
    finally:
        await database.command("profile", 0)
        rows += await database[PROFILE].find(which).sort("ts", 1).to_list(None)
        await database[PROFILE].drop()


@dataclass
class Reads:
    """Counts of each query, in the order of the queries."""

    documents: list[int]
    keys: list[int]


@asynccontextmanager
async def reads_of(database: Database, collection: str, **only: str) -> AsyncIterator[Reads]:
    """Count what queries of a collection read inside; `only`: further fields of their profile."""
    reads = Reads([], [])
    async with profiled(database, {"ns": f"{database.name}.{collection}", "command.find": collection, **only}) as rows:
        yield reads
    reads.documents += [row["docsExamined"] for row in rows]
    reads.keys += [row["keysExamined"] for row in rows]


@asynccontextmanager
async def deletions_of(database: Database, collection: str) -> AsyncIterator[list[int]]:
    """Count the documents of a collection that each command inside deletes."""
    deleted: list[int] = []
    async with profiled(database, {"ns": f"{database.name}.{collection}", "op": "remove"}) as rows:
        yield deleted
    deleted += [row["ndeleted"] for row in rows]
