"""MongoDB. The only module that imports the driver."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from typing import Any, TypeVar, cast

import structlog
from bson import encode as encode_document
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from bson.timestamp import Timestamp
from motor.motor_asyncio import (
    AsyncIOMotorClient,
    AsyncIOMotorClientSession,
    AsyncIOMotorCollection,
    AsyncIOMotorDatabase,
)
from pymongo import (
    ASCENDING,
    DESCENDING,
    DeleteOne,
    IndexModel,
    InsertOne,
    ReadPreference,
    ReplaceOne,
    ReturnDocument,
    UpdateMany,
    UpdateOne,
)
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    CollectionInvalid,
    ConfigurationError,
    ConnectionFailure,
    DuplicateKeyError,
    OperationFailure,
    PyMongoError,
)
from pymongo.read_concern import ReadConcern
from pymongo.topology_description import TOPOLOGY_TYPE, TopologyDescription
from pymongo.write_concern import WriteConcern

from docstore_platform.mongodb.version import check_server_version
from docstore_platform.telemetry.mongo_spans import MongoSpans
from docstore_platform.telemetry.tracing import is_tracing

__all__ = [
    "ASCENDING",
    "DESCENDING",
    "MAJORITY_READS",
    "BulkWriteError",
    "Collection",
    "CollectionInvalid",
    "ConnectionFailure",
    "Database",
    "DeleteOne",
    "Document",
    "DuplicateKeyError",
    "IndexModel",
    "InsertOne",
    "Mongo",
    "OperationFailure",
    "PyMongoError",
    "RawBSONDocument",
    "ReadPreference",
    "ReplaceOne",
    "ReturnDocument",
    "Session",
    "Timestamp",
    "UpdateMany",
    "UpdateOne",
    "conflict",
    "database_of",
    "drop_index",
    "encode_document",
    "is_alone",
    "is_duplicate",
    "is_passing",
    "is_snapshot_gone",
    "keep_for",
    "majority_time",
    "raw_documents",
    "server_time",
    "shared_clients",
    "snapshot_time",
    "with_later_majority",
]

Document = dict[str, Any]
Database = AsyncIOMotorDatabase[Document]
Collection = AsyncIOMotorCollection[Document]
Session = AsyncIOMotorClientSession | None
T = TypeVar("T")

log = structlog.get_logger(__name__)

MAJORITY = WriteConcern("majority")
ONE_MEMBER = WriteConcern(1)
MAJORITY_READS = ReadConcern("majority")
"""Read majority-committed data only: for readers that pass on what they read."""
TRANSACTION_SECONDS = 10.0
POOL_SIZE = 64
SHARED_NAME = "docstore"
"""Name of a shared client in the server's logs."""
WRITE_CONFLICT = 112
DUPLICATE_KEY = 11000
TRANSACTION_TOO_LONG = 290
KEY_NOT_FOUND = 211
"""A server that has just restarted does not have the keys yet that sign times."""
OPTIONS_DIFFER = 85
INDEX_NOT_FOUND = (26, 27)  # nor its collection
NO_SESSIONS = "Sessions are not supported"
SNAPSHOT_GONE = (239, 246)  # SnapshotTooOld, SnapshotUnavailable
PASSING_LABELS = ("TransientTransactionError", "RetryableWriteError", "UnknownTransactionCommitResult")


def is_passing(error: BaseException) -> bool:
    """Whether a database error may pass: a lost connection, an election, a conflict.

    Also a transaction over the server's time limit: it is large, and the server was busy.
    """
    if isinstance(error, AutoReconnect | ConnectionFailure) or _is_without_sessions(error):
        return True
    if isinstance(error, OperationFailure) and error.code in (TRANSACTION_TOO_LONG, KEY_NOT_FOUND):
        return True
    return isinstance(error, PyMongoError) and any(error.has_error_label(label) for label in PASSING_LABELS)


def _is_without_sessions(error: BaseException) -> bool:
    """Whether a connection can't have sessions.

    The driver decides that once for a connection: one that was opened in the middle of an election has none for ever.
    """
    return isinstance(error, ConfigurationError) and NO_SESSIONS in str(error)


def is_duplicate(error: BaseException) -> bool:
    """Whether a unique index refused a write."""
    if isinstance(error, BulkWriteError):
        return any(failure.get("code") == DUPLICATE_KEY for failure in (error.details or {}).get("writeErrors", []))
    return isinstance(error, DuplicateKeyError)


def conflict(reason: str) -> PyMongoError:
    """Return an error that makes a transaction retry, as the server's own write conflict does."""
    return OperationFailure(reason, WRITE_CONFLICT, {"errorLabels": ["TransientTransactionError"]})


def is_snapshot_gone(error: BaseException) -> bool:
    """Whether the snapshot's time is unreadable by now: too long ago, or a collection was changed."""
    return isinstance(error, OperationFailure) and error.code in SNAPSHOT_GONE


async def keep_for(collection: Collection, field: str, seconds: int) -> None:
    """Have the server delete documents so long after the time in `field`, also if the index had another period."""
    try:
        await collection.create_index(field, name="kept", expireAfterSeconds=seconds)
    except OperationFailure as error:
        if error.code != OPTIONS_DIFFER:
            raise
        index = {"keyPattern": {field: ASCENDING}, "expireAfterSeconds": seconds}
        await database_of(collection).command("collMod", collection.name, index=index)


async def drop_index(collection: Collection, name: str) -> None:
    """Drop an index that earlier releases created, if it is there."""
    try:
        await collection.drop_index(name)
    except OperationFailure as error:
        if error.code not in INDEX_NOT_FOUND:
            raise


def database_of(collection: Collection) -> Database:
    return cast("Database", collection.database)  # the driver's stubs take the attribute for a collection of that name


async def server_time(database: Database) -> datetime:
    """The database's current time."""
    response = await database.command("hello", codec_options=database.codec_options)
    return cast("datetime", response["localTime"])


async def majority_time(database: Database) -> Timestamp:
    """The time of the last oplog entry that a majority of the replica set has."""
    response = await database.command("hello")
    return cast("Timestamp", response["lastWrite"]["majorityOpTime"]["ts"])


def snapshot_time(session: Session) -> Timestamp:
    """The time of a snapshot session's first read. PyMongo keeps it, but has no public name for it."""
    return cast("Timestamp", session.delegate._snapshot_time)  # type: ignore[union-attr]


def with_later_majority(collection: Collection) -> Collection:
    """The collection for a write that is of use only if the caller's next majority write succeeds.

    A replica set of one member has one journal, which is flushed in order: the later write makes this one durable, so
    this one need not wait for a flush of its own. Of several members one may be elected that has neither. If the only
    one dies between the two and the later write is repeated, this one is lost: nothing worse may follow from that.
    """
    if is_alone(database_of(collection).client.delegate.topology_description):
        return collection.with_options(write_concern=ONE_MEMBER)
    return collection


def is_alone(topology: TopologyDescription) -> bool:
    """Whether there is a replica set whose only member is its primary."""
    has_primary = topology.topology_type == TOPOLOGY_TYPE.ReplicaSetWithPrimary
    return has_primary and len(topology.server_descriptions()) == 1


def raw_documents(collection: Collection) -> Collection:
    """Return the collection whose documents are read as bytes, which are the same when they are written."""
    return collection.with_options(codec_options=CodecOptions(document_class=RawBSONDocument))


_shared: dict[str, Any] | None = None
"""Clients by URL, while they are shared."""


@contextmanager
def shared_clients() -> Iterator[None]:
    """Until the block ends, all `Mongo` of one URL have one client: for the services of one process.

    A client has connections of its own, and three threads that wake up twice a second.
    """
    global _shared
    _shared = {}
    try:
        yield
    finally:
        for client in _shared.values():
            client.close()
        _shared = None


def _new_client(url: str, app_name: str, pool_size: int) -> Any:
    return AsyncIOMotorClient(
        url,
        appname=app_name,
        maxPoolSize=pool_size,
        serverSelectionTimeoutMS=5_000,
        connectTimeoutMS=2_000,
        tz_aware=True,
        retryWrites=True,
        w="majority",
        event_listeners=[MongoSpans()] if is_tracing() else [],
    )


class Mongo:
    """A pooled client. Writes need a majority; times are aware UTC datetimes."""

    def __init__(self, url: str, *, app_name: str, pool_size: int = POOL_SIZE) -> None:
        self._is_shared = _shared is not None
        if _shared is None:
            self._client = _new_client(url, app_name, pool_size)
        else:
            if url not in _shared:
                _shared[url] = _new_client(url, SHARED_NAME, POOL_SIZE)
            self._client = _shared[url]

    def database(self, name: str) -> Database:
        options: CodecOptions[Document] = CodecOptions(tz_aware=True)
        return cast("Database", self._client.get_database(name, codec_options=options, write_concern=MAJORITY))

    async def database_names(self, prefix: str) -> list[str]:
        """Return the names of databases that begin with `prefix`."""
        return sorted(name for name in await self._client.list_database_names() if name.startswith(prefix))

    async def drop(self, database: str) -> None:
        await self._client.drop_database(database)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Session]:
        """A read-only session whose reads, in any database, all see the moment of the first one."""
        async with await self._client.start_session(snapshot=True) as session:
            try:
                yield session
            except PyMongoError as error:
                self._replaced_connections(error)
                raise

    async def ping(self) -> None:
        await self._client.admin.command("ping")

    async def check(self) -> None:
        """Check that the server is usable. ValueError if it is too old, PyMongoError if it is unreachable."""
        check_server_version(await self._client.admin.command("buildInfo"))

    def close(self) -> None:
        if not self._is_shared:
            self._client.close()

    async def transaction(self, work: Callable[[Session], Awaitable[T]]) -> T:
        """Run `work` in one majority transaction, retried on passing conflicts for at most 10 seconds.

        `work` may run several times: it must only use the session. A commit without a response is repeated, which the
        server makes safe.
        """
        deadline = time.monotonic() + TRANSACTION_SECONDS
        attempt = 0
        while True:
            try:
                return await self._try_transaction(work, deadline)
            except PyMongoError as error:
                passing = error.has_error_label("TransientTransactionError") or _is_without_sessions(error)
                if not passing or time.monotonic() > deadline:
                    raise
            attempt += 1
            await asyncio.sleep(random.uniform(0, min(0.005 * 2**attempt, 0.2)))

    def _replaced_connections(self, error: BaseException) -> bool:
        """Replace all connections after an error of one without sessions; return whether it was that."""
        if not _is_without_sessions(error):
            return False
        for server in list(self._client.delegate._topology._servers.values()):  # nothing public does this
            server.pool.reset_without_pause()
        return True

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[Any]:
        """A session, begun and ended without the driver's threads: neither sends anything outside a transaction."""
        session: Any = AsyncIOMotorClientSession(self._client.delegate.start_session(), self._client)
        try:
            yield session
        finally:
            try:
                if session.in_transaction:  # cancelled while it was being aborted
                    await self._abort(session)
            finally:
                session.delegate.end_session()

    async def _abort(self, session: Any) -> None:
        """Abort the session's transaction. One that can't be aborted is ended by the server, by its time limit."""
        try:
            await session.abort_transaction()
        except PyMongoError as error:  # the transaction's own error is the one to raise
            self._replaced_connections(error)

    async def _try_transaction(self, work: Callable[[Session], Awaitable[T]], deadline: float) -> T:
        async with self._session() as session:
            session.start_transaction(ReadConcern("snapshot"), MAJORITY)
            try:
                result = await work(session)
            except BaseException as error:  # also when cancelled: the transaction must be aborted
                self._replaced_connections(error)  # the abort needs sessions, too
                if session.in_transaction:
                    await self._abort(session)
                raise
            while True:
                try:
                    await session.commit_transaction()
                    return result
                except PyMongoError as error:
                    unknown = error.has_error_label("UnknownTransactionCommitResult")
                    if not (unknown or self._replaced_connections(error)) or time.monotonic() > deadline:
                        raise
                    await asyncio.sleep(0.05)
