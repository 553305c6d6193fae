"""Retention sweepers of metadata with an adjustable clock."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from metadata_stack import Person, Stack

from docstore_events.transaction import Transaction, Transactor
from docstore_metadata.retention.repository import MongoRetentionRoots
from docstore_metadata.retention.worker import RetentionSweeper
from docstore_metadata.settings import MetadataSettings
from docstore_metadata.storage import Store
from docstore_metadata.tree.lookup import Tree
from docstore_platform.clock import Clock, utc_now
from docstore_platform.ids import new_id
from docstore_work.leader_lease import LeaderLease

RETENTION = "/v1/me/retention"


@dataclass
class Sweeping:
    """A sweeper of its own beside the service's, so many days ahead."""

    sweeper: RetentionSweeper
    roots: MongoRetentionRoots
    move: Callable[[float], None]

    async def at(self, days: float) -> int:
        """Sweep until nothing is due; of how many accounts something was."""
        self.move(days)
        accounts = 0
        while await self.sweeper.sweep():
            accounts += 1
        return accounts


class Crashing(Transactor):
    """Crashes once, when a transaction is all written: before or after it is committed."""

    when: str | None = None

    async def run(self, work: Callable[[Transaction], Awaitable[Any]], *, lane: str | None = None) -> Any:
        async def crashing(transaction: Transaction) -> Any:
            result = await work(transaction)
            if self.when == "before":
                self.when = None
                raise ConnectionError("killed before the commit")
            return result

        result = await super().run(crashing, lane=lane)
        if self.when == "after":
            self.when = None
            raise ConnectionError("killed after the commit")
        return result


def sweeping(stack: Stack, crash: str | None = None, *, leads: str = "", **settings: Any) -> Sweeping:
    """A sweeper with a lease of its own, or with the one that `leads` names."""
    bounds = MetadataSettings(infra=stack.infra, **settings).retention
    store = Store.in_mongo(stack.database, lease_seconds=30)
    roots = MongoRetentionRoots(stack.database["nodes"], bounds)
    leader = LeaderLease(stack.database["leases"], leads or new_id(), seconds=60)
    transactor = Crashing(stack.mongo, stack.database, "metadata", stack.infra.topic_prefix)
    transactor.when = crash
    ahead = timedelta()

    async def now() -> datetime:
        return utc_now() + ahead

    def move(days: float) -> None:
        nonlocal ahead
        ahead = timedelta(days=days)

    sweeper = RetentionSweeper(store, Tree(store.nodes), transactor, roots, bounds, leader, now=now)
    return Sweeping(sweeper, roots, move)


async def throw_away(stack: Stack, path: str) -> Any:
    file = await stack.person.at(path)
    await stack.person.ok("DELETE", f"/v1/files/{file['id']}")
    return file


async def trash(person: Person) -> dict[str, Any]:
    return {item["name"]: item for item in (await person.ok("GET", "/v1/trash"))["items"]}


def clock_off_by(days: float) -> Clock:
    """A clock that is so far ahead, or behind."""
    return lambda: utc_now() + timedelta(days=days)


async def make_old(stack: Stack, days: int) -> None:
    """As if all that was thrown away and replaced had been so many days ago."""
    nodes, long_ago = stack.database["nodes"], utc_now() - timedelta(days=days)
    for field in ("trashed_at", "trash_from", "replaced_from", "versions_from"):
        await nodes.update_many({field: {"$exists": True}}, {"$set": {field: long_ago}})
    await stack.database["versions"].update_many({}, {"$set": {"created": long_ago}, "$unset": {"came_at": ""}})


async def versions(stack: Stack, file: Any) -> list[int]:
    items = (await stack.person.ok("GET", f"/v1/files/{file['id']}/versions"))["items"]
    return [item["version"] for item in items]


def when(text: str) -> datetime:
    return datetime.fromisoformat(text)
