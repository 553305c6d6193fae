"""A pool of limited worker processes for untrusted files: started when needed, killed when they misbehave, stopped when
idle. Their program calls `process.serve_confined`. A job that can't be confined is not run.
"""

import asyncio
import shutil
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import structlog

from docstore_contents.workers.sandbox.confinement import SandboxUnavailable, missing
from docstore_contents.workers.worker_process import (
    KILLED_FROM_OUTSIDE,
    JobDied,
    Program,
    Worker,
    WorkerDied,
    WorkerLimits,
)

log = structlog.get_logger(__name__)
RETRY_SECONDS = 30.0
"""How often to retry a sandbox that could not be set up."""


class JobFailed(Exception):
    """A job failed with a `reason`: `timed_out`, `out_of_memory` or `parser_crashed`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def empty(folder: Path) -> None:
    """Remove what killed workers have left. The folder itself stays: a volume may be mounted there."""
    folder.mkdir(parents=True, exist_ok=True)
    for child in folder.iterdir():
        if child.is_dir() and not child.is_symlink():
            shutil.rmtree(child, ignore_errors=True)
        else:
            child.unlink(missing_ok=True)


class WorkerPool:
    """At most `limits.workers` processes; an idle one stops after `limits.idle_seconds`."""

    def __init__(self, program: Program, limits: WorkerLimits, folder: Path | None = None) -> None:
        """`folder`: temporary files of the workers; default: the system's folder."""
        self._program = program
        self._limits = limits
        self._folder = folder
        self._free = asyncio.Semaphore(limits.workers)
        self._idle: dict[Worker, asyncio.TimerHandle] = {}
        self._busy: set[Worker] = set()
        self._endings: set[asyncio.Task[None]] = set()
        self._refusal, self._refused_until = "", 0.0

    @property
    def pids(self) -> list[int]:
        """Process ids of running workers, busy ones first."""
        return [worker.pid for worker in (*self._busy, *self._idle)]

    @property
    def sandbox_missing(self) -> str:
        """Why a job can't be confined now, for people; empty: it can."""
        return missing() or (self._refusal if time.monotonic() < self._refused_until else "")

    @property
    def ready(self) -> bool:
        """Whether jobs can run; otherwise don't start them."""
        return self._limits.allow_weak_sandbox or not self.sandbox_missing

    async def run(self, request: dict[str, Any]) -> dict[str, Any]:
        """Run a job; its document is at `path`. If its process is killed from outside, it is retried once in a new one.
        Raises JobFailed, SandboxUnavailable.
        """
        if not self.ready:
            raise SandboxUnavailable(self.sandbox_missing)
        async with self._free:
            try:
                return await self._attempt(request)
            except WorkerDied as death:
                log.warning("worker_died", program=self._program.name, returncode=death.returncode, reason=death.reason)
                if death.returncode not in KILLED_FROM_OUTSIDE:
                    raise JobFailed(death.reason) from death
            try:
                return await self._attempt(request)
            except WorkerDied as death:
                raise JobFailed(death.reason) from death

    async def _attempt(self, request: dict[str, Any]) -> dict[str, Any]:
        worker = await self._take()
        self._busy.add(worker)
        healthy = False
        try:
            async with asyncio.timeout(self._limits.seconds):
                response = await worker.run(request | {"seconds": self._limits.seconds})
            healthy = True
            if response.get("reason") in ("parser_crashed", "out_of_memory"):
                log.warning("job_crashed", program=self._program.name, detail=response.get("detail"))
            return response
        except JobDied:
            healthy = True
            raise
        except SandboxUnavailable as error:
            self._refusal, self._refused_until = str(error), time.monotonic() + RETRY_SECONDS
            log.error("sandbox_unavailable", program=self._program.name, missing=str(error))
            raise
        except TimeoutError as error:
            raise JobFailed("timed_out") from error
        finally:
            self._busy.discard(worker)
            self._put_back(worker, healthy)

    async def _take(self) -> Worker:
        if self._idle:
            worker, timer = self._idle.popitem()
            timer.cancel()
            return worker
        return await Worker.start(self._program, self._limits, self._folder)

    def _put_back(self, worker: Worker, healthy: bool) -> None:
        if not healthy:
            self._later(worker.stop(kill=True))
            return
        timer = asyncio.get_running_loop().call_later(self._limits.idle_seconds, self._end_idle, worker)
        self._idle[worker] = timer

    def _end_idle(self, worker: Worker) -> None:
        del self._idle[worker]
        self._later(worker.stop())

    def _later(self, ending: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(ending)
        self._endings.add(task)
        task.add_done_callback(self._endings.discard)

    async def close(self) -> None:
        """Stop every worker; jobs under way fail."""
        for timer in self._idle.values():
            timer.cancel()
        workers = [*self._idle, *self._busy]
        self._idle.clear()
        await asyncio.gather(*(worker.stop(kill=True) for worker in workers), *self._endings)
