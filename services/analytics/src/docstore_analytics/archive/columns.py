"""Tables of the archive, and the packing of pending rows. The columns are a public contract: columns may be added,
never changed. Standard library only, so that child processes start fast.
"""

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Table:
    """A table: Parquet files by day below `archive/<name>`; `columns` are names and SQL types."""

    name: str
    columns: Mapping[str, str]
    waiting: str
    """Collection of rows that wait for a file; `files` lists the files."""
    files: str

    @property
    def prefix(self) -> str:
        return f"archive/{self.name}"


EVENTS = Table(
    "events",
    {
        "id": "VARCHAR",
        "type": "VARCHAR",
        "source": "VARCHAR",
        "time": "TIMESTAMP",
        "subject": "VARCHAR",
        "revision": "BIGINT",
        "account_id": "VARCHAR",
        "actor_id": "VARCHAR",
        "file_id": "VARCHAR",
        "bytes": "BIGINT",
        "data": "VARCHAR",
    },
    waiting="archive_chunks",
    files="archive_segments",
)
"""`account_id` is the owner, `actor_id` the acting account, `data` the whole event as JSON."""
ACCESSES = Table(
    "accesses",
    {
        "id": "VARCHAR",
        "log": "VARCHAR",
        "time": "TIMESTAMP",
        "bucket": "VARCHAR",
        "key": "VARCHAR",
        "kind": "VARCHAR",
        "account_id": "VARCHAR",
        "operation": "VARCHAR",
        "status": "BIGINT",
        "bytes": "BIGINT",
        "object_bytes": "BIGINT",
        "client": "VARCHAR",
        "request_id": "VARCHAR",
        "user_agent": "VARCHAR",
        "requester": "VARCHAR",
        "by_url": "BOOLEAN",
    },
    waiting="access_chunks",
    files="access_segments",
)
"""Requests that reached the object store or the edge. `account_id` owns the object, `bytes` were sent, `by_url`: with a
signed URL or form, so by a client. What a log does not contain is NULL."""
TABLES: Mapping[str, Table] = {table.name: table for table in (EVENTS, ACCESSES)}


def pack(lines: Iterable[bytes]) -> bytes:
    """Compress pending lines: fast, to a quarter of their size."""
    return zlib.compress(b"\n".join(lines), 1)


def unpack(packed: bytes) -> bytes:
    """Return the lines, each with a newline at its end."""
    return zlib.decompress(packed) + b"\n"
