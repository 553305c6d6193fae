"""Server processes that never outlive the process that started them."""

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol, runtime_checkable

import psutil

from docstore_platform.tasks import end_tasks
from docstore_standalone.supervision.connection_guard import ConnectionGuard, GuardUnavailable

PR_SET_PDEATHSIG = 1  # prctl(2)
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
START_TIME_TOLERANCE = 1.0  # seconds, where a start time is by the clock, which changes of the clock shift
LOG_TAIL_BYTES = 2000
_prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


class Server(Protocol):
    """A server that runs as one child process."""

    name: str
    port_names: Sequence[str]
    """Its names in the port book; the one of its address comes first."""
    log_file: Path
    stop_seconds: float
    """How long a graceful stop may take before the process is killed."""

    def prepare(self) -> None:
        """Write its files before each start. Called again after a crash: idempotent."""

    def command(self) -> Sequence[str]: ...

    def environment(self) -> Mapping[str, str]:
        """All its variables: nothing is inherited from this process."""

    async def wait_ready(self) -> None:
        """Return once it serves requests; cancelled when the process ends or the time is up."""

    def clean_up(self) -> None:
        """Remove its files outside its folder. Called after each stop."""


class Child(Protocol):
    """A started process: an `asyncio.subprocess.Process`, or a fork of another process."""

    pid: int

    @property
    def returncode(self) -> int | None: ...

    async def wait(self) -> int: ...

    def send_signal(self, number: int, /) -> None: ...

    def terminate(self) -> None: ...

    def kill(self) -> None: ...


@runtime_checkable
class ForkedServer(Protocol):
    """A server that can be forked from a process that has imported it, instead of running `command`."""

    async def fork(self) -> Child | None:
        """Return the running process; None if it must be started by `command`."""


@runtime_checkable
class GuardedServer(Protocol):
    """A server that may be unable to identify who connects to it."""

    own_user_only: bool
    """Only processes of this user may connect: it has no authentication of its own."""


class ServerFailed(Exception):
    """A server ended, or was not ready in time; the message has the end of its log."""


@dataclass(frozen=True, slots=True)
class ProcessId:
    """Unique identity of a process: process ids alone are reused."""

    pid: int
    started_at: float = field(metadata={"unit": "seconds since the boot; since the epoch if `boot` is empty"})
    boot: str = ""
    """Linux's id of the boot. Empty on other systems, and in a state of an earlier version."""

    @classmethod
    def of(cls, pid: int) -> "ProcessId":
        """NoSuchProcess if it has ended and nothing is left of it."""
        if boot := _boot_id():
            return cls(pid, _seconds_from_boot(pid), boot)
        return cls(pid, psutil.Process(pid).create_time())

    def find(self) -> psutil.Process | None:
        """Return the process if it is still running."""
        try:
            process = psutil.Process(self.pid)
            same = ProcessId.of(self.pid) == self if self.boot else self._started_about(process.create_time())
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None

    def _started_about(self, time: float) -> bool:
        return abs(time - self.started_at) < START_TIME_TOLERANCE


def _boot_id() -> str:
    """Return Linux's id of this boot; empty on other systems."""
    try:
        return BOOT_ID.read_text().strip()
    except OSError:
        return ""


def _seconds_from_boot(pid: int) -> float:
    """Return when a process started, which no step of the clock changes (proc(5), field 22 of stat). NoSuchProcess."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError) as error:
        raise psutil.NoSuchProcess(pid) from error
    after_name = stat.rpartition(b")")[2].split()  # from field 3 on: a name may contain spaces
    return int(after_name[19]) / os.sysconf("SC_CLK_TCK")


def base_environment() -> dict[str, str]:
    """Inherited environment of a server: paths of programs and temporary files, and the language."""
    names = ("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "TZ")
    return {name: os.environ[name] for name in names if name in os.environ}


def log_tail(path: Path) -> str:
    """Return the last lines of a log file; nothing if it can't be read."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - LOG_TAIL_BYTES))
            return file.read().decode(errors="replace").strip()
    except OSError:
        return ""


def die_with_parent(parent: int) -> None:
    """Run in the child before exec: the kernel kills it when the thread that started it ends."""
    if _prctl is None:
        return
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # the parent died before the line above
        os._exit(1)


def _guard_of(server: Server) -> ConnectionGuard | None:
    guarded = isinstance(server, GuardedServer) and server.own_user_only
    return ConnectionGuard(server.name) if guarded else None


def _before_the_program(parent: int, guard: ConnectionGuard | None) -> None:
    die_with_parent(parent)
    if guard:
        guard.install()


async def _execute(server: Server) -> Child:
    """Start the program. GuardUnavailable if it must be guarded and this host can't."""
    guard = _guard_of(server)
    with closing(guard) if guard else nullcontext(), server.log_file.open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *server.command(),
            env=dict(server.environment()),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            umask=0o077,  # its files are private, even in a data folder that others may enter
            preexec_fn=partial(_before_the_program, os.getpid(), guard),
        )
        try:
            if guard:
                guard.begin(process.pid)
        except GuardUnavailable:
            process.kill()
            await process.wait()
            raise
        return process


class ServerProcess:
    """One run of a server, from start to end.

    Start it from a thread that lives as long as the server, such as the event loop's main thread.
    """

    def __init__(self, server: Server, process: Child) -> None:
        self.server = server
        self.id = ProcessId.of(process.pid)
        self._process = process

    @classmethod
    async def start(cls, server: Server) -> "ServerProcess":
        """Start the process in a session of its own, which Ctrl-C in a terminal does not reach. It is not ready yet.

        OSError if the program can't be run, ServerFailed if it has ended already.
        """
        await asyncio.to_thread(server.prepare)
        server.log_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        process = await server.fork() if isinstance(server, ForkedServer) else None
        try:
            return cls(server, process or await _execute(server))
        except GuardUnavailable as error:
            raise ServerFailed(
                f"{server.name} has no authentication, and other users can't be kept from it here: {error}. "
                "If you trust all users of this machine, set DOCSTORE_ALLOW_OPEN_BROKER=true"
            ) from error
        except psutil.NoSuchProcess as error:
            raise ServerFailed(f"{server.name} ended at once\n{log_tail(server.log_file)}") from error

    @property
    def running(self) -> bool:
        return self._process.returncode is None

    async def wait(self) -> int:
        """Wait until it ends; return its exit status, negative for a signal."""
        return await self._process.wait()

    async def wait_ready(self, seconds: float) -> None:
        """Wait until it serves requests. ServerFailed if it ends before, or takes longer."""
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

    def send_signal(self, number: int) -> bool:
        """Send it a signal; return whether it still runs."""
        if self.running:
            self._process.send_signal(number)
        return self.running

    def terminate(self) -> None:
        """Let it end gracefully."""
        if self.running:
            self._process.terminate()

    async def stop(self) -> None:
        """Terminate it, wait, then kill it."""
        if self.running:
            self.terminate()
            try:
                await asyncio.wait_for(self.wait(), self.server.stop_seconds)
            except TimeoutError:
                self._process.kill()
        await self.wait()
        self.server.clean_up()

    async def kill(self) -> None:
        """Kill it, as a crash would."""
        if self.running:
            self._process.kill()
        await self.wait()
        self.server.clean_up()


def end_leftover(identity: ProcessId, seconds: float = 5.0) -> bool:
    """Stop a server of an earlier run whose supervisor was killed; return whether there was one."""
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
