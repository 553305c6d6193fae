"""Group commit of concurrent calls."""

import asyncio
import gc
from collections.abc import Sequence

import pytest

import docstore_work.batcher
from docstore_work.batcher import Batcher


class Work:
    """Records its batches; a batch ends when `gate` is open."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.gate = asyncio.Event()
        self.failure: Exception | None = None

    async def __call__(self, items: Sequence[str]) -> list[str]:
        self.batches.append(list(items))
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        return [item.upper() for item in items]


async def begun(work: Work, batches: int) -> None:
    while len(work.batches) < batches:  # noqa: ASYNC110 - the batch begins in a task of its own
        await asyncio.sleep(0)


async def test_calls_that_wait_share_a_batch() -> None:
    """A call alone begins at once; those that arrive meanwhile are one batch, and each gets its own result."""
    work = Work()
    batcher: Batcher[str, str] = Batcher("test", work)
    calls = [asyncio.create_task(batcher.run("a"))]
    await begun(work, 1)
    calls += [asyncio.create_task(batcher.run(item)) for item in "bcd"]
    await asyncio.sleep(0)
    work.gate.set()
    assert await asyncio.gather(*calls) == ["A", "B", "C", "D"]
    assert work.batches == [["a"], ["b", "c", "d"]]


async def test_batches_run_side_by_side() -> None:
    """A slow batch does not hold up others, as many as may run at once."""
    work = Work()
    batcher: Batcher[str, str] = Batcher("test", work, at_once=2)
    calls = []
    for item in "abcd":
        calls.append(asyncio.create_task(batcher.run(item)))
        await begun(work, min(len(calls), 2))
    work.gate.set()
    await asyncio.gather(*calls)
    assert work.batches == [["a"], ["b"], ["c", "d"]]


async def test_a_batch_has_a_largest_size() -> None:
    """More than fits goes into the next batch; a single larger item is a batch of its own."""
    work = Work()
    work.gate.set()
    batcher: Batcher[str, str] = Batcher("test", work, largest=3, size=len)
    await asyncio.gather(*map(batcher.run, ["aa", "b", "cc", "ddddd", "e"]))
    assert work.batches == [["aa", "b"], ["cc"], ["ddddd"], ["e"]]


async def test_a_failed_batch_fails_for_its_callers_only() -> None:
    """Each caller of the batch gets the error; the next batch runs."""
    work = Work()
    work.gate.set()
    work.failure = ConnectionError("down")
    batcher: Batcher[str, str] = Batcher("test", work)
    outcomes = await asyncio.gather(*map(batcher.run, "abc"), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [ConnectionError] * 3
    work.failure = None
    assert await batcher.run("d") == "D"


@pytest.mark.parametrize("others", ["b", "bcd"])
async def test_a_cancelled_caller_does_not_affect_others(others: str) -> None:
    """The work of its batch is done all the same."""
    work = Work()
    batcher: Batcher[str, str] = Batcher("test", work)
    impatient = asyncio.create_task(batcher.run("a"))
    patient = [asyncio.create_task(batcher.run(item)) for item in others]
    await begun(work, 1)
    impatient.cancel()
    work.gate.set()
    assert await asyncio.gather(*patient) == [item.upper() for item in others]


async def test_frequent_calls_are_gathered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that arrive one after the other share a batch, which begins as soon as it has as many as the last one."""
    # A batch that waited for longer than it must would exceed the limit of the test.
    monkeypatch.setattr(docstore_work.batcher, "LONGEST_GATHERING_SECONDS", 3600)
    work = Work()
    work.gate.set()
    batcher: Batcher[str, str] = Batcher("test", work)
    await asyncio.gather(*map(batcher.run, "ab"))
    batcher._took_seconds = 3600
    first = asyncio.create_task(batcher.run("c"))
    await asyncio.sleep(0.001)
    assert await asyncio.gather(first, batcher.run("d")) == ["C", "D"]
    assert work.batches == [["a", "b"], ["c", "d"]]


async def test_a_call_alone_soon_waits_for_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """When other callers have gone, the first of its calls are gathered for as long as a batch takes, and then none."""
    work = Work()
    work.gate.set()
    batcher: Batcher[str, str] = Batcher("test", work)
    await asyncio.gather(*map(batcher.run, "abcdefgh"))
    for _ in range(10):
        await batcher.run("i")
    monkeypatch.setattr(docstore_work.batcher, "LONGEST_GATHERING_SECONDS", 3600)
    batcher._took_seconds = 3600
    assert await batcher.run("j") == "J"


def test_the_end_of_the_loop_leaves_no_batch_behind() -> None:
    """A cancelled batch starts no next one, which would not run to its end; its callers have ended, too."""
    complaints: list[dict[str, object]] = []

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        work = Work()
        batcher: Batcher[str, str] = Batcher("test", work)
        first = asyncio.create_task(batcher.run("a"))
        await begun(work, 1)
        second = asyncio.create_task(batcher.run("b"))
        await asyncio.sleep(0)
        assert not first.done()
        assert not second.done()

    asyncio.run(main())
    gc.collect()
    assert complaints == []
