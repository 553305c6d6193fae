"""Replays the archived oplog on restored databases, up to a moment."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from docstore_platform.mongodb.client import CollectionInvalid, Document, Mongo, Timestamp, encode_document
from docstore_standalone.backup.database.oplog import Span, Transactions, first_after
from docstore_standalone.backup.database.restore import read_batch
from docstore_standalone.backup.manifest import BackupRefused, Part
from docstore_standalone.backup.places.files import check_part, unpacked
from docstore_standalone.backup.places.target import Target

BATCH_OPS, BATCH_BYTES = 500, 4 << 20
INDEX_COMMANDS = (
    "createIndexes",
    "startIndexBuild",
    "commitIndexBuild",
    "abortIndexBuild",
    "dropIndexes",
    "deleteIndexes",
    "collMod",
    "dropDatabase",
)
"""Left out: services create their indexes when they start. `dropDatabase` follows the drops of its collections."""


@dataclass(frozen=True, slots=True)
class ArchivedOplog:
    """The files with every entry after `since` up to `until`."""

    target: Target
    spans: Sequence[Span]
    since: Timestamp
    until: datetime

    def entries(self) -> Iterator[list[Mapping[str, Any]]]:
        """Iterate over entries by file and in batches. BackupDamaged unless every byte is as written."""
        for span in self.spans:
            path: Path = self.target.log(span.name)
            part = Part(path=path.name, size=path.stat().st_size, sha256=span.sha256)
            check_part(path.parent, part)
            with unpacked(path.parent, part) as file:
                while batch := read_batch(file):
                    yield batch  # type: ignore[misc]


async def replay(mongo: Mongo, prefix: str, oplog: ArchivedOplog) -> int:
    """Apply what took effect after `since`, each entry once and in order; return how many operations."""
    transactions, reached, end = Transactions(), Timestamp(0, 0), first_after(oplog.until)
    databases, applied = _Databases(mongo, prefix), 0
    batches = oplog.entries()
    while batch := await asyncio.to_thread(next, batches, None):
        for entry in batch:
            if not reached < entry["ts"] < end:  # files may overlap
                continue
            reached = entry["ts"]
            ops = transactions.add(entry)
            if reached <= oplog.since:
                continue
            if ops is None and not entry.get("more"):
                raise BackupRefused("a transaction began before the archived oplog: choose a later backup")
            for op in ops or ():
                await databases.apply(op)
                applied += 1
    await databases.flush()
    return applied


class _Databases:
    """Applies operations, documents in batches."""

    def __init__(self, mongo: Mongo, prefix: str) -> None:
        self._mongo, self._prefix = mongo, prefix
        self._ops: list[Document] = []
        self._size = 0

    async def apply(self, op: Mapping[str, Any]) -> None:
        if op["op"] == "c":
            await self.flush()
            await self._command(f"{self._prefix}{op['ns']}", op["o"])
            return
        wanted = {**op, "ns": f"{self._prefix}{op['ns']}"}
        self._ops.append(wanted)
        self._size += len(encode_document(wanted))
        if len(self._ops) >= BATCH_OPS or self._size >= BATCH_BYTES:
            await self.flush()

    async def flush(self) -> None:
        if self._ops:
            await self._mongo.database("admin").command({"applyOps": self._ops})
        self._ops, self._size = [], 0

    async def _command(self, database: str, command: Mapping[str, Any]) -> None:
        name, *options = command
        collection = command[name]
        if name == "create":
            try:
                kept = {each: command[each] for each in options if each not in ("idIndex", "uuid")}
                await self._mongo.database(database).create_collection(collection, **kept)
            except CollectionInvalid:
                return  # of a name that was dropped and created again
        elif name == "drop":
            await self._mongo.database(database).drop_collection(collection)
        elif name not in INDEX_COMMANDS:
            raise BackupRefused(f"the archived oplog contains the command {name}, which can't be replayed")
