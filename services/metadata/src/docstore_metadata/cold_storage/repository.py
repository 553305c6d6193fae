"""When contents were last read, and which are to be retrieved from cold storage, in MongoDB."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from docstore_metadata.cold_storage.rules import Use
from docstore_metadata.documents import index
from docstore_platform.clock import Clock, utc_now
from docstore_platform.mongodb.client import Collection, Database, Session
from docstore_work.lease_queue import Lease, LeaseLost, LeaseQueue

MIGRATION = "contents_used_from"


@dataclass(frozen=True, slots=True)
class Idle:
    """A content that was not read for long, about to be handed over for the `turn`-th time."""

    key: str
    turn: int
    lease: Lease


class ContentUse(Protocol):
    async def of(self, keys: Sequence[str]) -> list[Use]:
        """What is recorded of these contents; deleted ones are missing."""

    async def note(self, keys: Sequence[str], now: datetime) -> int:
        """Note that contents are read, unless they were handed over; returns of how many."""

    async def used_again(self, keys: Sequence[str], now: datetime) -> None:
        """Record that contents which were handed over are in use again."""

    async def claim_idle(self, limit: int) -> list[Idle]:
        """Lease contents that were not read for long; from then on upload is asked before they are read."""

    async def handed_over(self, idle: Sequence[Idle]) -> None:
        """Remove them from the queue. Raises LeaseLost."""


class MongoContentUse:
    """Fields of `objects`: `used_at` (last noted read), `idle` with its `turn`, `asked`."""

    def __init__(self, database: Database, age: timedelta, *, lease_seconds: float, clock: Clock = utc_now) -> None:
        self._contents: Collection = database["objects"]
        self._migrations: Collection = database["migrations"]
        self._queue = LeaseQueue(
            self._contents,
            "metadata unused contents",
            lease_seconds=lease_seconds,
            due_field="used_at",
            age=age,
            clock=clock,
        )

    async def create_indexes(self, now: datetime) -> None:
        """For deployments with cold storage. Contents of earlier releases count as read now."""
        if await self._migrations.find_one({"_id": MIGRATION}) is None:
            unknown = {"used_at": {"$exists": False}, "idle": {"$exists": False}}
            await self._contents.update_many(unknown, {"$set": {"used_at": now}})
            await self._migrations.replace_one({"_id": MIGRATION}, {}, upsert=True)
        await self._contents.create_indexes([index("used_at", "used_at", only="used_at")])

    async def of(self, keys: Sequence[str]) -> list[Use]:
        fields = {"used_at": 1, "idle": 1, "asked": 1}
        rows = self._contents.find({"_id": {"$in": list(keys)}}, fields)
        return [
            Use(row["_id"], row.get("used_at"), idle=row.get("idle", False), asked=row.get("asked", False))
            async for row in rows
        ]

    async def note(self, keys: Sequence[str], now: datetime) -> int:
        due = self._queue.due(now)
        used = {"_id": {"$in": list(keys)}, "idle": {"$ne": True}}
        noted = await self._contents.update_many(used, due | {"$set": due["$set"] | {"asked": True}})
        return noted.matched_count

    async def used_again(self, keys: Sequence[str], now: datetime) -> None:
        handed_over = {"_id": {"$in": list(keys)}, "idle": True, "used_at": {"$exists": False}}
        change = {"$set": {"used_at": now, "asked": True}, "$unset": {"idle": ""}}
        await self._contents.update_many(handed_over, change)

    async def claim_idle(self, limit: int) -> list[Idle]:
        idle: list[Idle] = []
        for lease in await self._queue.claim_batch(limit, {"refs": {"$gt": 0}}):
            turn = lease.document.get("turn", 0) + 1
            with suppress(LeaseLost):  # it was read or deleted meanwhile
                await self._queue.renew(lease, {"idle": True, "turn": turn})
                idle.append(Idle(lease.id, turn, lease))
        return idle

    async def handed_over(self, idle: Sequence[Idle]) -> None:
        await self._queue.complete_batch([(each.lease, {}) for each in idle])


@dataclass(frozen=True, slots=True)
class Request:
    """An account's request for a content."""

    id: str
    retrieval_id: str
    account_id: str
    node_id: str
    number: int
    object_key: str
    requested_at: datetime
    lease: Lease | None = None


class Requests(Protocol):
    wakeup_name: str

    async def find(self, account_id: str, node_id: str, number: int) -> Request | None: ...

    async def add(self, request: Request) -> None:
        """Queue a request, unless the account has made it already."""

    async def claim(self) -> Request | None:
        """Lease a request that is due; accounts take turns."""

    async def postpone(self, request: Request, seconds: float) -> None:
        """Look at it again later. Raises LeaseLost."""

    async def complete(self, request: Request, session: Session) -> None:
        """Remove it. Raises LeaseLost."""


def request_id(account_id: str, node_id: str, number: int) -> str:
    return f"{account_id}.{node_id}.{number}"


class MongoRequests:
    """Collection `retrievals`."""

    wakeup_name = "metadata:retrievals"

    def __init__(self, database: Database, *, lease_seconds: float, clock: Clock = utc_now) -> None:
        self._requests: Collection = database["retrievals"]
        self._queue = LeaseQueue(
            self._requests,
            "metadata retrievals",
            lease_seconds=lease_seconds,
            account_field="account_id",
            clock=clock,
        )

    async def create_indexes(self) -> None:
        await self._requests.create_indexes([index("due", "account_id", "due_at")])

    async def find(self, account_id: str, node_id: str, number: int) -> Request | None:
        row = await self._requests.find_one({"_id": request_id(account_id, node_id, number)})
        return _request(row) if row else None

    async def add(self, request: Request) -> None:
        fields = ("retrieval_id", "account_id", "node_id", "number", "object_key", "requested_at")
        await self._queue.add_once(request.id, {name: getattr(request, name) for name in fields})

    async def claim(self) -> Request | None:
        lease = await self._queue.claim()
        return _request(lease.document, lease) if lease else None

    async def postpone(self, request: Request, seconds: float) -> None:
        assert request.lease is not None
        await self._queue.postpone(request.lease, seconds)

    async def complete(self, request: Request, session: Session) -> None:
        assert request.lease is not None
        await self._queue.complete(request.lease, session=session)


def _request(row: dict[str, object], lease: Lease | None = None) -> Request:
    names = ("retrieval_id", "account_id", "node_id", "number", "object_key", "requested_at")
    return Request(id=row["_id"], lease=lease, **{name: row[name] for name in names})  # type: ignore[arg-type]
