"""Starts services as forks of one process that has imported them all (`prefork.py`)."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

from docstore_platform.service.start_signal import START_SIGNAL
from docstore_platform.tasks import end_tasks
from docstore_standalone.supervision.prefork import MAX_MESSAGE_BYTES, Job
from docstore_standalone.supervision.processes import ServerFailed, base_environment, die_with_parent

KILLED = -signal.SIGKILL
MIB = str(1 << 20)
BEFORE_IT_BEGINS = {"MALLOC_ARENA_MAX": "2", "MALLOC_MMAP_THRESHOLD_": MIB, "MALLOC_TRIM_THRESHOLD_": MIB}
"""Variables that the C library reads at the start of a program. Unless they are set, its thresholds grow with what is
freed, up to 64 MiB: what record batches leave free would stay with the process."""


class ForkedProcess:
    """An `asyncio.subprocess.Process` for a child of another process."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._ended = asyncio.Event()

    def end(self, status: int) -> None:
        """Record the exit status, reported by its parent."""
        self.returncode = status
        self._ended.set()

    async def wait(self) -> int:
        await self._ended.wait()
        assert self.returncode is not None
        return self.returncode

    def begin(self) -> None:
        """Let it begin, if it waits."""
        self.send_signal(START_SIGNAL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):  # it has ended, as its parent will report
                os.kill(self.pid, number)


class Forker:
    """A process that forks, restarted when needed. Its children end with it."""

    def __init__(self, folder: Path, variables: Mapping[str, str]) -> None:
        """`folder`: the stack's data folder; `variables`: those that must be set before a program starts."""
        self._folder, self._variables = folder, variables
        self._process: asyncio.subprocess.Process | None = None
        self._channel: socket.socket | None = None
        self._listening: asyncio.Task[None] | None = None
        self._sending = asyncio.Lock()
        """While a process is started, if needed, and a job sent to it."""
        self._waiting: list[asyncio.Future[ForkedProcess]] = []
        """For the process of now, in the order of its jobs."""
        self._prepared: dict[str, tuple[Job, ForkedProcess]] = {}

    async def start(self) -> None:
        """Start importing; the first fork waits until it has finished."""
        parent_end, child_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        logs = self._folder / "logs"
        logs.mkdir(parents=True, exist_ok=True, mode=0o700)
        with child_end, (logs / "prefork.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(
                    sys.executable,
                    "-m",
                    "docstore_standalone.supervision.prefork",
                    str(child_end.fileno()),
                    str(self._folder),
                ),
                pass_fds=[child_end.fileno()],
                env={**base_environment(), **self._variables},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                umask=0o077,
                preexec_fn=partial(die_with_parent, os.getpid()),
            )
        parent_end.setblocking(False)
        self._channel, self._waiting = parent_end, []
        self._listening = asyncio.create_task(self._listen(parent_end, self._waiting), name="forked processes")

    async def prepare(self, job: Job) -> None:
        """Fork a process in advance, which prepares itself and then waits until `fork` is called with this job."""
        with contextlib.suppress(ServerFailed):  # as it will be reported
            self._prepared[job.title] = (job, await self._fork(replace(job, waits=True)))

    async def fork(self, job: Job) -> ForkedProcess:
        """Fork a process that runs the job, unless one is prepared. ServerFailed if that fails."""
        prepared_job, prepared = self._prepared.pop(job.title, (job, None))
        if prepared is not None and prepared_job == job and prepared.returncode is None:
            prepared.begin()
            return prepared
        if prepared is not None:
            prepared.kill()
        return await self._fork(job)

    async def _fork(self, job: Job) -> ForkedProcess:
        response: asyncio.Future[ForkedProcess] = asyncio.get_running_loop().create_future()
        async with self._sending:
            if self._listening is None or self._listening.done():
                await self.start()
            assert self._channel is not None
            self._waiting.append(response)
            with contextlib.suppress(ConnectionError):  # the process has ended, which the response will report
                await asyncio.get_running_loop().sock_sendall(self._channel, json.dumps(asdict(job)).encode())
        return await response

    async def _listen(self, channel: socket.socket, waiting: list[asyncio.Future[ForkedProcess]]) -> None:
        """Pass on what one process reports, until it ends: to those who wait for it, and to its children."""
        children: dict[int, ForkedProcess] = {}
        with channel:
            while message := await self._next(channel):
                notice = json.loads(message)
                if "started" in notice:
                    child = children[notice["started"]] = ForkedProcess(notice["started"])
                    response = waiting.pop(0)
                    if response.cancelled():
                        child.kill()
                    else:
                        response.set_result(child)
                else:
                    children.pop(notice["ended"]).end(notice["status"])
        for response in waiting:
            if not response.done():
                response.set_exception(ServerFailed("the process that forks services has ended"))
        for child in children.values():
            child.end(KILLED)

    async def _next(self, channel: socket.socket) -> bytes:
        """Return the next message; empty at the end."""
        try:
            return await asyncio.get_running_loop().sock_recv(channel, MAX_MESSAGE_BYTES)
        except OSError:
            return b""

    async def close(self) -> None:
        """End the process; its children should have ended before."""
        if self._listening is not None:
            await end_tasks([self._listening])
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


async def importing_services(folder: Path) -> Forker | None:
    """Start a forker for the stack in `folder`, which imports the services; None where forking is not safe."""
    if sys.platform != "linux":
        return None
    forker = Forker(folder, BEFORE_IT_BEGINS)
    await forker.start()
    return forker
