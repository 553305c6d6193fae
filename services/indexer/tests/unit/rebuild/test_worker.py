"""A rebuild lays metadata beside what is known, whatever differs."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from indexer_fakes import (
    NOW,
    FakeAccounts,
    FakeEngine,
    FakeEntries,
    FakeMetadata,
    FakeService,
    FakeTexts,
    a_file,
    an_entry,
)

from docstore_indexer.extraction.languages import TrainedData
from docstore_indexer.indexing.job_repository import Job
from docstore_indexer.rebuild.worker import Rebuild
from docstore_work.lease_queue import Lease


class FakeJobs:
    """One rebuild is due."""

    def __init__(self) -> None:
        self.open: Job | None = Job("rebuild", Lease("rebuild", "token", 1, {}))
        self.finished = False
        self.saved = 0

    async def claim(self, kind: str) -> Job | None:
        job, self.open = self.open, None
        return job

    async def save(self, job: Job) -> None:
        self.saved += 1

    async def finish(self, job: Job) -> None:
        self.finished = True


def rebuild_of(engine: FakeEngine, metadata: FakeMetadata, entries: FakeEntries, texts: FakeTexts, page: int) -> Any:
    jobs = FakeJobs()
    neighbours: Any = (FakeAccounts(), FakeService(entries), jobs, TrainedData({}))
    return Rebuild(engine, metadata, entries, texts, *neighbours, page=page, clock=lambda: NOW), jobs  # type: ignore[arg-type]


ids = st.sampled_from([f"{number:02}" for number in range(20)])
in_metadata = st.dictionaries(ids, st.tuples(st.integers(1, 3), st.booleans()))
in_entries = st.dictionaries(ids, st.tuples(st.integers(1, 3), st.booleans()))


@given(in_metadata, in_entries, st.integers(1, 7))
async def test_the_new_index_has_just_what_metadata_has(listed: Any, known: Any, page: int) -> None:
    """For any state of metadata and of the entries, in pages of any size: every searchable file, and no other."""
    metadata = FakeMetadata(
        {key: a_file(key, revision=revision, trashed=trashed) for key, (revision, trashed) in listed.items()}
    )
    entries, texts, engine = FakeEntries(), FakeTexts(), FakeEngine()
    for key, (revision, has_text) in known.items():
        revision = min(revision, listed.get(key, (revision,))[0])  # metadata is never behind
        trashed = listed.get(key, (0, False))[1] if revision == listed.get(key, (0,))[0] else False
        file = a_file(key, revision=revision, trashed=trashed)
        entries.add(an_entry(file, pending=False, text_version=int(has_text)))
        texts.kept[key] = (1, f"text of {key}")
    rebuild, jobs = rebuild_of(engine, metadata, entries, texts, page)
    assert await rebuild.work()
    assert jobs.finished
    assert set(engine.documents) == {key for key, (_, trashed) in listed.items() if not trashed}
    for key, document in engine.documents.items():
        expected = f"text of {key}" if known.get(key, (0, False))[1] else None
        assert document.text == expected
    alive = {key for key, entry in entries.known.items() if not entry.file.purged}
    assert alive == set(listed)
    assert all(entries.known[key].file.revision == revision for key, (revision, _) in listed.items())


async def test_a_rebuild_keeps_its_lease_until_the_new_index_has_its_copies() -> None:
    """Copying a large index takes longer than a lease: the job is saved after each wait."""
    saved = []
    for waits in (0, 3):
        engine = FakeEngine(missing_copies=waits)
        rebuild, jobs = rebuild_of(engine, FakeMetadata({}), FakeEntries(), FakeTexts(), 10)
        assert await rebuild.work()
        assert jobs.finished
        saved.append(jobs.saved)
    assert saved[1] == saved[0] + 3
