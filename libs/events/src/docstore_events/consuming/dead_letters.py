"""Dead letters: messages that a service could not handle, kept with their reason until an operator replays them.

While an aggregate has a dead letter, its later events wait behind it, so that none is applied out of order.
A published event that the broker refuses is stored here, too: a replay publishes it again.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from docstore_contracts.operations import DeadLetterSummary
from docstore_events.catalogue.event import DEAD_LETTER_SUFFIX
from docstore_events.transaction import Transaction
from docstore_platform.clock import rfc3339, utc_now
from docstore_platform.ids import new_id
from docstore_platform.mongodb.client import Collection, Database, Document
from docstore_platform.telemetry.metrics import dead_letters_total, dead_letters_waiting

MAX_ERROR_CHARS = 2000
UNREADABLE = "unreadable"
REFUSED = "refused"
CONSUMED = {"$ne": REFUSED}
"""Filter for dead letters that were consumed, in contrast to published events that the broker refused."""


@dataclass(frozen=True, slots=True)
class Record:
    """A record as the broker delivered it."""

    topic: str
    partition: int
    offset: int
    key: str
    headers: tuple[tuple[str, bytes], ...]
    value: bytes

    @property
    def position(self) -> str:
        return f"{self.topic}:{self.partition}:{self.offset}"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    id: str
    """Id of the event; the record's position if the event is unreadable."""
    record: Record
    event_type: str
    reason: str
    """unreadable, failed, waits_for:<id of the dead letter before it>, or refused by the broker."""
    error: str
    at: datetime

    def summary(self, service: str) -> DeadLetterSummary:
        return {
            "id": self.id,
            "service": service,
            "topic": self.record.topic,
            "key": self.record.key,
            "position": self.record.position,
            "type": self.event_type,
            "reason": self.reason,
            "error": self.error,
            "at": rfc3339(self.at),
            "value": self.record.value.decode(errors="replace"),
        }


class DeadLetters:
    """The dead letters of one service."""

    def __init__(self, database: Database, service: str) -> None:
        self._dead_letters: Collection = database["dead_letters"]
        self._service = service
        self.none_yet = False
        """Set at the start by a service's only instance if there are none: then it skips lookups until it makes one."""

    async def blocked(self, records: Iterable[Record]) -> dict[tuple[str, str], str]:
        """Return the aggregates of `records` with dead letters, as (topic, key), each with a dead letter's id."""
        if self.none_yet:
            return {}
        keys = sorted({record.key for record in records})
        behind = {"state": "waiting", "reason": CONSUMED, "key": {"$in": keys}}
        waiting = self._dead_letters.find(behind, {"topic": 1, "key": 1}).sort("_id", -1)
        return {(row["topic"], row["key"]): row["_id"] async for row in waiting}

    async def put(self, dead_letter: DeadLetter, transaction: Transaction) -> None:
        """Store `letter` and send a copy to the topic's dead-letter topic. Idempotent."""
        self.none_yet = False
        record, row = dead_letter.record, _row(dead_letter)
        outcome = await self._dead_letters.update_one(
            {"_id": dead_letter.id}, {"$setOnInsert": row}, upsert=True, session=transaction.session
        )
        if outcome.upserted_id is None:
            return
        extra = {"dlq_id": dead_letter.id, "dlq_reason": dead_letter.reason, "dlq_consumer": self._service}
        transaction.rows.append(
            {
                "_id": new_id(),
                "topic": record.topic + DEAD_LETTER_SUFFIX,
                "key": record.key,
                "sequence": 0,
                "headers": [*row["headers"], *([name, value.encode()] for name, value in extra.items())],
                "value": record.value,
                "state": "pending",
                "created_at": dead_letter.at,
            }
        )
        dead_letters_total.labels(self._service, dead_letter.reason.partition(":")[0]).inc()

    async def put_behind(self, dead_letter: DeadLetter, waits_for: str, transaction: Transaction) -> bool:
        """Store a dead letter that waits for another one; False if that one no longer waits.

        Conflicts with the replay of that one, which would not see this letter.
        """
        before = {"_id": waits_for, "state": "waiting"}
        outcome = await self._dead_letters.update_one(before, {"$inc": {"behind": 1}}, session=transaction.session)
        if not outcome.matched_count:
            return False
        await self.put(dead_letter, transaction)
        return True

    async def put_refused(self, dead_letter: DeadLetter) -> None:
        """Store an event that the broker refuses, without a copy, which it would refuse as well."""
        await self._dead_letters.replace_one({"_id": dead_letter.id}, _row(dead_letter), upsert=True)
        dead_letters_total.labels(self._service, REFUSED).inc()
        await self.count()

    async def page(self, after: str, limit: int) -> list[DeadLetter]:
        """Return dead letters after this id, by id."""
        rows = self._dead_letters.find({"state": "waiting", "_id": {"$gt": after}}).sort("_id", 1).limit(limit)
        return [_dead_letter(row) async for row in rows]

    async def get(self, letter_id: str) -> DeadLetter | None:
        row = await self._dead_letters.find_one({"_id": letter_id, "state": "waiting"})
        return _dead_letter(row) if row else None

    async def of_aggregate(self, dead_letter: DeadLetter) -> list[DeadLetter]:
        """Return all consumed dead letters of the letter's aggregate, in order."""
        aggregate = {
            "state": "waiting",
            "reason": CONSUMED,
            "topic": dead_letter.record.topic,
            "key": dead_letter.record.key,
        }
        rows = self._dead_letters.find(aggregate).sort([("partition", 1), ("offset", 1)])
        return [_dead_letter(row) async for row in rows]

    async def mark_replayed(self, letter_id: str, transaction: Transaction) -> None:
        await self._dead_letters.update_one(
            {"_id": letter_id}, {"$set": {"state": "replayed", "replayed_at": utc_now()}}, session=transaction.session
        )

    async def discard(self, letter_id: str) -> bool:
        """Delete an unreadable dead letter; return whether there was one. Its copy stays in the dead-letter topic."""
        gone = await self._dead_letters.delete_one({"_id": letter_id, "state": "waiting", "reason": UNREADABLE})
        await self.count()
        return bool(gone.deleted_count)

    async def count(self) -> int:
        """Count the dead letters and update the metric."""
        waiting = int(await self._dead_letters.count_documents({"state": "waiting"}))
        dead_letters_waiting.labels(self._service).set(waiting)
        return waiting


def _row(dead_letter: DeadLetter) -> Document:
    record = dead_letter.record
    return {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "key": record.key,
        "headers": [[name, value] for name, value in record.headers],
        "value": record.value,
        "type": dead_letter.event_type,
        "reason": dead_letter.reason,
        "error": dead_letter.error[:MAX_ERROR_CHARS],
        "at": dead_letter.at,
        "state": "waiting",
    }


def _dead_letter(row: Document) -> DeadLetter:
    record = Record(
        row["topic"],
        row["partition"],
        row["offset"],
        row["key"],
        tuple((name, bytes(value)) for name, value in row["headers"]),
        bytes(row["value"]),
    )
    return DeadLetter(row["_id"], record, row["type"], row["reason"], row["error"], row["at"])
