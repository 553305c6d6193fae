"""What a MongoDB server keeps: committed documents, indexes, and transactions that conflict.

A transaction reads what is committed and what it has written. Writing a document that another transaction has written,
or that was changed since it began, is a conflict. A transaction whose client has died holds its documents until the
server ends it. A commit may be acknowledged to no one.
"""

import asyncio
from bisect import bisect_right, insort
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from documents import Document, chosen_by
from network import DATABASE, Network
from pymongo.errors import AutoReconnect
from virtual_time import BEGIN

from docstore_platform.mongodb.client import PyMongoError, conflict

BUCKETS = {"outbox": "state", "dead_letters": "state"}
"""Field by whose value a collection's documents are found."""
DUE = {"uploads": "next_check_at"}
"""Field of a queue: documents are found by the dates that have passed."""
TRANSACTION_LIFETIME_SECONDS = 60.0


class Table:
    """The committed documents of one collection."""

    def __init__(self, name: str, clock: Callable[[], float]) -> None:
        self.rows: dict[Any, Document] = {}
        self.versions: dict[Any, int] = {}
        self.holders: dict[Any, Session] = {}
        self.inserted_at: dict[Any, float] = {}
        """True time of the commit that inserted a document."""
        self._clock = clock
        self._bucket, self._due = BUCKETS.get(name), DUE.get(name)
        self._by_bucket: dict[Any, dict[Any, None]] = {}
        self._by_due: list[tuple[datetime, Any]] = []

    def put(self, id_: Any, row: Document | None, version: int) -> None:
        before = self.rows.pop(id_, None)
        for each, is_new in ((before, False), (row, True)):
            if each is not None:
                self._index(id_, each, is_new=is_new)
        if row is not None:
            self.rows[id_] = row
            self.inserted_at.setdefault(id_, self._clock())
        self.versions[id_] = version

    def _index(self, id_: Any, row: Document, *, is_new: bool) -> None:
        if self._bucket is not None:
            bucket = self._by_bucket.setdefault(row[self._bucket], {})
            if is_new:
                bucket[id_] = None
            else:
                del bucket[id_]
        due = row.get(self._due) if self._due is not None else None
        if due is not None and is_new:
            insort(self._by_due, (due, id_))
        elif due is not None:
            self._by_due.remove((due, id_))

    def candidates(self, query: Mapping[str, Any], now: datetime) -> Iterable[Any]:
        """Return the ids among which the documents of a filter are."""
        ids = chosen_by(query)
        if ids is not None:
            return ids
        if self._bucket is not None and isinstance(query.get(self._bucket), str):
            return list(self._by_bucket.get(query[self._bucket], {}))
        if self._due is not None and "$expr" in query:
            return [id_ for _, id_ in self._by_due[: bisect_right(self._by_due, now, key=lambda each: each[0])]]
        return list(self.rows)


class Session:
    """A transaction of one client."""

    def __init__(self, server: "Server") -> None:
        self._server = server
        self._written: dict[tuple[int, Any], tuple[Table, Any, Document | None]] = {}
        self._began_at = 0.0
        self._version = 0
        self.in_transaction = False
        self._is_committed = False
        self.delegate = SimpleNamespace(end_session=lambda: None)

    async def end_session(self) -> None: ...

    def start_transaction(self, *_: object) -> None:
        self.in_transaction, self._version, self._began_at = True, self._server.version, self._server.seconds()

    @property
    def is_expired(self) -> bool:
        return self._server.seconds() - self._began_at > TRANSACTION_LIFETIME_SECONDS

    def row(self, table: Table, id_: Any) -> Document | None:
        written = self._written.get((id(table), id_))
        return written[2] if written is not None else table.rows.get(id_)

    def own(self, table: Table) -> list[Any]:
        return [id_ for which, id_, _ in self._written.values() if which is table]

    def write(self, table: Table, id_: Any, row: Document | None) -> None:
        holder = table.holders.get(id_)
        if holder is not None and holder is not self and not holder.is_expired:
            raise conflict("held by another transaction")
        if table.versions.get(id_, 0) > self._version:
            raise conflict("changed since the transaction began")
        table.holders[id_] = self
        self._written[id(table), id_] = table, id_, row

    async def commit_transaction(self) -> None:
        await self._server.network.travel(DATABASE)
        if not self._is_committed:
            if self.is_expired:
                self._release()
                raise conflict("no such transaction")
            self._server.version += 1
            for table, id_, row in self._written.values():
                table.put(id_, row, self._server.version)
            self._release()
            self._is_committed = True
        try:
            await self._server.network.travel(DATABASE)
        except AutoReconnect as error:
            error._add_error_label("UnknownTransactionCommitResult")
            raise

    async def abort_transaction(self) -> None:
        with suppress(PyMongoError):
            await self._server.network.travel(DATABASE)
            self._release()

    def _release(self) -> None:
        self.in_transaction = False
        for table, id_, _ in self._written.values():
            if table.holders.get(id_) is self:
                del table.holders[id_]


class Server:
    """The replica set that all services share."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.version = 0
        self.tables: dict[tuple[str, str], Table] = {}

    def seconds(self) -> float:
        return asyncio.get_running_loop().time()

    def now(self) -> datetime:
        return datetime.fromtimestamp(BEGIN + self.seconds(), UTC)

    def table(self, service: str, name: str) -> Table:
        key = service, name
        if key not in self.tables:
            self.tables[key] = Table(name, self.seconds)
        return self.tables[key]
