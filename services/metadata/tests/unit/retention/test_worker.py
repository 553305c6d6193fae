"""The retention sweeper on fakes."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import cast

from metadata_fakes import Desk

from docstore_metadata.retention.repository import DueAccount
from docstore_metadata.retention.worker import RETRY_AFTER, RetentionSweeper
from docstore_metadata.tree.documents import root_node
from docstore_metadata.tree.retention_policy import Bounds, Policy
from docstore_metadata.tree.rules import Node
from docstore_platform.mongodb.session import Session
from docstore_work.leader_lease import LeaderLease


@dataclass
class FakeRoots:
    """Accounts with due trash; the steps of `broken` ones fail."""

    due: dict[str, datetime]
    broken: set[str]
    done: list[str] = field(default_factory=list)

    async def next_due(self, now: datetime) -> DueAccount | None:
        ids = [account_id for account_id, at in sorted(self.due.items(), key=lambda row: row[1]) if at <= now]
        return DueAccount(ids[0], "trash_from", {}) if ids else None

    async def begin_step(self, due: DueAccount, now: datetime, session: Session) -> Node:
        if due.account_id in self.broken:
            raise RuntimeError("out of order")
        return root_node(due.account_id, now)

    async def postpone(self, due: DueAccount, until: datetime) -> None:
        self.due[due.account_id] = until

    async def overdue_trash(self, owner_id: str, before: datetime, limit: int, session: Session) -> list[Node]:
        return []

    async def finish(self, due: DueAccount, session: Session) -> None:
        del self.due[due.account_id]
        self.done.append(due.account_id)


class Leading:
    async def hold(self) -> bool:
        return True


async def test_a_failed_account_is_postponed(desk: Desk) -> None:
    """The others are swept meanwhile; it is retried later."""
    clock, policy = desk.clock, Policy(trash_days=30, versions=10, version_days=30)
    roots = FakeRoots({"bad": clock() - timedelta(days=2), "good": clock() - timedelta(days=1)}, {"bad"})

    async def now() -> datetime:
        return clock()

    sweeper = RetentionSweeper(
        desk.store,
        desk.tree,
        desk.transactor,
        roots,  # type: ignore[arg-type]
        Bounds(policy, policy, grace=timedelta(days=1)),
        cast("LeaderLease", Leading()),
        now=now,
        clock=clock,
    )
    assert [await sweeper.sweep() for _ in range(3)] == [True, True, False]
    assert (roots.done, roots.due) == (["good"], {"bad": clock() + RETRY_AFTER})
    roots.broken.clear()
    assert not await sweeper.sweep()
    clock.pass_time(seconds=RETRY_AFTER.total_seconds())
    assert await sweeper.sweep()
    assert roots.done == ["good", "bad"]
