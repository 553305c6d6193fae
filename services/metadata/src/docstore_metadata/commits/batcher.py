"""Batches commits of one account that arrive while others of it are being written."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from docstore_contracts.metadata import CommitResult
from docstore_metadata.commits.rules import Commit

MAX_BATCH = 500
CommitAll = Callable[[Sequence[Commit]], Awaitable[list[CommitResult]]]
Waiting = tuple[Sequence[Commit], asyncio.Future[list[CommitResult]]]


class CommitBatcher:
    """Makes concurrent requests of one account share a transaction instead of conflicting with each other."""

    def __init__(self, commit: CommitAll) -> None:
        self._commit = commit
        self._waiting: dict[str, list[Waiting]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, account_id: str, commits: Sequence[Commit]) -> list[CommitResult]:
        answer: asyncio.Future[list[CommitResult]] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.get(account_id)
        if waiting is None:
            self._waiting[account_id] = [(commits, answer)]
            task = asyncio.create_task(self._work(account_id), name=f"commits of {account_id}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            waiting.append((commits, answer))
        return await answer

    async def _work(self, account_id: str) -> None:
        waiting = self._waiting[account_id]
        try:
            while waiting:
                batch = [waiting.pop(0)]
                while waiting and sum(len(commits) for commits, _ in batch) + len(waiting[0][0]) <= MAX_BATCH:
                    batch.append(waiting.pop(0))
                await self._answer(batch)
        finally:
            del self._waiting[account_id]

    async def _answer(self, batch: list[Waiting]) -> None:
        try:
            answers = await self._commit([commit for commits, _ in batch for commit in commits])
        except BaseException as error:  # every caller gets an answer, also when this task is cancelled at shutdown
            for _, future in batch:
                if not future.done():
                    future.set_exception(error if isinstance(error, Exception) else ConnectionError("shutting down"))
            if not isinstance(error, Exception):
                raise
            return
        for commits, future in batch:
            mine, answers = answers[: len(commits)], answers[len(commits) :]
            if not future.done():
                future.set_result(mine)
