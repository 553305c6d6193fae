"""Server processes that never outlive the process that started them."""

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol, runtime_checkable

import psutil

from docstore_platform.tasks import end_tasks

PR_SET_PDEATHSIG = 1  # prctl(2)
START_TIME_TOLERANCE = 1.0  # seconds; psutil derives start times from a boot time that the clock may shift
LOG_TAIL_BYTES = 2000
_prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


class Server(Protocol):
    """A server that runs as one child process."""

    name: str
    port_names: Sequence[str]
    """Its names in the port book; the address it answers at comes first."""
    log_file: Path
    stop_seconds: float
    """How long a graceful stop may take before the process is killed."""

    def prepare(self) -> None:
        """Write the files that it needs before each start. Called again after a crash: idempotent."""

    def command(self) -> Sequence[str]: ...

    def environment(self) -> Mapping[str, str]:
        """All variables it gets: nothing is passed on from this process by itself."""

    async def wait_ready(self) -> None:
        """Returns once it serves requests; is cancelled when the process ends or the time is up."""

    def clean_up(self) -> None:
        """Remove what it leaves outside its folder. Called after each stop."""


class Child(Protocol):
    """A process that was started: `asyncio.subprocess.Process`, or one that another process has forked."""

    pid: int

    @property
    def returncode(self) -> int | None: ...

    async def wait(self) -> int: ...

    def terminate(self) -> None: ...

    def kill(self) -> None: ...


@runtime_checkable
class ForkedServer(Protocol):
    """A server that need not run `command`, because a process that has imported it can fork."""

    async def fork(self) -> Child | None:
        """The running process, with what `start` gives to every process; None where it has to be started otherwise."""


class ServerFailed(Exception):
    """A server ended, or was not ready in time; the message has the end of its log."""


@dataclass(frozen=True, slots=True)
class ProcessId:
    """Names one process for good: process ids alone are used again."""

    pid: int
    started_at: float = field(metadata={"unit": "seconds since the epoch"})

    @classmethod
    def of(cls, pid: int) -> "ProcessId":
        return cls(pid, psutil.Process(pid).create_time())

    def find(self) -> psutil.Process | None:
        """The process, if it still runs."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started_at) < START_TIME_TOLERANCE
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None


def base_environment() -> dict[str, str]:
    """What a server may know of ours: where programs and temporary files are, and the language."""
    names = ("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "TZ")
    return {name: os.environ[name] for name in names if name in os.environ}


def log_tail(path: Path) -> str:
    """The last lines of a log file."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - LOG_TAIL_BYTES))
            return file.read().decode(errors="replace").strip()
    except FileNotFoundError:
        return ""


def die_with_parent(parent: int) -> None:
    """Run in the child before exec: the kernel then kills it when the thread that started it ends."""
    if _prctl is None:
        return
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the line above
        os._exit(1)


async def _execute(server: Server) -> Child:
    with server.log_file.open("ab") as log:
        return await asyncio.create_subprocess_exec(
            *server.command(),
            env=dict(server.environment()),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            umask=0o077,  # what it keeps is for its owner, even in a data folder that others may enter
            preexec_fn=partial(die_with_parent, os.getpid()),
        )


class ServerProcess:
    """One run of a server: from start to its end.

    Start it from a thread that lives as long as the server shall, such as the event loop's main thread.
    """

    def __init__(self, server: Server, process: Child) -> None:
        self.server = server
        self.id = ProcessId.of(process.pid)
        self._process = process

    @classmethod
    async def start(cls, server: Server) -> "ServerProcess":
        """The process, not ready yet, in a session of its own so that a terminal's Ctrl-C passes it by.

        OSError if the program can't be run, ServerFailed if its process is gone already.
        """
        await asyncio.to_thread(server.prepare)
        server.log_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        process = await server.fork() if isinstance(server, ForkedServer) else None
        if process is None:
            process = await _execute(server)
        try:
            return cls(server, process)
        except psutil.NoSuchProcess as error:
            raise ServerFailed(f"{server.name} ended at once\n{log_tail(server.log_file)}") from error

    @property
    def running(self) -> bool:
        return self._process.returncode is None

    async def wait(self) -> int:
        """Until it ends; its exit status, negative for a signal."""
        return await self._process.wait()

    async def wait_ready(self, seconds: float) -> None:
        """Until it serves requests. ServerFailed if it ends before, or takes longer."""
        ready = asyncio.ensure_future(self.server.wait_ready())
        ended = asyncio.ensure_future(self.wait())
        try:
            await asyncio.wait({ready, ended}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if not ready.done():
                how = f"ended with status {ended.result()}" if ended.done() else f"not ready after {seconds} s"
                raise ServerFailed(f"{self.server.name} {how}\n{log_tail(self.server.log_file)}")
            await ready
        finally:
            await end_tasks([ready, ended])

    async def stop(self) -> None:
        """Ask it to end, wait, then kill it."""
        if self.running:
            self._process.terminate()
            try:
                await asyncio.wait_for(self.wait(), self.server.stop_seconds)
            except TimeoutError:
                self._process.kill()
        await self.wait()
        self.server.clean_up()

    async def kill(self) -> None:
        """End it at once, as a crash would."""
        if self.running:
            self._process.kill()
        await self.wait()
        self.server.clean_up()


def end_leftover(identity: ProcessId, seconds: float = 5.0) -> bool:
    """End a server of an earlier run that was killed itself; True if there was one."""
    process = identity.find()
    if process is None:
        return False
    try:
        process.terminate()
        process.wait(seconds)
    except psutil.TimeoutExpired:
        process.kill()
        process.wait(seconds)
    except psutil.NoSuchProcess:
        return True
    return True
