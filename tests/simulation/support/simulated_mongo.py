"""Motor's client, databases and collections on a simulated server, as far as the simulated services use them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

from documents import Document, matches, new_document, updated, value_at
from network import DATABASE
from pymongo.errors import BulkWriteError, DuplicateKeyError
from simulated_server import Server, Session, Table

from docstore_platform.mongodb.client import DUPLICATE_KEY, Mongo, UpdateOne, conflict

BLOCKED_SECONDS = 0.01
"""Pause of a command that meets a document of a transaction."""


class SimulatedMongo(Mongo):
    """A client of the server. Its transactions are retried by the platform's own code."""

    def __init__(self, server: Server) -> None:
        self._server = server

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[Any]:
        yield Session(self._server)


class Database:
    """A service's database as one of its instances sees it: `name` is that instance's, so wake-ups stay within it."""

    def __init__(self, server: Server, service: str, name: str) -> None:
        self._server = server
        self._service = service
        self.name = name

    def __getitem__(self, collection: str) -> "Collection":
        return Collection(self._server, self._server.table(self._service, collection))


class Found:
    """A cursor."""

    def __init__(self, collection: "Collection", query: Document, session: Session | None) -> None:
        self._collection, self._query, self._session = collection, query, session
        self._order: list[tuple[str, int]] = []
        self._limit = 0

    def sort(self, order: str | list[tuple[str, int]], direction: int = 1) -> "Found":
        self._order = [(order, direction)] if isinstance(order, str) else order
        return self

    def limit(self, limit: int) -> "Found":
        self._limit = limit
        return self

    async def to_list(self, _: int | None = None) -> list[Document]:
        def read() -> list[Document]:
            rows = [row for _, row in self._collection.found(self._query, self._session)]
            for field, direction in reversed(self._order):
                rows.sort(key=lambda row: _sortable(row, field), reverse=direction < 0)
            return [dict(row) for row in (rows[: self._limit] if self._limit else rows)]

        return await self._collection.run(read)

    async def __aiter__(self) -> AsyncIterator[Document]:
        for row in await self.to_list():
            yield row


def _sortable(row: Document, field: str) -> Any:
    value = value_at(row, field)
    return (value is not None, value)


class Collection:
    """The part of Motor's collection that the simulated services use."""

    def __init__(self, server: Server, table: Table) -> None:
        self._server = server
        self._table = table

    def with_options(self, **_: object) -> "Collection":
        return self

    async def run(self, act: Callable[[], Any]) -> Any:
        """Run a command; one that meets a transaction's document without being in one waits for its end."""

        async def command() -> Any:
            while True:
                try:
                    return act()
                except BlockingIOError:
                    await asyncio.sleep(BLOCKED_SECONDS)

        return await self._server.network.call(DATABASE, command)

    def found(self, query: Document, session: Session | None) -> list[tuple[Any, Document]]:
        now = self._server.now()
        ids = self._table.candidates(query, now)
        if session is not None:
            ids = dict.fromkeys([*ids, *session.own(self._table)])
        read = self._table.rows.get if session is None else lambda id_: session.row(self._table, id_)
        rows = ((id_, read(id_)) for id_ in ids)
        return [(id_, row) for id_, row in rows if row is not None and matches(row, query, now)]

    def _put(self, id_: Any, row: Document | None, session: Session | None) -> None:
        if session is not None:
            session.write(self._table, id_, row)
            return
        self._server.version += 1
        self._table.put(id_, row, self._server.version)

    def _wait_for(self, ids: Iterable[Any], session: Session | None) -> None:
        for id_ in ids if session is None else ():
            holder = self._table.holders.get(id_)
            if holder is not None and not holder.is_expired:
                raise BlockingIOError

    def _update(self, query: Document, update: Any, session: Session | None, *, many: bool, upsert: bool) -> Any:
        found = self.found(query, session)[: None if many else 1]
        self._wait_for([id_ for id_, _ in found], session)
        now = self._server.now()
        for id_, row in found:
            self._put(id_, updated(row, update, now, is_new=False), session)
        new = None
        if not found and upsert:
            if query["_id"] in self._table.rows:
                raise DuplicateKeyError("exists", DUPLICATE_KEY)
            row = updated(new_document(query), update, now, is_new=True)
            new = row["_id"]
            self._put(new, row, session)
        return SimpleNamespace(matched_count=len(found), modified_count=len(found), upserted_id=new)

    def find(self, query: Document, projection: object = None, **options: Any) -> Found:
        found = Found(self, query, options.get("session"))
        return found.sort(options.get("sort", [])).limit(options.get("limit", 0))

    async def find_one(self, query: Document, *, session: Session | None = None) -> Document | None:
        rows = await self.find(query, session=session).to_list()
        return rows[0] if rows else None

    async def count_documents(self, query: Document) -> int:
        return len(await self.find(query).to_list())

    async def update_one(self, query: Document, update: Any, *, upsert: bool = False, session: Any = None) -> Any:
        return await self.run(lambda: self._update(query, update, session, many=False, upsert=upsert))

    async def update_many(self, query: Document, update: Any, *, session: Any = None) -> Any:
        return await self.run(lambda: self._update(query, update, session, many=True, upsert=False))

    async def find_one_and_update(self, query: Document, update: Any, *, upsert: bool, return_document: Any) -> Any:
        def act() -> Document:
            outcome = self._update(query, update, None, many=False, upsert=upsert)
            return dict(self._table.rows[outcome.upserted_id or query["_id"]])

        return await self.run(act)

    async def bulk_write(self, writes: Sequence[Any], *, ordered: bool, session: Any = None) -> Any:
        def act() -> Any:
            for each in writes if session is None else ():  # all or none: a command that waits begins again
                self._wait_for([id_ for id_, _ in self.found(each._filter, None)], None)
            matched = 0
            for each in writes:
                many = not isinstance(each, UpdateOne)
                outcome = self._update(each._filter, each._doc, session, many=many, upsert=bool(each._upsert))
                matched += outcome.matched_count
            return SimpleNamespace(matched_count=matched)

        return await self.run(act)

    async def insert_many(self, rows: Sequence[Document], *, ordered: bool = True, session: Any = None) -> None:
        def act() -> None:
            for row in rows:
                if session is not None and self._table.versions.get(row["_id"], 0) > session._version:
                    raise conflict("inserted since the transaction began")
                if row["_id"] in self._table.rows:
                    raise BulkWriteError({"writeErrors": [{"code": DUPLICATE_KEY}]})
                self._put(row["_id"], dict(row), session)

        await self.run(act)

    async def delete_one(self, query: Document, *, session: Any = None) -> Any:
        def act() -> Any:
            found = self.found(query, session)[:1]
            self._wait_for([id_ for id_, _ in found], session)
            for id_, _ in found:
                self._put(id_, None, session)
            return SimpleNamespace(deleted_count=len(found))

        return await self.run(act)
