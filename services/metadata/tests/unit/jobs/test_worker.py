"""The worker of jobs on fakes: walks page by page, failures and lost leases."""

import pytest
from metadata_fakes import Desk

from docstore_events.transaction import Transaction
from docstore_metadata.jobs import worker as module
from docstore_metadata.jobs.repository import Job, JobKind, Step
from docstore_metadata.jobs.worker import Continue, JobWorker
from docstore_work.lease_queue import Lease, LeaseLost


def worker_of(desk: Desk, **others: Continue) -> JobWorker:
    return JobWorker(desk.store, desk.tree, desk.transactor, others, clock=desk.clock)  # type: ignore[arg-type]


def due(desk: Desk, kind: JobKind, folder_id: str) -> Job:
    """A job that is due."""
    lease = Lease("job", "this instance", 1, {})
    job = Job("job", kind, "ann", "ann", lease, [Step(folder_id)])
    desk.fakes.jobs.due.append(job)
    return job


async def test_nothing_is_done_while_no_job_is_due(desk: Desk) -> None:
    """`work` reports it, so that the loop waits."""
    assert not await worker_of(desk).work()


async def test_a_walk_publishes_each_deleted_descendant_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Page by page, in as many steps; a second walk publishes nothing."""
    monkeypatch.setattr(module, "PAGE", 2)
    folder = await desk.folder("/a")
    for path in ("/a/b", "/a/b/c", "/a/d", "/a/e"):
        await desk.folder(path)
    await desk.trash.put_in(desk.caller, folder.id, None)
    for _ in range(2):
        due(desk, "settle", folder.id)
        assert await worker_of(desk).work()
    assert desk.published.events.count("file-deleted") == 5
    assert desk.fakes.jobs.saved[-1].steps == []
    assert len(desk.fakes.jobs.saved) > 2


async def test_a_failed_job_is_postponed_with_the_steps_of_its_last_page(desk: Desk) -> None:
    """The failed page was not committed."""

    async def fail(job: Job, transaction: Transaction) -> bool:
        raise ConnectionError("the database is away")

    job = due(desk, "grant", "ann")
    with pytest.raises(ConnectionError):
        await worker_of(desk, grant=fail).work()
    assert (desk.fakes.jobs.postponed, job.steps) == ([job], [Step("ann")])


async def test_a_job_without_a_walk_continues_until_nothing_is_left(desk: Desk) -> None:
    """Each part is a step of its own."""
    left = [True, True, False]

    async def grant(job: Job, transaction: Transaction) -> bool:
        return left.pop(0)

    due(desk, "grant", "ann")
    assert await worker_of(desk, grant=grant).work()
    assert [len(job.steps) for job in desk.fakes.jobs.saved] == [1, 1, 0]


async def test_a_job_that_was_taken_over_is_not_postponed(desk: Desk) -> None:
    """Another instance has leased it: this one stops."""

    async def lose(job: Job, transaction: Transaction) -> bool:
        raise LeaseLost("job")

    due(desk, "decline", "ann")
    assert await worker_of(desk, decline=lose).work()
    assert desk.fakes.jobs.postponed == []
