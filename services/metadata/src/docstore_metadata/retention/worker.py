"""Background task that deletes trash and old versions past their retention.

Each step is one transaction that reads the policy and what is due again: a crash, a second instance or a concurrent
choice leaves nothing half done. Events have an empty `actor_id`.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

import structlog

from docstore_events.transaction import Transaction
from docstore_metadata.changes.pruning import first_replaced_at, remaining, versions_to_prune
from docstore_metadata.changes.recorder import FileEventRecorder
from docstore_metadata.retention.repository import DueAccount, DueRoots, Since
from docstore_metadata.storage import UseCases
from docstore_metadata.trash.purging import purge_trashed
from docstore_metadata.tree.places import Place
from docstore_metadata.tree.retention_policy import Bounds, Policy
from docstore_metadata.tree.rules import Node, Version
from docstore_metadata.versions.rules import outdated_first, within_histories_page
from docstore_work.leader_lease import LeaderLease

log = structlog.get_logger(__name__)

NOBODY = ""
"""The actor of the policy's deletions: no account."""
TRASH_PAGE = 100
FILES_PAGE = 20
"""Files whose versions are pruned together."""
VERSIONS_PAGE = 500
"""Versions past their age that are deleted together: each publishes an event."""

RETRY_AFTER = timedelta(minutes=1)
"""Delay of an account whose step failed."""

Now = Callable[[], Awaitable[datetime]]
Step = Callable[[str, Policy, datetime, Transaction], Awaitable[bool]]
"""Deletes one page of an account's due items; whether there may be more."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """Versions of a file that are pruned, and what the file stores about those that remain."""

    file: Node
    versions: Sequence[Version]
    kept: int
    replaced_from: datetime | None


@dataclass(slots=True)
class RetentionSweeper(UseCases):
    """One instance works at a time, by the lease `leader`. `now` decides what is due."""

    retention: DueRoots
    bounds: Bounds
    leader: LeaderLease
    now: Now = field(kw_only=True)

    async def sweep(self) -> bool:
        """Delete all that is due of one account; False if nothing is due, or another instance leads."""
        if not await self.leader.hold():
            return False
        due = await self.retention.next_due(await self.now())
        if due is None:
            return False
        try:
            while await self._step(due) and await self.leader.hold():
                pass
        except Exception as error:  # noqa: BLE001 - any failure is retried later; the other accounts need not wait
            log.warning("retention_failed", account_id=due.account_id, error=repr(error))
            await self.retention.postpone(due, await self.now() + RETRY_AFTER)
        return True

    async def _step(self, due: DueAccount) -> bool:
        """Delete one page, in one transaction; whether there may be more."""
        now = await self.now()

        steps: Mapping[Since, Step] = {
            "trash_from": self._purge_trash,
            "versions_from": self._prune_outdated,
            "recheck_from": self._prune_surplus,
        }

        async def work(transaction: Transaction) -> bool:
            root = await self.retention.begin_step(due, now, transaction.session)
            if root is None:
                return False
            more = await steps[due.since](root.id, self.bounds.of(root.retention), now, transaction)
            if not more:
                await self.retention.finish(due, transaction.session)
            return more

        return await self.transactor.run(work, lane=due.account_id)

    async def _purge_trash(self, account_id: str, policy: Policy, now: datetime, transaction: Transaction) -> bool:
        if policy.trash_days is None:
            return False
        before = now - timedelta(days=policy.trash_days)
        found = await self.retention.overdue_trash(account_id, before, TRASH_PAGE, transaction.session)
        nodes = within_histories_page(found)
        places = await self._places(nodes, transaction)
        await purge_trashed(self.store, places, NOBODY, self.clock(), transaction)
        return len(nodes) < len(found) or len(found) == TRASH_PAGE

    async def _prune_outdated(self, account_id: str, policy: Policy, now: datetime, transaction: Transaction) -> bool:
        days, session = policy.version_days, transaction.session
        if days is None:
            return False
        before = now - timedelta(days=days)
        files = await self.retention.files_replaced(account_id, before, FILES_PAGE, session)
        pruned: list[Pruned] = []
        room = VERSIONS_PAGE
        for file in files:
            read_after = partial(self.store.versions.after, file.id, session=session)
            outdated = await outdated_first(read_after, days, now, room)
            gone = outdated.versions
            pruned.append(Pruned(file, gone, file.kept_versions - len(gone), outdated.replaced_from))
            room -= len(gone)
            if not room:
                break
        await self._prune(pruned, transaction)
        return not room or len(files) == FILES_PAGE

    async def _prune_surplus(self, account_id: str, policy: Policy, now: datetime, transaction: Transaction) -> bool:
        cap, session = policy.versions, transaction.session
        found = await self.retention.files_with_more(account_id, cap, FILES_PAGE, session)
        files = within_histories_page(found)
        histories = await self.store.versions.of(files, session)
        pruned: list[Pruned] = []
        for file in files:
            versions = histories[file.id]
            gone = versions_to_prune(versions, cap, now)
            kept = remaining(versions, gone)
            pruned.append(Pruned(file, gone, len(kept), first_replaced_at(kept)))
        await self._prune(pruned, transaction)
        return len(files) < len(found) or len(found) == FILES_PAGE

    async def _prune(self, pruned: Sequence[Pruned], transaction: Transaction) -> None:
        """Prune versions of these files, and store how many remain and when the first of them was replaced."""
        if not pruned:
            return
        session, recorder = transaction.session, FileEventRecorder(transaction, NOBODY)
        changed: list[tuple[Node, Sequence[str]]] = []
        files = [each.file for each in pruned]
        for place, each in zip(await self._places(files, transaction), pruned, strict=True):
            for version in each.versions:
                recorder.pruned(place, version)
            place.node.kept_versions, place.node.replaced_from = each.kept, each.replaced_from
            changed.append((place.node, ("kept_versions", "replaced_from", "revision")))
        await self.store.nodes.bump((file.parent_id for file in files if file.parent_id), session)
        await self.store.nodes.save(changed, session)
        gone = [version for each in pruned for version in each.versions]
        await self.store.versions.remove(gone, self.clock(), session)
        transaction.wake_after(self.store.jobs.wakeup_name)

    async def _places(self, nodes: Sequence[Node], transaction: Transaction) -> list[Place]:
        known = {node.id: node for node in nodes}
        places = await self.tree.places(known, transaction.session, known=known)
        return [places[node.id] for node in nodes]
