"""State machines of jobs that are interleaved at each call that leaves the process.

Each job is a task that waits before each call to the database, the object store or a service until the machine lets it
go on; instead the machine may kill it there.
"""

import asyncio
import contextvars
import inspect
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from docstore_platform.errors import DomainError

_job: contextvars.ContextVar["Job | None"] = contextvars.ContextVar("job", default=None)


@dataclass(eq=False)
class Job:
    """Something under way, one call at a time."""

    name: str
    waiting: list[tuple[str, asyncio.Future[None]]] = field(default_factory=list)
    """Calls that wait for their turn, by name."""
    returned: asyncio.Event = field(default_factory=asyncio.Event)
    is_killed: bool = False
    task: asyncio.Task[Any] = field(init=False)


class Gated:
    """What jobs call: each call waits for its turn. Those within a transaction belong to the call that began it."""

    def __init__(self, target: Any) -> None:
        self._target = target

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._target, name)
        if not inspect.iscoroutinefunction(method):
            return method

        async def call(*arguments: Any, **named: Any) -> Any:
            job = _job.get()
            if job is None or _in_transaction(method, arguments, named):
                return await method(*arguments, **named)
            if job.is_killed:
                raise asyncio.CancelledError
            turn = asyncio.get_running_loop().create_future()
            job.waiting.append((name, turn))
            await turn
            try:
                return await method(*arguments, **named)
            finally:
                job.returned.set()

        return call


def _in_transaction(method: Any, arguments: Any, named: Any) -> bool:
    return inspect.signature(method).bind(*arguments, **named).arguments.get("session") is not None


class GatedJobs(RuleBasedStateMachine):
    """Lets one of its jobs make its next calls, come to its end, or be killed."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self.loop = loop
        self.jobs: list[Job] = []
        self.killed: Counter[str] = Counter()
        """How many of each name."""

    def begin(self, name: str, work: Coroutine[Any, Any, Any]) -> None:
        job = Job(name)

        async def run() -> None:
            _job.set(job)
            try:
                await work
            except DomainError:
                pass  # a refusal is an answer like another
            finally:
                job.returned.set()

        job.task = self.loop.create_task(run())
        self.jobs.append(job)
        self.loop.run_until_complete(_settle())

    async def _go_on(self, job: Job) -> None:
        job.returned.clear()
        job.waiting.pop(0)[1].set_result(None)
        await job.returned.wait()
        await _settle()

    def go_on_until(self, job: Job, call: str) -> None:
        """To the next time that it waits for this call."""
        while job.waiting[0][0] != call:
            self.loop.run_until_complete(self._go_on(job))

    def forget_ended(self) -> None:
        for job in [job for job in self.jobs if job.task.done()]:
            self.jobs.remove(job)
            if not job.is_killed:
                job.task.result()

    @precondition(lambda self: self.jobs)
    @rule(which=st.integers(0, 4), calls=st.integers(1, 6))
    def job_goes_on(self, which: int, calls: int) -> None:
        job = self.jobs[which % len(self.jobs)]
        for _ in range(calls):
            if job.waiting:
                self.loop.run_until_complete(self._go_on(job))
        self.forget_ended()

    @precondition(lambda self: self.jobs)
    @rule(which=st.integers(0, 4))
    def job_ends(self, which: int) -> None:
        job = self.jobs[which % len(self.jobs)]
        while job.waiting:
            self.loop.run_until_complete(self._go_on(job))
        self.forget_ended()

    @precondition(lambda self: self.jobs)
    @rule(which=st.integers(0, 4))
    def job_is_killed(self, which: int) -> None:
        job = self.jobs[which % len(self.jobs)]
        job.is_killed = True
        self.killed[job.name] += 1
        job.task.cancel()
        for _, turn in job.waiting:  # of what it has begun
            turn.cancel()
        self.loop.run_until_complete(asyncio.wait([job.task]))
        self.loop.run_until_complete(_settle())
        self.forget_ended()


async def _settle() -> None:
    """Until every task waits for its turn, or has ended: nothing else here takes time."""
    for _ in range(40):
        await asyncio.sleep(0)
