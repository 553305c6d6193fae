"""Background worker that carries out jobs: walks through folders page by page, each page one transaction.

A settling walk compares each descendant with what was published last, whatever it was started for. An unreachable one
that was not published as deleted is published as deleted; one that is reachable again, as restored; one with other
readers, as changed in access. So walks that overlap or come late have the same result. A purging walk first publishes
what a settling walk has not yet published. Each page writes the folder it belongs to: a concurrent change in the folder
that began before it was put into the trash conflicts, and is refused when it is retried. A file with a long history is
purged as a whole.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from docstore_events.transaction import Transaction
from docstore_metadata.changes.recorder import FileEventRecorder
from docstore_metadata.jobs.repository import Job, JobKind, Step
from docstore_metadata.paging import moment_of, position_of
from docstore_metadata.storage import UseCases
from docstore_metadata.trash.purging import end_access, purge_files
from docstore_metadata.tree.places import Place
from docstore_metadata.tree.rules import Node
from docstore_metadata.versions.rules import within_histories_page
from docstore_work.lease_queue import LeaseLost

log = structlog.get_logger(__name__)

PAGE = 200
PUBLISHED_ATTRIBUTES = ("revision", "published_readers", "hidden")

Continue = Callable[[Job, Transaction], Awaitable[bool]]
"""Carries out some of a job that is no walk; whether there may be more."""


@dataclass(slots=True)
class JobWorker(UseCases):
    """Carries out jobs that are due; failed ones are retried. `others`: how jobs that are no walks are carried out."""

    others: Mapping[JobKind, Continue]

    async def work(self) -> bool:
        """Carry out one job; whether one was due."""
        job = await self.store.jobs.claim()
        if job is None:
            return False
        try:
            await self.walk(job)
        except LeaseLost:
            log.info("metadata_job_taken_over", job_id=job.id)
        except Exception:  # any failure is retried later; the loop logs the error
            await self.store.jobs.postpone(job)
            raise
        return True

    async def walk(self, job: Job) -> None:
        """Walk to the end. After a failure, a walk continues from its last completed page."""
        while job.steps:
            before = job.steps

            async def work(transaction: Transaction, before: list[Step] = before) -> None:
                job.steps = list(before)
                await self._page(job, transaction)
                await self.store.jobs.save(job, transaction.session)

            try:
                await self.transactor.run(work)
            except BaseException:  # a cancelled page was not committed either: the job keeps its previous steps
                job.steps = before
                raise

    async def _page(self, job: Job, transaction: Transaction) -> None:
        step = job.steps.pop()
        if job.kind in self.others:
            if await self.others[job.kind](job, transaction):
                job.steps.append(step)
            return
        place = await self.tree.place(step.node_id, transaction.session)
        if place is None:
            return
        recorder = FileEventRecorder(transaction, job.actor_id, by_link=job.by_link, below_folder=True)
        if not step.is_folder:
            await purge_files(self.store, [place], job.actor_id, recorder, self.clock(), transaction)
            return
        if step.exhausted:
            # What was put into the trash by itself stays there without its folder.
            await self.store.nodes.delete([place.node.id], transaction.session)
            recorder.purged(place, 0)
            await end_access(self.store, [place], job.actor_id, transaction)
            return
        await self.store.nodes.bump([place.node.id], transaction.session)
        after = (moment_of(step.after[0]), step.after[1]) if step.after else None
        found = await self.store.nodes.children_by_age(step.node_id, after, PAGE, transaction.session)
        children = within_histories_page(found) if job.kind == "purge" else found
        if len(children) < len(found) or len(found) == PAGE:
            last = children[-1]
            job.steps.append(Step(step.node_id, (position_of(last.created_at), last.id)))
        elif job.kind == "purge":
            job.steps.append(Step(step.node_id, exhausted=True))
        job.steps.extend(Step(child.id) for child in children if child.is_folder)
        await self._publish_changes(place, children, recorder, transaction)
        if job.kind == "purge":
            files = [place.child(child) for child in children if not child.is_folder]
            await purge_files(self.store, files, job.actor_id, recorder, self.clock(), transaction)

    async def _publish_changes(
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
            elif place.is_reachable and place.readers != child.published_readers:
                recorder.access_changed(place)
            if child.revision != revision:
                child.published_readers = place.readers
                changed.append(child)
        await self.store.nodes.save(((child, PUBLISHED_ATTRIBUTES) for child in changed), transaction.session)
