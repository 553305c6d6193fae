"""What MongoDB reads for a query, as its profiler counts it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from docstore_platform.mongodb.client import Database

PROFILE = "system.profile"


@dataclass
class Reads:
    """Counts of each query, in the order of the queries."""

    documents: list[int]
    keys: list[int]


@asynccontextmanager
async def reads_of(database: Database, collection: str, **only: str) -> AsyncIterator[Reads]:
    """Count what queries of a collection read inside; `only`: further fields of their profile."""
    reads = Reads([], [])
    await database.command("profile", 2)
    try:
        yield reads
    finally:
        await database.command("profile", 0)
        queries = {"ns": f"{database.name}.{collection}", "command.find": collection, **only}
        rows = await database[PROFILE].find(queries).sort("ts", 1).to_list(None)
        await database[PROFILE].drop()
    reads.documents += [row["docsExamined"] for row in rows]
    reads.keys += [row["keysExamined"] for row in rows]
