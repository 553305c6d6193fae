"""A few limited worker processes for other people's files: started when needed, killed when they misbehave, ended when
idle. What runs in them is a module that calls `limited_worker.serve_confined`.
"""

import asyncio
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from docstore_platform.limited_worker import LENGTH

log = structlog.get_logger(__name__)
_STDERR_BYTES = 4096
_MEMORY_SIGNS = (b"memory allocation", b"bad_alloc", b"MemoryError", b"Cannot allocate", b"out of memory")
_KILLED_FROM_OUTSIDE = (-signal.SIGKILL, -signal.SIGTERM)


@dataclass(frozen=True, slots=True)
class WorkerLimits:
    """Of one job, except `workers`, `idle_seconds` and `jobs_per_worker`. No file it writes is larger than one it is
    given may be: `max_document_bytes`.
    """

    workers: int = 1
    idle_seconds: float = 30.0
    jobs_per_worker: int = 200
    seconds: float = 120.0
    memory_mb: int = 1024
    max_document_bytes: int = 100 << 20


@dataclass(frozen=True, slots=True)
class Program:
    """What the workers run: a module, and the variables it needs beside those that every worker has."""

    module: str
    variables: Mapping[str, str]


class JobFailed(Exception):
    """A job came to no answer: `timed_out`, `out_of_memory` or `parser_crashed`, its `reason`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class WorkerDied(Exception):
    """The process ended before it answered."""

    def __init__(self, returncode: int, stderr: bytes) -> None:
        super().__init__(f"worker ended with {returncode}")
        self.returncode = returncode
        self.stderr = stderr

    @property
    def reason(self) -> str:
        if self.returncode == -signal.SIGXCPU:
            return "timed_out"
        killed = self.returncode in _KILLED_FROM_OUTSIDE  # by the kernel, most likely: it was the largest process
        starved = killed or any(sign in self.stderr for sign in _MEMORY_SIGNS)
        return "out_of_memory" if starved else "parser_crashed"


class Worker:
    """One process and its pipes; used by one job at a time."""

    def __init__(self, process: asyncio.subprocess.Process, folder: str) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self._process = process
        self._requests, self._answers, self._errors = process.stdin, process.stdout, process.stderr
        self._folder = folder
        self._stderr = bytearray()
        self._drain = asyncio.create_task(self._keep_last_words())
        self.jobs = 0

    @classmethod
    async def start(cls, program: Program, limits: WorkerLimits, parent: Path | None = None) -> "Worker":
        """A process with its own folder for temporary files (in `parent`) and none of this one's environment."""
        folder = tempfile.mkdtemp(prefix="docstore-worker-", dir=parent)
        arguments = {
            "--parent": os.getpid(),
            "--memory-mb": limits.memory_mb,
            "--file-mb": limits.max_document_bytes >> 20,
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-I", "-m", program.module),
            *(str(part) for pair in arguments.items() for part in pair),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=folder,
            env=_environment(folder, program.variables),
            start_new_session=True,  # Ctrl-C in the terminal is the service's to handle
        )
        return cls(process, folder)

    @property
    def pid(self) -> int:
        return self._process.pid

    async def run(self, request: dict[str, Any]) -> dict[str, Any]:
        """The answer to one request. Raises WorkerDied."""
        self.jobs += 1
        data = json.dumps(request).encode()
        try:
            self._requests.write(LENGTH.pack(len(data)) + data)
            await self._requests.drain()
            (length,) = LENGTH.unpack(await self._answers.readexactly(LENGTH.size))
            answer: dict[str, Any] = json.loads(await self._answers.readexactly(length))
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            await self.stop()
            raise WorkerDied(self._process.returncode or 0, bytes(self._stderr)) from error
        return answer

    async def stop(self, *, kill: bool = False) -> None:
        """End the process (at once, or after a second's grace) and remove what it left."""
        if kill and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()
        self._requests.close()
        try:
            await asyncio.wait_for(self._process.wait(), 1.0)
        except TimeoutError:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        await self._drain
        shutil.rmtree(self._folder, ignore_errors=True)

    async def _keep_last_words(self) -> None:
        while chunk := await self._errors.read(_STDERR_BYTES):
            self._stderr += chunk
            del self._stderr[:-_STDERR_BYTES]


def empty(folder: Path) -> None:
    """Remove what workers that were killed have left. The folder itself stays: it may be where a volume is mounted."""
    folder.mkdir(parents=True, exist_ok=True)
    for child in folder.iterdir():
        if child.is_dir() and not child.is_symlink():
            shutil.rmtree(child, ignore_errors=True)
        else:
            child.unlink(missing_ok=True)


def _environment(folder: str, variables: Mapping[str, str]) -> dict[str, str]:
    return {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": folder,
        "TMPDIR": folder,
        "MALLOC_ARENA_MAX": "1",
        **variables,
    }


class WorkerPool:
    """At most `limits.workers` processes; an idle one waits `limits.idle_seconds` for its next job."""

    def __init__(self, program: Program, limits: WorkerLimits, folder: Path | None = None) -> None:
        """`folder` is for the workers' temporary files; without one: the system's."""
        self._program = program
        self._limits = limits
        self._folder = folder
        self._free = asyncio.Semaphore(limits.workers)
        self._idle: dict[Worker, asyncio.TimerHandle] = {}
        self._busy: set[Worker] = set()
        self._endings: set[asyncio.Task[None]] = set()

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers alive, busy ones first."""
        return [worker.pid for worker in (*self._busy, *self._idle)]

    async def run(self, request: dict[str, Any]) -> dict[str, Any]:
        """Do one job. A worker killed from outside is replaced and the job tried once more. Raises JobFailed."""
        async with self._free:
            try:
                return await self._attempt(request)
            except WorkerDied as death:
                log.warning(
                    "worker died", program=self._program.module, returncode=death.returncode, reason=death.reason
                )
                if death.returncode not in _KILLED_FROM_OUTSIDE:
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
                answer = await worker.run(request | {"seconds": self._limits.seconds})
            healthy = answer.get("reason") not in ("parser_crashed", "out_of_memory")
            if not healthy:
                log.warning("job crashed", program=self._program.module, detail=answer.get("detail"))
            return answer
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
        if not healthy or worker.jobs >= self._limits.jobs_per_worker:
            self._later(worker.stop(kill=not healthy))
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
        """End every worker; jobs under way fail."""
        for timer in self._idle.values():
            timer.cancel()
        workers = [*self._idle, *self._busy]
        self._idle.clear()
        await asyncio.gather(*(worker.stop(kill=True) for worker in workers), *self._endings)
