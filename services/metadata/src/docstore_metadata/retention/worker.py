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
from docstore_metadata.retention.repository import DueAccount, MongoRetentionRoots
from docstore_metadata.retention.rules import Bounds
from docstore_metadata.storage import Store
from docstore_metadata.trash.service import purge_trashed
from docstore_metadata.tree.list_query import EPOCH
from docstore_metadata.tree.lookup import Tree
from docstore_metadata.tree.rules import Node, Place
from docstore_metadata.versions.pruning import first_replaced_at, outdated_versions, versions_to_prune
from docstore_metadata.versions.rules import Version
from docstore_platform.clock import Clock, utc_now
from docstore_platform.mongo import Document, UpdateOne
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
        retention: MongoRetentionRoots,
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
        trash: Document = {"owner": root.id, "trashed_at": {"$exists": True}}
        order = [("trashed_at", 1), ("_id", 1)]
        nodes: Sequence[Node] = []
        if policy.trash_days is not None:
            old = {"owner": root.id, "trashed_at": {"$lte": now - timedelta(days=policy.trash_days)}}
            nodes = await self._store.find_page(old, order, TRASH_PAGE, session)
        places = await self._places(nodes, transaction)
        await purge_trashed(self._store, self._jobs, places, NOBODY, transaction, self._clock)
        if len(nodes) == TRASH_PAGE:
            return True
        rest = await self._store.find_page(trash, order, 1, session)
        await self._retention.finish(due, rest[0].trashed_at if rest else None, session)
        return False

    async def _versions_step(self, due: DueAccount, root: Node, now: datetime, transaction: Transaction) -> bool:
        session, days = transaction.session, self._bounds.of(root.retention).version_days
        order = [("replaced_from", 1)]
        files: Sequence[Node] = []
        if days is not None:
            old = {"owner": root.id, "replaced_from": {"$lte": now - timedelta(days=days)}}
            files = await self._store.find_page(old, order, FILES_PAGE, session)
            await self._prune(files, lambda versions: outdated_versions(versions, days, now), transaction)
        if len(files) == FILES_PAGE:
            return True
        with_old = {"owner": root.id, "replaced_from": {"$gt": EPOCH}}
        rest = await self._store.find_page(with_old, order, 1, session)
        await self._retention.finish(due, rest[0].replaced_from if rest else None, session)
        return False

    async def _recheck_step(self, due: DueAccount, root: Node, now: datetime, transaction: Transaction) -> bool:
        cap = self._bounds.of(root.retention).versions
        surplus = {"owner": root.id, "kept_versions": {"$gt": cap}}
        files = await self._store.find_page(surplus, [("kept_versions", -1)], FILES_PAGE, transaction.session)
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
        for version in await self._store.versions_of(files, session):
            histories[version.node_id].append(version)
        pruned: list[Version] = []
        updates: list[UpdateOne] = []
        for place in await self._places(files, transaction):
            node, versions = place.node, histories[place.node.id]
            gone = which(versions)
            for version in gone:
                recorder.pruned(place, version)
            kept = [version for version in versions if version not in gone]
            pruned += gone
            fields = {"kept_versions": len(kept), "replaced_from": first_replaced_at(kept), "revision": node.revision}
            updates.append(UpdateOne({"_id": node.id}, {"$set": fields}))
        await self._store.bump((file.parent_id for file in files if file.parent_id), session)
        await self._store.nodes.bulk_write(updates, session=session)
        await self._store.remove_versions(pruned, self._clock(), session)

    async def _places(self, nodes: Sequence[Node], transaction: Transaction) -> list[Place]:
        known = {node.id: node for node in nodes}
        places = await self._tree.places(known, transaction.session, known=known)
        return [places[node.id] for node in nodes]
