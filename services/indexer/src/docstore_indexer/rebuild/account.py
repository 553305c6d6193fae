"""Rebuilds the documents of one account in the serving index.

Pages of its files in metadata are compared with the entries, as in a whole rebuild. Then all of them are queued as a
backlog, and each document is replaced in place: the account goes on finding its files, and no second index is needed.
"""

from collections.abc import Mapping
from dataclasses import KW_ONLY, asdict, dataclass
from typing import Any

import structlog

from docstore_contracts.metadata import MetadataClient
from docstore_indexer.indexing.job_repository import Job, Jobs, account_job
from docstore_indexer.indexing.metadata import file_of_entry
from docstore_indexer.indexing.repository import Entries
from docstore_indexer.indexing.rules import File, WorkQueue, wakeup_name
from docstore_indexer.indexing.service import IndexService
from docstore_indexer.indexing.text_repository import Accounts
from docstore_indexer.rebuild.windows import Pass, read_window, settle
from docstore_platform.clock import Clock, rfc3339
from docstore_platform.errors import NotFound
from docstore_work.lease_queue import LeaseLost
from docstore_work.wakeup import wake

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class AccountRebuild:
    """Runs the jobs `account:<account>`, a page of files at a time."""

    metadata: MetadataClient
    entries: Entries
    accounts: Accounts
    service: IndexService
    jobs: Jobs
    _: KW_ONLY
    page: int
    clock: Clock

    async def request(self, account_id: str) -> None:
        """Rebuild the account's documents, unless that is running. NotFound if there is no such account."""
        if account_id not in await self.accounts.plans([account_id]) and not await self._files(account_id, "", 1):
            raise NotFound("There is no account with this id in this region.")
        if not await self.jobs.is_open(account_job(account_id)):
            about: dict[str, Any] = {"state": "waiting", "reason": "requested", "account_id": account_id}
            await self.jobs.request(account_job(account_id), "account", **about)

    async def work(self) -> bool:
        """Run a due job, if any, from where it stopped last time."""
        job = await self.jobs.claim("account")
        if job is None:
            return False
        try:
            await self._walk(job, job.progress["account_id"])
        except LeaseLost:
            return True
        except Exception as error:  # whatever failed, the progress shows it and the job is due again later
            job.progress |= {"state": "waiting", "error": repr(error)[:500]}
            await self.jobs.postpone(job)
            raise
        return True

    async def _walk(self, job: Job, account_id: str) -> None:
        job.progress = {"started_at": rfc3339(self.clock()), **job.progress, "state": "running"}
        job.progress.pop("error", None)
        await self.jobs.save(job)
        seen = Pass(**job.progress.get("pass_1", {}))

        async def files_after(after: str, limit: int) -> list[File]:
            return await self._files(account_id, after, limit)

        after: str | None = job.cursor
        while after is not None:
            window = await read_window(self.entries, files_after, after, self.page, account_id)
            changed = await settle(window, self.service, seen)
            waiting = {key for key, entry in window.entries.items() if entry.pending}
            settled = window.entries.keys() - changed - waiting
            await self.entries.requeue(settled)
            wake(wakeup_name(WorkQueue.QUICK))
            seen.added += len(settled)
            after = window.end
            job.cursor = after or job.cursor
            job.progress |= {"pass": 1, "cursor": job.cursor, "pass_1": asdict(seen)}
            await self.jobs.save(job)
        job.progress |= {"state": "done", "finished_at": rfc3339(self.clock())}
        await self.jobs.finish(job)
        log.info("account_index_rebuilt", **job.progress)

    async def status(self, account_id: str) -> Mapping[str, object]:
        """Return the progress of the account's rebuild; it is running until no file of its backlog waits."""
        progress = await self.jobs.progress(account_job(account_id)) or {"state": "none"}
        if progress["state"] == "done" and await self.entries.has_backlog(account_id):
            del progress["finished_at"]
            progress["state"] = "running"
        return progress

    async def _files(self, account_id: str, after: str, limit: int) -> list[File]:
        return [file_of_entry(entry) for entry in await self.metadata.list_files(after, limit, owner_id=account_id)]
