"""Builds the worker of jobs, with the kinds of jobs that are no walks."""

from docstore_events.transaction import Transaction
from docstore_metadata.jobs.repository import Job, JobKind
from docstore_metadata.jobs.worker import Continue, JobWorker
from docstore_metadata.sharing.acceptance.admission import decline_all
from docstore_metadata.sharing.pending import PendingShares
from docstore_metadata.storage import Core
from docstore_work.loop import Loop


def job_loop(core: Core, pending: PendingShares) -> Loop:
    async def grant_more(job: Job, transaction: Transaction) -> bool:
        return await pending.grant_more(job.owner_id, transaction)

    async def decline_more(job: Job, transaction: Transaction) -> bool:
        return await decline_all(core.store, core.tree, job.owner_id, job.actor_id, transaction, before=job.id)

    others: dict[JobKind, Continue] = {"grant": grant_more, "decline": decline_more}
    worker = JobWorker(core.store, core.tree, core.transactor, others, clock=core.clock)
    return Loop("metadata jobs", worker.work, core.store.jobs.wakeup_name, core.settings.job_interval_ms / 1000)
