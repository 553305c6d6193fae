"""Rebuilds the index from metadata, beside the serving one.

Each pass compares metadata's files with the entries here, page by page. A file that events did not describe in its
current state is handled like an event; one that metadata lacks is removed. Both reach both indexes through the queues;
all others are added from the stored entries. The new index serves after a pass without differences.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, asdict, dataclass, field

import structlog

from docstore_contracts.metadata import MetadataClient
from docstore_indexer import metrics
from docstore_indexer.engines.engine import SearchEngine
from docstore_indexer.extraction.languages import TrainedData
from docstore_indexer.indexing.index_order import document_of
from docstore_indexer.indexing.job_repository import REBUILD, Job, Jobs
from docstore_indexer.indexing.metadata import file_of_entry
from docstore_indexer.indexing.repository import Entries
from docstore_indexer.indexing.rules import CHARS_AT_ONCE, Entry, File, groups, is_in_other_languages
from docstore_indexer.indexing.service import REBUILD_WAKEUP, IndexService
from docstore_indexer.indexing.text_repository import Accounts, Texts
from docstore_indexer.rebuild.account import AccountRebuild
from docstore_indexer.rebuild.windows import Pass, Window, read_window, settle
from docstore_platform.clock import Clock, rfc3339, utc_now
from docstore_platform.errors import DomainError
from docstore_work.lease_queue import LeaseLost
from docstore_work.wakeup import wake

log = structlog.get_logger(__name__)

PAGE = 500
MAX_PASSES = 5
"""Differences are written to both indexes anyway; frequently changing files must not keep a rebuild from ending."""
RETRY_SECONDS = 0.5
MAX_RETRY_SECONDS = 10.0


@dataclass(slots=True)
class Rebuild:
    """Runs the job `rebuild`, then those that rebuild one account."""

    engine: SearchEngine
    metadata: MetadataClient
    entries: Entries
    texts: Texts
    accounts: Accounts
    service: IndexService
    jobs: Jobs
    trained: TrainedData
    _: KW_ONLY
    page: int = PAGE
    clock: Clock = utc_now
    account: AccountRebuild = field(init=False)

    def __post_init__(self) -> None:
        shared = self.metadata, self.entries, self.accounts, self.service, self.jobs
        self.account = AccountRebuild(*shared, page=self.page, clock=self.clock)

    async def request(self, account_id: str | None = None) -> None:
        """Rebuild the index, or the documents of one account. NotFound if there is no such account."""
        if account_id is None:
            await self.service.request_rebuild("requested")
        else:
            await self.account.request(account_id)
        wake(REBUILD_WAKEUP)

    async def work(self) -> bool:
        """Run a due rebuild, if any. A failed one is started again later, and the old index continues to serve."""
        job = await self.jobs.claim("rebuild")
        if job is None:
            return await self.account.work()
        metrics.rebuild_running.set(1)
        try:
            await self._rebuild(job)
        except LeaseLost:
            log.info("index_rebuild_restarted")
            await self.engine.abandon_rebuild()
        except Exception as error:  # whatever failed, the progress shows it and the rebuild is due again later
            job.progress |= {"state": "waiting", "error": repr(error)[:500]}
            await self.engine.abandon_rebuild()
            await self.jobs.postpone(job)
            raise
        finally:
            metrics.rebuild_running.set(0)
        return True

    async def _rebuild(self, job: Job) -> None:
        reason = job.progress.get("reason", "requested")
        job.progress = {"state": "running", "reason": reason, "started_at": rfc3339(self.clock())}
        await self.jobs.save(job)
        await self.engine.begin_rebuild()
        # Entries just written by a queue are in the old index only, and not marked yet: they are written again to both.
        await self.entries.release_all()
        for number in range(1, MAX_PASSES + 1):
            seen = await self._walk(job, number)
            if not (seen.taken_over or seen.removed) and number > 1:
                break
        while not await self.engine.finish_rebuild():
            await self.jobs.save(job)  # copying may take longer than a lease
        job.progress |= {"state": "done", "finished_at": rfc3339(self.clock())}
        await self.jobs.finish(job)
        log.info("index_rebuilt", **job.progress)

    async def _walk(self, job: Job, number: int) -> Pass:
        """Run one pass; the first fills the new index, the others find later changes."""
        seen = Pass()
        after: str | None = ""
        while after is not None:
            window = await read_window(self.entries, self._metadata_page, after, self.page)
            await settle(window, self.service, seen)
            if number == 1:
                await self._add(window, seen)
                metrics.rebuild_files.set(seen.added)
            after = window.end
            job.cursor = after or ""
            job.progress |= {"pass": number, "cursor": job.cursor, f"pass_{number}": asdict(seen)}
            await self.jobs.save(job)
        return seen

    async def _metadata_page(self, after: str, limit: int) -> list[File]:
        """Return a page of metadata's files; wait while metadata is down."""
        pause = RETRY_SECONDS
        while True:
            try:
                return [file_of_entry(entry) for entry in await self.metadata.list_files(after, limit)]
            except DomainError as problem:
                log.warning("rebuild_waits_for_metadata", error=str(problem))
                await asyncio.sleep(pause)
                pause = min(2 * pause, MAX_RETRY_SECONDS)

    async def _add(self, window: Window, seen: Pass) -> None:
        """Add the window's files to the new index; later changes reach it through the queues."""
        entries = await self.entries.load([file.file_id for file in window.files])
        searchable = [entry for entry in entries.values() if entry.file.searchable]
        plans = await self.accounts.plans({entry.file.owner_id for entry in searchable})
        with_text = [entry for entry in searchable if _has_text(entry, plans.get(entry.file.owner_id, ("free", 0))[0])]
        keyed = {entry.file.file_id for entry in with_text}
        await self.engine.add_to_rebuild(
            [document_of(entry, None) for entry in searchable if entry.file.file_id not in keyed]
        )
        for group in groups(with_text, CHARS_AT_ONCE, lambda entry: entry.text_chars):
            texts = await self.texts.get([entry.file.file_id for entry in group])
            await self.engine.add_to_rebuild([document_of(entry, _text(entry, texts)) for entry in group])
        await self.engine.flush()
        await self._read_again(with_text)
        seen.added += len(searchable)

    async def _read_again(self, entries: Sequence[Entry]) -> None:
        """Queue files whose pictures were read in other languages than their accounts' or the deployment's."""
        seen = [entry for entry in entries if entry.ocr_languages]
        chosen = await self.accounts.languages({entry.file.owner_id for entry in seen})
        wanted = {entry.file.file_id: self.trained.chosen(chosen.get(entry.file.owner_id, ())) for entry in seen}
        late = [entry.file.file_id for entry in seen if is_in_other_languages(entry, wanted[entry.file.file_id])]
        if late:
            await self.entries.requeue(late)

    async def status(self, account_id: str | None = None) -> Mapping[str, object]:
        """Return the progress of the running rebuild, or the result of the last one; the whole one or an account's."""
        if account_id is not None:
            return await self.account.status(account_id)
        return await self.jobs.progress(REBUILD) or {"state": "none"}


def _has_text(entry: Entry, plan: str) -> bool:
    return plan == "premium" and entry.text_version == entry.file.version and entry.file.kind == "file"


def _text(entry: Entry, texts: dict[str, tuple[int, str]]) -> str | None:
    version, text = texts.get(entry.file.file_id, (0, ""))
    return text if version == entry.file.version else None
