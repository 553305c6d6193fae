"""Builds the worker of jobs, with the kinds of jobs that are no walks."""

from docstore_events.transaction import Transaction
from docstore_metadata.jobs.repository import Job, JobKind
from docstore_metadata.jobs.worker import Continue, JobWorker
from docstore_metadata.links.service import end_links_of
from docstore_metadata.sharing.acceptance.admission import decline_all
from docstore_metadata.sharing.changes import end_shares_of
from docstore_metadata.sharing.pending import PendingShares
from docstore_metadata.storage import Core
from docstore_work.loop import Loop


def job_loop(core: Core, pending: PendingShares) -> Loop:
    async def grant_more(job: Job, transaction: Transaction) -> bool:
        return await pending.grant_more(job.owner_id, transaction)

    async def decline_more(job: Job, transaction: Transaction) -> bool:
        return await decline_all(core.store, core.tree, job.owner_id, job.actor_id, transaction, before=job.id)

    async def take_over_more(job: Job, transaction: Transaction) -> bool:
        assert job.before is not None
        made = core.store, core.tree, job.owner_id, job.before, transaction
        return await end_shares_of(*made) or await end_links_of(*made)

    others: dict[JobKind, Continue] = {"grant": grant_more, "decline": decline_more, "take_over": take_over_more}
    worker = JobWorker(core.store, core.tree, core.transactor, others, clock=core.clock)
    return Loop("metadata jobs", worker.work, core.store.jobs.wakeup_name, core.settings.job_interval_ms / 1000)
