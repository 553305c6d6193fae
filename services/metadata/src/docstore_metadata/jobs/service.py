"""Walks through folders page by page, each page one transaction: what the jobs of the trash do.

A settling walk goes by what it finds, not by what it was started for: a descendant that can't be reached but was never
said to be deleted is said to be deleted; one that can be reached again is said to be restored; one that others may read
than was last said is said to have changed access. So walks that overlap, or come late, end in the same truth. A purging
walk says first what a settling walk before it has not yet said. Each page changes the folder it is of, so that a change
to the folder that began before it was put into the trash fails, and is refused when it is tried again.
"""

from collections.abc import Sequence

from docstore_events.transaction import Transaction, Transactor
from docstore_metadata.jobs.repository import Job, Jobs, Step
from docstore_metadata.journal.recorder import FileEventRecorder
from docstore_metadata.links.service import end_links
from docstore_metadata.sharing.acceptance.service import ShareDecliner
from docstore_metadata.sharing.changes import end_shares
from docstore_metadata.sharing.pending import PendingShares
from docstore_metadata.storage import Store
from docstore_metadata.trash.service import purge_files
from docstore_metadata.tree.list_query import moment_of, position_of
from docstore_metadata.tree.lookup import Tree
from docstore_metadata.tree.rules import Node, Place
from docstore_platform.clock import Clock, utc_now

PAGE = 200
PUBLISHED_ATTRIBUTES = ("revision", "told_readers", "hidden")


class Walker:
    """Carries walks out."""

    def __init__(
        self,
        store: Store,
        tree: Tree,
        transactor: Transactor,
        jobs: Jobs,
        grants: PendingShares,
        declining: ShareDecliner,
        *,
        clock: Clock = utc_now,
    ) -> None:
        self._store = store
        self._tree = tree
        self._transactor = transactor
        self._jobs = jobs
        self._grants = grants
        self._declining = declining
        self._clock = clock

    async def walk(self, job: Job) -> None:
        """Walk to the end; after a failure the walk goes on from the last page that was done."""
        while job.steps:
            before = job.steps

            async def work(transaction: Transaction, before: list[Step] = before) -> None:
                job.steps = list(before)
                await self._page(job, transaction)
                await self._jobs.save(job, transaction.session)

            try:
                await self._transactor.run(work)
            except BaseException:
                job.steps = before
                raise

    async def _page(self, job: Job, transaction: Transaction) -> None:
        step = job.steps.pop()
        if job.kind == "grant":
            if await self._grants.grant_more(step.folder_id, transaction):
                job.steps.append(step)
            return
        if job.kind == "decline":
            if await self._declining.decline_all(job.owner_id, job.actor_id, transaction, before=job.id):
                job.steps.append(step)
            return
        place = await self._tree.place(step.folder_id, transaction.session)
        if place is None:
            return
        recorder = FileEventRecorder(transaction, job.actor_id, below_folder=True)
        if step.exhausted:
            await self._remove_folder(place, recorder, transaction)
            await end_shares(self._store, [place], job.actor_id, transaction)
            await end_links(self._store, [place], transaction)
            return
        await self._store.nodes.bump([place.node.id], transaction.session)
        children = await self._children(step, transaction)
        if len(children) == PAGE:
            last = children[-1]
            job.steps.append(Step(step.folder_id, [position_of(last.created_at), last.id]))
        elif job.kind == "purge":
            job.steps.append(Step(step.folder_id, exhausted=True))
        job.steps.extend(Step(child.id) for child in children if child.is_folder)
        await self._settle(place, children, recorder, transaction)
        if job.kind == "purge":
            files = [place.child(child) for child in children if not child.is_folder]
            await purge_files(self._store, files, recorder, self._clock, transaction.session)
            await end_shares(self._store, files, job.actor_id, transaction)
            await end_links(self._store, files, transaction)

    async def _children(self, step: Step, transaction: Transaction) -> Sequence[Node]:
        """The next live children, in the order in which they were made: it never changes."""
        after = (moment_of(step.after[0]), step.after[1]) if step.after else None
        return await self._store.nodes.children_by_age(step.folder_id, after, PAGE, transaction.session)

    async def _settle(
        self, folder: Place, children: Sequence[Node], recorder: FileEventRecorder, transaction: Transaction
    ) -> None:
        changed: list[Node] = []
        for child in children:
            place = folder.child(child)
            revision = child.revision
            if child.hidden and place.is_reachable:
                recorder.restored(place)
                child.hidden = False
            elif not child.hidden and not place.is_reachable:
                recorder.deleted(place)
                child.hidden = True
            elif place.is_reachable and place.readers != child.told_readers:
                recorder.access_changed(place)
            if child.revision != revision:
                child.told_readers = place.readers
                changed.append(child)
        await self._store.nodes.save(((child, PUBLISHED_ATTRIBUTES) for child in changed), transaction.session)

    async def _remove_folder(self, place: Place, recorder: FileEventRecorder, transaction: Transaction) -> None:
        """Remove a folder whose live children are gone; what was put into the trash from it by itself stays there."""
        await self._store.nodes.delete([place.node.id], transaction.session)
        recorder.purged(place, 0)
