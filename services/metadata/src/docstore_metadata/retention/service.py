"""Use cases of the retention policy: read it, set it, reset it to the operator's default."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from docstore_events.transaction import Transaction, Transactor
from docstore_metadata.retention.repository import RetentionRoots
from docstore_metadata.tree.lookup import Tree
from docstore_metadata.tree.retention_policy import Bounds, Choice, Policy
from docstore_metadata.tree.rules import Node
from docstore_platform.clock import Clock, utc_now
from docstore_platform.mongodb.session import Session
from docstore_platform.security.tokens import Principal


@dataclass(frozen=True, slots=True)
class RetentionState:
    """An account's policy, and when it takes effect: None if it has already."""

    policy: Policy
    is_default: bool
    applies_at: datetime | None


@dataclass(slots=True)
class RetentionService:
    """Each use case is one transaction or one read."""

    retention: RetentionRoots
    tree: Tree
    transactor: Transactor
    bounds: Bounds
    clock: Clock = field(default=utc_now, kw_only=True)

    async def see(self, principal: Principal) -> RetentionState:
        return self._state(await self._root(principal.account_id))

    async def choose(self, principal: Principal, policy: Policy | None) -> RetentionState:
        """Choose a policy, or None for the operator's default. InvalidRetention outside the operator's limits.

        Choosing the same again does not delay it.
        """
        if policy is not None:
            self.bounds.check(policy)

        async def work(transaction: Transaction) -> RetentionState:
            root = await self._root(principal.account_id, transaction.session)
            chosen = root.retention.policy if root.retention else None
            if chosen != policy:
                # With a clock that is behind, it would take effect before it can be reverted.
                at = max(self.clock(), await self.retention.now())
                root.retention = Choice(policy, at)
                await self.retention.choose(root.id, root.retention, transaction.session)
            return self._state(root)

        return await self.transactor.run(work, lane=principal.account_id)

    async def trash_expiry(self, principal: Principal) -> "TrashExpiry":
        return TrashExpiry(await self._root(principal.account_id), self.bounds)

    async def _root(self, account_id: str, session: Session = None) -> Node:
        return (await self.tree.root(account_id, session)).node

    def _state(self, root: Node) -> RetentionState:
        choice = root.retention
        applies_at = choice.at + self.bounds.grace if choice else None
        waits = applies_at is not None and applies_at > self.clock()
        is_default = choice is None or choice.policy is None
        return RetentionState(self.bounds.of(choice), is_default, applies_at if waits else None)


class TrashExpiry:
    """Computes when the trash of one account is deleted: then or a little later, never earlier."""

    def __init__(self, root: Node, bounds: Bounds) -> None:
        self._from = root.trash_from
        self._days = bounds.of(root.retention).trash_days
        self._applies_at = root.retention.at + bounds.grace if root.retention else None

    def of(self, trashed_at: datetime) -> datetime | None:
        """None: never."""
        if self._days is None:
            return None
        since = max(trashed_at, self._from or trashed_at)
        end = since + timedelta(days=self._days)
        return max(end, self._applies_at or end)
