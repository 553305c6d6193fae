"""Background task that deletes trash and old versions past their retention.

Each step is one transaction that looks again at the policy and at what is due, so a crash, a second instance or a
choice made meanwhile leaves nothing half done. Events have an empty `actor_id`.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

import structlog

from docstore_events.transaction import Transaction, Transactor
from docstore_metadata.jobs.repository import Jobs
from docstore_metadata.journal.recorder import FileEventRecorder
from docstore_metadata.retention.repository import DueAccount, DueRoots
from docstore_metadata.retention.rules import Bounds
from docstore_metadata.storage import Store
from docstore_metadata.trash.service import purge_trashed
from docstore_metadata.tree.lookup import Tree
from docstore_metadata.tree.rules import Node, Place
from docstore_metadata.versions.pruning import first_replaced_at, outdated_versions, versions_to_prune
from docstore_metadata.versions.rules import Version
from docstore_platform.clock import Clock, utc_now
from docstore_work.leader_lease import LeaderLease

log = structlog.get_logger(__name__)

NOBODY = ""
"""Who did it: no account, the policy."""
TRASH_PAGE = 100
FILES_PAGE = 20
"""Files whose versions are read together: each may have as many as the operator allows."""

RETRY_AFTER = timedelta(minutes=1)
"""For an account whose step failed."""

Now = Callable[[], Awaitable[datetime]]


class RetentionSweeper:
    """One instance works at a time, by the lease `leader`. `now` decides what is due."""

    def __init__(
        self,
        store: Store,
        retention: DueRoots,
        tree: Tree,
        transactor: Transactor,
        jobs: Jobs,
        bounds: Bounds,
        leader: LeaderLease,
        *,
        now: Now,
        clock: Clock = utc_now,
    ) -> None:
        self._store = store
        self._retention = retention
        self._tree = tree
        self._transactor = transactor
        self._jobs = jobs
        self._bounds = bounds
        self._leader = leader
        self._now = now
        self._clock = clock
        self._steps = {
            "trash_from": self._trash_step,
            "versions_from": self._versions_step,
            "recheck_from": self._recheck_step,
        }

    async def sweep(self) -> bool:
        """Delete all that is due of one account; False if nobody's is, or if another instance leads."""
        if not await self._leader.hold():
            return False
        due = await self._retention.next_due(await self._now())
        if due is None:
            return False
        try:
            while await self._step(due) and await self._leader.hold():
                pass
        except Exception as error:  # noqa: BLE001 - it is tried again later; the others need not wait
            log.warning("retention_failed", account_id=due.account_id, error=repr(error))
            await self._retention.put_off(due, await self._now() + RETRY_AFTER)
        return True

    async def _step(self, due: DueAccount) -> bool:
        """One page, in one transaction; whether there may be more."""
        now = await self._now()

        async def work(transaction: Transaction) -> bool:
            root = await self._retention.begin_step(due, now, transaction.session)
            return root is not None and await self._steps[due.since](due, root, now, transaction)

        more = await self._transactor.run(work, lane=due.account_id)
        self._jobs.wake()
        return more

    async def _trash_step(self, due: DueAccount, root: Node, now: datetime, transaction: Transaction) -> bool:
        session, policy = transaction.session, self._bounds.of(root.retention)
        nodes: Sequence[Node] = []
        if policy.trash_days is not None:
            before = now - timedelta(days=policy.trash_days)
            nodes = await self._retention.overdue_trash(root.id, before, TRASH_PAGE, session)
        places = await self._places(nodes, transaction)
        await purge_trashed(self._store, self._jobs, places, NOBODY, transaction, self._clock)
        if len(nodes) == TRASH_PAGE:
            return True
        rest = await self._retention.oldest_trash(root.id, session)
        await self._retention.finish(due, rest.trashed_at if rest else None, session)
        return False

    async def _versions_step(self, due: DueAccount, root: Node, now: datetime, transaction: Transaction) -> bool:
        session, days = transaction.session, self._bounds.of(root.retention).version_days
        files: Sequence[Node] = []
        if days is not None:
            files = await self._retention.files_replaced(root.id, now - timedelta(days=days), FILES_PAGE, session)
            await self._prune(files, lambda versions: outdated_versions(versions, days, now), transaction)
        if len(files) == FILES_PAGE:
            return True
        rest = await self._retention.first_replaced(root.id, session)
        await self._retention.finish(due, rest.replaced_from if rest else None, session)
        return False

    async def _recheck_step(self, due: DueAccount, root: Node, now: datetime, transaction: Transaction) -> bool:
        cap = self._bounds.of(root.retention).versions
        files = await self._retention.files_with_more(root.id, cap, FILES_PAGE, transaction.session)
        await self._prune(files, lambda versions: versions_to_prune(versions, cap, now), transaction)
        if len(files) == FILES_PAGE:
            return True
        await self._retention.finish(due, None, transaction.session)
        return False

    async def _prune(
        self,
        files: Sequence[Node],
        which: Callable[[Sequence[Version]], Sequence[Version]],
        transaction: Transaction,
    ) -> None:
        """Give up versions of these files, and note since when what is left of their old ones is old."""
        if not files:
            return
        session, recorder = transaction.session, FileEventRecorder(transaction, NOBODY)
        histories: dict[str, list[Version]] = {file.id: [] for file in files}
        for version in await self._store.versions.of(files, session):
            histories[version.node_id].append(version)
        pruned: list[Version] = []
        changed: list[tuple[Node, Sequence[str]]] = []
        for place in await self._places(files, transaction):
            node, versions = place.node, histories[place.node.id]
            gone = which(versions)
            for version in gone:
                recorder.pruned(place, version)
            kept = [version for version in versions if version not in gone]
            pruned += gone
            node.kept_versions, node.replaced_from = len(kept), first_replaced_at(kept)
            changed.append((node, ("kept_versions", "replaced_from", "revision")))
        await self._store.nodes.bump((file.parent_id for file in files if file.parent_id), session)
        await self._store.nodes.save(changed, session)
        await self._store.versions.remove(pruned, self._clock(), session)

    async def _places(self, nodes: Sequence[Node], transaction: Transaction) -> list[Place]:
        known = {node.id: node for node in nodes}
        places = await self._tree.places(known, transaction.session, known=known)
        return [places[node.id] for node in nodes]
