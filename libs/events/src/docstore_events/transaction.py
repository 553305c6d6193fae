"""The transactional outbox: a change and its events in one transaction.

Pattern: https://microservices.io/patterns/data/transactional-outbox.html
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from collections.abc import Collection as Several
from typing import Any, TypeVar

from docstore_events.catalogue.event import Event
from docstore_events.envelope import Envelope, outbox_row, seal
from docstore_platform.mongodb.client import (
    ASCENDING,
    Collection,
    Database,
    Document,
    IndexModel,
    Mongo,
    PyMongoError,
    Session,
)
from docstore_platform.telemetry.tracing import current_traceparent
from docstore_work.wakeup import wake

T = TypeVar("T")

INBOX_KEPT_SECONDS = 30 * 24 * 3600
"""Longer than an event may be republished and in transit: without its inbox row it would take effect twice."""
KEPT_SECONDS = INBOX_KEPT_SECONDS - 7 * 24 * 3600
"""How long the outbox keeps events after their creation, even if they are republished: longer than the broker's
retention plus the longest outage."""


class Transaction:
    """Context of work in a transaction: the session for its writes, the service's database, and `publish`.

    `is_again`: an earlier attempt was rolled back, mostly by a write conflict.
    """

    def __init__(
        self, session: Session, source: str, topic_prefix: str, database: Any = None, *, is_again: bool = False
    ) -> None:
        self.session = session
        self.database: Database = database
        self.is_again = is_again
        self.rows: list[Document] = []
        self.woken: set[str] = set()
        self.last_writes: list[Callable[[], Awaitable[None]]] = []
        self._source = source
        self._topic_prefix = topic_prefix

    def publish(self, event: Event, *, cause: Envelope[Event] | None = None) -> str:
        """Publish `event` if this transaction commits; return its id. `cause` is the event it follows from."""
        traceparent = cause.traceparent if cause else current_traceparent()
        envelope = seal(event, source=self._source, traceparent=traceparent)
        self.rows.append(outbox_row(envelope, self._topic_prefix))
        return envelope.id

    def publish_prepared(self, row: Document) -> None:
        """Publish an event that `Transactor.prepare` has prepared, under its id, time and trace."""
        self.rows.append(row)

    def write_last(self, write: Callable[[], Awaitable[None]]) -> None:
        """Run `write` after the work and before the commit, for writes that can be combined."""
        self.last_writes.append(write)

    def wake_after(self, name: str) -> None:
        """Wake waiters for `name` in this process once this transaction has committed."""
        self.woken.add(name)


def session_of(transaction: Transaction | None) -> Session:
    """Return the driver's session of a transaction, None without one."""
    return transaction.session if transaction is not None else None


class Lanes:
    """Fair locks by name: callers of the same lane take turns within this process."""

    def __init__(self) -> None:
        self._locks: dict[str, tuple[asyncio.Lock, int]] = {}

    @contextlib.asynccontextmanager
    async def turn(self, lane: str) -> AsyncIterator[None]:
        lock, users = self._locks.get(lane) or (asyncio.Lock(), 0)
        self._locks[lane] = lock, users + 1
        try:
            async with lock:
                yield
        finally:
            lock, users = self._locks.pop(lane)
            if users > 1:
                self._locks[lane] = lock, users - 1


class Transactor:
    """Runs work and writes its events to the outbox of one service's database, in one transaction."""

    def __init__(self, mongo: Mongo, database: Database, service: str, topic_prefix: str) -> None:
        self._mongo = mongo
        self._database = database
        self._outbox: Collection = database["outbox"]
        self._service = service
        self._topic_prefix = topic_prefix
        self._lanes = Lanes()
        self.wakeup_name = f"outbox:{database.name}"

    def prepare(self, event: Event) -> Document:
        """Return the outbox row of an event that a later transaction publishes.

        A new document can be stored with the row of its first event by a single write, without a transaction.
        """
        envelope = seal(event, source=self._service, traceparent=current_traceparent())
        return outbox_row(envelope, self._topic_prefix)

    async def run(self, work: Callable[[Transaction], Awaitable[T]], *, lane: str | Several[str] = ()) -> T:
        """Run `work`, perhaps several times: it must only write with the session and publish.

        Transactions that are likely to write the same document should share a `lane`: they take turns, while without it
        all but one would conflict and be retried.
        """
        async with contextlib.AsyncExitStack() as turns:
            for name in [lane] if isinstance(lane, str) else sorted(set(lane)):  # in one order, so none waits for ever
                await turns.enter_async_context(self._lanes.turn(name))
            return await self._run(work)

    async def _run(self, work: Callable[[Transaction], Awaitable[T]]) -> T:

        tries = 0

        async def with_outbox(session: Session) -> tuple[T, set[str]]:
            nonlocal tries
            tries += 1
            transaction = Transaction(session, self._service, self._topic_prefix, self._database, is_again=tries > 1)
            result = await work(transaction)
            for write in transaction.last_writes:
                await write()
            if transaction.rows:
                await self._outbox.insert_many(transaction.rows, session=session)
                transaction.wake_after(self.wakeup_name)
            return result, transaction.woken

        try:
            result, woken = await self._mongo.transaction(with_outbox)
        except PyMongoError:
            wake(self.wakeup_name)  # it may be committed all the same
            raise
        for name in woken:
            wake(name)
        return result


async def create_outbox_indexes(database: Database) -> None:
    """Create the indexes of outbox, inbox and dead letters."""
    pending: dict[str, Any] = {"partialFilterExpression": {"state": "pending"}}
    sent: dict[str, Any] = {"partialFilterExpression": {"state": "sent"}}
    await database["outbox"].create_indexes(
        [
            IndexModel([("sequence", ASCENDING), ("_id", ASCENDING)], name="pending", **pending),
            IndexModel("created_at", expireAfterSeconds=KEPT_SECONDS, **sent),
            IndexModel([("state", ASCENDING), ("sent_at", ASCENDING)], name="sent"),  # republish since a moment
        ]
    )
    await database["inbox"].create_index("handled_at", expireAfterSeconds=INBOX_KEPT_SECONDS)
    await database["dead_letters"].create_indexes(
        [
            IndexModel([("state", ASCENDING), ("topic", ASCENDING), ("key", ASCENDING), ("_id", ASCENDING)]),
            IndexModel("replayed_at", expireAfterSeconds=INBOX_KEPT_SECONDS),
        ]
    )
