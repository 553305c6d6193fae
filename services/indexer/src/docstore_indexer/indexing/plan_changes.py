"""Reindexes all files of an account whose plan or languages have changed: extracts their texts, or removes them."""

from docstore_indexer.indexing.job_repository import Job, Jobs
from docstore_indexer.indexing.repository import MongoEntries
from docstore_indexer.indexing.rules import WorkQueue, wakeup_name
from docstore_indexer.indexing.text_repository import Accounts, Texts
from docstore_work.lease_queue import LeaseLost
from docstore_work.wakeup import wake

PAGE = 500


class PlanChanges:
    """Runs the jobs `plan:<account>`, a page of files at a time."""

    def __init__(self, jobs: Jobs, entries: MongoEntries, texts: Texts, accounts: Accounts) -> None:
        self._jobs = jobs
        self._entries = entries
        self._texts = texts
        self._accounts = accounts

    async def work(self) -> bool:
        """Run a due job, if any, from where it stopped last time."""
        job = await self._jobs.claim("plan")
        if job is None:
            return False
        try:
            await self._walk(job, job.id.removeprefix("plan:"))
        except LeaseLost:
            return True
        except Exception:  # whatever failed, the job is due again later; the loop logs the error
            await self._jobs.postpone(job)
            raise
        return True

    async def _walk(self, job: Job, account_id: str) -> None:
        plan, _ = (await self._accounts.plans([account_id])).get(account_id, ("free", 0))
        while True:
            page = await self._entries.files_of(account_id, job.cursor, PAGE)
            if not page:
                break
            ids = [entry.file.file_id for entry in page]
            await self._entries.requeue(ids, drop_text=plan == "free")
            if plan == "free":
                await self._texts.remove(ids)
            wake(wakeup_name(WorkQueue.QUICK))
            job.cursor = ids[-1]
            await self._jobs.save(job)
        await self._jobs.finish(job)
