"""Batches of commits, and rounds of independent ones."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docstore_metadata.commits.batcher import MAX_BATCH, CommitBatcher
from docstore_metadata.commits.rules import Commit, independent_rounds

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def commit(upload_id: str, path: str | None, file_id: str | None = None) -> Commit:
    return Commit(
        upload_id=upload_id,
        account_id="ann",
        device="",
        path=path,
        file_id=file_id,
        size=1,
        content_type="",
        sha256="",
        object_key=upload_id,
        base_version=None,
        on_conflict="copy",
        tags=(),
        uploaded_at=NOW,
    )


paths = st.lists(st.sampled_from("ab"), min_size=1, max_size=3).map(lambda names: "/" + "/".join(names))


@given(st.lists(st.tuples(paths | st.none(), st.sampled_from(["u", "v", "w", "x"])), max_size=12))
def test_rounds_contain_independent_commits(wanted: list[tuple[str | None, str]]) -> None:
    """Every commit is in one round; no two of a round conflict; conflicting ones keep their order."""
    commits = [commit(upload_id, path, None if path else "f") for path, upload_id in wanted]
    rounds = independent_rounds(commits)
    assert sorted(position for batch in rounds for position in batch) == list(range(len(commits)))
    round_of = {position: number for number, batch in enumerate(rounds) for position in batch}
    for late in range(len(commits)):
        for early in range(late):
            one, other = commits[early], commits[late]
            a, b = one.path or f"id:{one.file_id}", other.path or f"id:{other.file_id}"
            nested = a.startswith(b + "/") or b.startswith(a + "/")
            if a == b or nested or one.upload_id == other.upload_id:
                assert round_of[early] < round_of[late]


async def test_waiting_commits_share_a_batch() -> None:
    """While one batch is written the next one collects; each caller gets its own answers; accounts are independent."""
    batches: list[list[str]] = []
    gate, both_begun = asyncio.Event(), asyncio.Event()

    async def write(commits: Sequence[Commit]) -> list[Any]:
        batches.append([c.upload_id for c in commits])
        if len(batches) == 2:
            both_begun.set()
        await gate.wait()
        return [{"id": c.upload_id} for c in commits]

    groups = CommitBatcher(write)

    def start(number: int) -> asyncio.Task[list[Any]]:
        return asyncio.create_task(groups.run("ann", [commit(f"{number}", "/x"), commit(f"{number}b", "/y")]))

    tasks = [start(0)]
    other = asyncio.create_task(groups.run("bob", [commit("bob", "/x")]))
    await both_begun.wait()
    assert batches == [["0", "0b"], ["bob"]]
    tasks += [start(number) for number in (1, 2, 3)]
    await asyncio.sleep(0)
    gate.set()
    assert await asyncio.gather(*tasks) == [[{"id": f"{n}"}, {"id": f"{n}b"}] for n in range(4)]
    await other
    assert batches[2:] == [["1", "1b", "2", "2b", "3", "3b"]]


async def test_a_batch_has_a_maximum_size() -> None:
    """More commits than fit into one transaction go into the next."""
    sizes: list[int] = []

    async def write(commits: Sequence[Commit]) -> list[Any]:
        sizes.append(len(commits))
        return [{} for _ in commits]

    groups = CommitBatcher(write)
    await asyncio.gather(*(groups.run("ann", [commit("u", "/x")] * 200) for _ in range(6)))
    assert sum(sizes) == 1200
    assert max(sizes) <= MAX_BATCH


async def test_a_failed_batch_fails_for_its_callers_only() -> None:
    """Every caller of the batch gets the error; the next batch is written."""
    failing = True

    async def write(commits: Sequence[Commit]) -> list[Any]:
        if failing:
            raise ConnectionError("down")
        return [{} for _ in commits]

    groups = CommitBatcher(write)
    outcomes = await asyncio.gather(*(groups.run("ann", [commit("u", "/x")]) for _ in range(3)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [ConnectionError] * 3
    failing = False
    assert await groups.run("ann", [commit("u", "/x")]) == [{}]


@pytest.mark.parametrize("size", [1, 3])
async def test_a_cancelled_caller_does_not_affect_others(size: int) -> None:
    """Its commit is written all the same."""
    gate = asyncio.Event()

    async def write(commits: Sequence[Commit]) -> list[Any]:
        await gate.wait()
        return [{} for _ in commits]

    groups = CommitBatcher(write)
    impatient = asyncio.create_task(groups.run("ann", [commit("u", "/x")]))
    patient = asyncio.create_task(groups.run("ann", [commit("v", "/y")] * size))
    await asyncio.sleep(0)
    impatient.cancel()
    gate.set()
    assert await patient == [{}] * size
