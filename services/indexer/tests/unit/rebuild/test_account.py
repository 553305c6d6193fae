"""A rebuild of one account's documents, on fakes."""

from typing import Any

import pytest
from indexer_fakes import NOW, FakeAccounts, FakeEntries, FakeMetadata, FakeService, a_file, an_entry

from docstore_indexer.indexing.job_repository import Job
from docstore_indexer.rebuild.account import AccountRebuild
from docstore_platform.errors import NotFound
from docstore_work.lease_queue import Lease


class FakeJobs:
    """At most one job."""

    def __init__(self) -> None:
        self.job: Job | None = None
        self.requests = 0
        self.finished: dict[str, Any] = {}
        self.cursors: list[str] = []

    async def is_open(self, job_id: str) -> bool:
        return self.job is not None

    async def request(self, job_id: str, kind: str, **progress: Any) -> None:
        self.requests += 1
        self.job = Job(job_id, Lease(job_id, "token", 1, {}), progress=progress)

    async def claim(self, kind: str) -> Job | None:
        return self.job if kind == "account" else None

    async def save(self, job: Job) -> None:
        self.cursors.append(job.cursor)

    async def postpone(self, job: Job) -> None: ...

    async def finish(self, job: Job) -> None:
        self.job, self.finished = None, job.progress


class UnknownAccounts(FakeAccounts):
    async def plans(self, account_ids: Any, session: Any = None) -> Any:
        return {}


class Stage:
    """Files of Ann and Bob, all indexed as they are."""

    def __init__(self, accounts: FakeAccounts | None = None) -> None:
        files = [a_file(f"{owner}{number}", owner_id=owner) for owner in ("ann", "bob") for number in range(5)]
        self.metadata, self.entries, self.jobs = (
            FakeMetadata({file.file_id: file for file in files}),
            FakeEntries(),
            FakeJobs(),
        )
        for file in files:
            self.entries.add(an_entry(file, pending=False))
        neighbours: Any = (accounts or FakeAccounts(), FakeService(self.entries), self.jobs)
        self.rebuild = AccountRebuild(self.metadata, self.entries, *neighbours, page=2, clock=lambda: NOW)  # type: ignore[arg-type]

    def pending(self) -> set[str]:
        return {key for key, entry in self.entries.known.items() if entry.pending}


async def test_all_files_of_the_account_are_queued_and_no_others() -> None:
    """Page by page; what waits already is left alone, and what differs from metadata is put right."""
    stage = Stage()
    stage.metadata.files["ann1"] = a_file("ann1", revision=2)
    stage.metadata.files["ann9"] = a_file("ann9")
    del stage.metadata.files["ann2"]
    stage.entries.add(an_entry(a_file("ann3"), change=7))
    await stage.rebuild.request("ann")
    assert await stage.rebuild.work()
    assert stage.pending() == {"ann0", "ann1", "ann3", "ann4", "ann9"}
    known = stage.entries.known
    assert (known["ann1"].file.revision, known["ann2"].file.purged, known["ann3"].change) == (2, True, 7)
    assert stage.jobs.finished["pass_1"] == {"files": 5, "added": 2, "taken_over": 2, "removed": 1}
    assert not await stage.rebuild.work()


async def test_a_second_request_does_not_start_again() -> None:
    """The running one goes on where it is."""
    stage = Stage()
    await stage.rebuild.request("ann")
    await stage.rebuild.request("ann")
    assert stage.jobs.requests == 1


async def test_an_interrupted_rebuild_goes_on_where_it_was() -> None:
    """Pages before the failure are not queued again; the failure is shown meanwhile."""
    stage = Stage()
    await stage.rebuild.request("ann")
    listing, calls = stage.metadata.list_files, 0

    async def failing(after: str, limit: int, *, owner_id: str | None = None) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise RuntimeError("away")
        return await listing(after, limit, owner_id=owner_id)

    stage.metadata.list_files = failing  # type: ignore[method-assign]
    with pytest.raises(RuntimeError):
        await stage.rebuild.work()
    assert stage.jobs.job is not None
    assert (stage.jobs.job.progress["state"], stage.jobs.job.progress["error"]) == ("waiting", "RuntimeError('away')")
    assert await stage.rebuild.work()
    assert stage.jobs.cursors == ["", "ann1", "ann1", "ann3", "ann4", "ann4"]
    assert stage.jobs.finished["pass_1"]["added"] == 5
    assert {entry.change for entry in stage.entries.known.values() if entry.file.owner_id == "ann"} == {2}


async def test_an_account_is_known_by_its_files_too() -> None:
    """Where the event of its creation was lost; one without files is refused."""
    stage = Stage(UnknownAccounts())
    await stage.rebuild.request("ann")
    with pytest.raises(NotFound, match="not_found"):
        await stage.rebuild.request("eve")
