"""Use cases of the retention policy: read it, choose one, go back to the operator's default."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from docstore_events.transaction import Transaction, Transactor
from docstore_metadata.retention.repository import RetentionRoots
from docstore_metadata.retention.rules import Bounds, Choice, Policy
from docstore_metadata.tree.lookup import Tree
from docstore_metadata.tree.rules import Node
from docstore_platform.clock import Clock, utc_now
from docstore_platform.database import Session
from docstore_platform.tokens import Principal


@dataclass(frozen=True, slots=True)
class RetentionState:
    """What holds for an account, and from when on: None if it does already."""

    policy: Policy
    is_default: bool
    applies_at: datetime | None


class RetentionService:
    """The use cases, each one transaction or one read."""

    def __init__(
        self,
        retention: RetentionRoots,
        tree: Tree,
        transactor: Transactor,
        bounds: Bounds,
        *,
        clock: Clock = utc_now,
    ) -> None:
        self.bounds = bounds
        self._retention = retention
        self._tree = tree
        self._transactor = transactor
        self._clock = clock

    async def see(self, principal: Principal) -> RetentionState:
        return self._kept(await self._root(principal.account_id))

    async def choose(self, principal: Principal, policy: Policy | None) -> RetentionState:
        """What is to hold from now on, None for what the operator says. InvalidRetention beyond the bounds.

        Chosen again, it takes effect when it would have.
        """
        if policy is not None:
            self.bounds.check(policy)

        async def work(transaction: Transaction) -> RetentionState:
            root = await self._root(principal.account_id, transaction.session)
            chosen = root.retention.policy if root.retention else None
            if chosen != policy:
                # A clock that is behind must not make it take effect before it can be taken back.
                at = max(self._clock(), await self._retention.now())
                root.retention = Choice(policy, at)
                await self._retention.choose(root.id, root.retention, transaction.session)
            return self._kept(root)

        return await self._transactor.run(work, lane=principal.account_id)

    async def trash_expiry(self, principal: Principal) -> "TrashExpiry":
        return TrashExpiry(await self._root(principal.account_id), self.bounds)

    async def _root(self, account_id: str, session: Session = None) -> Node:
        place = await self._tree.at(account_id, (), session)
        assert place is not None
        return place.node

    def _kept(self, root: Node) -> RetentionState:
        choice = root.retention
        applies_at = choice.at + self.bounds.grace if choice else None
        waits = applies_at is not None and applies_at > self._clock()
        is_default = choice is None or choice.policy is None
        return RetentionState(self.bounds.of(choice), is_default, applies_at if waits else None)


class TrashExpiry:
    """When the trash of one account is deleted: then or a little later, never earlier."""

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
