"""The transactional outbox: a change and its events in one transaction.

Pattern: https://microservices.io/patterns/data/transactional-outbox.html
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

from docstore_events.envelope import Envelope, outbox_row, seal
from docstore_events.event import Event
from docstore_platform.mongo import ASCENDING, Collection, Database, Document, IndexModel, Mongo, Session
from docstore_platform.tracing import current_traceparent
from docstore_work.wakeup import wake

T = TypeVar("T")

INBOX_KEPT_SECONDS = 30 * 24 * 3600
"""Longer than an event may be published again and be under way: without its inbox row it would take effect twice."""
KEPT_SECONDS = INBOX_KEPT_SECONDS - 7 * 24 * 3600
"""Events are kept in the outbox so long after they came to be, however often they are published again: longer than the
broker's retention plus the longest outage."""


class Transaction:
    """What work inside a transaction uses: the session for its writes, the service's database, and `publish`.

    `is_again`: the same work was undone before, mostly by another transaction that changed what it changes.
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
        """Say `event` if this transaction commits; answers its id. `cause` is the event it follows from."""
        traceparent = cause.traceparent if cause else current_traceparent()
        envelope = seal(event, source=self._source, traceparent=traceparent)
        self.rows.append(outbox_row(envelope, self._topic_prefix))
        return envelope.id

    def write_last(self, write: Callable[[], Awaitable[None]]) -> None:
        """Have `write` run after the work, before the commit: for what can be written together then."""
        self.last_writes.append(write)

    def wake_after(self, name: str) -> None:
        """Wake whoever in this process waits for `name`, once this transaction has committed."""
        self.woken.add(name)


def session_of(transaction: Transaction | None) -> Session:
    """The driver's session of a transaction, None outside of one."""
    return transaction.session if transaction is not None else None


class Lanes:
    """Whoever is in the same lane takes turns, first come, first served; within this process."""

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

    async def run(self, work: Callable[[Transaction], Awaitable[T]], *, lane: str | None = None) -> T:
        """`work` may run several times: it does nothing but write with the session and publish.

        Transactions that are likely to write the same document are given the same lane: they take turns then, where
        else all but one would fail and be tried again.
        """
        if lane is not None:
            async with self._lanes.turn(lane):
                return await self.run(work)

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

        result, woken = await self._mongo.transaction(with_outbox)
        for name in woken:
            wake(name)
        return result


async def create_outbox_indexes(database: Database) -> None:
    """Indexes of the collections by which events leave and enter a service."""
    pending: dict[str, Any] = {"partialFilterExpression": {"state": "pending"}}
    sent: dict[str, Any] = {"partialFilterExpression": {"state": "sent"}}
    await database["outbox"].create_indexes(
        [
            IndexModel([("sequence", ASCENDING), ("_id", ASCENDING)], name="pending", **pending),
            IndexModel("created_at", expireAfterSeconds=KEPT_SECONDS, **sent),
            IndexModel([("state", ASCENDING), ("sent_at", ASCENDING)], name="sent"),  # to publish again since a moment
        ]
    )
    await database["inbox"].create_index("handled_at", expireAfterSeconds=INBOX_KEPT_SECONDS)
    await database["dead_letters"].create_indexes(
        [
            IndexModel([("state", ASCENDING), ("topic", ASCENDING), ("key", ASCENDING), ("_id", ASCENDING)]),
            IndexModel("replayed_at", expireAfterSeconds=INBOX_KEPT_SECONDS),
        ]
    )
