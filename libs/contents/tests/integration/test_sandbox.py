"""A compromised parser can access its document and an empty folder only."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import hostile_parser
import pytest
from structlog.testing import capture_logs

from docstore_contents.workers.pool import JobFailed, WorkerPool
from docstore_contents.workers.sandbox import confinement, landlock
from docstore_contents.workers.sandbox.confinement import SandboxUnavailable
from docstore_contents.workers.sandbox.watch import STATES, SandboxWatch
from docstore_contents.workers.worker_process import Program, WorkerLimits
from docstore_platform.telemetry.metrics import parser_sandbox

Attempt = Callable[..., Awaitable[dict[str, Any]]]
PROGRAM = Program((hostile_parser.__file__,), {})
LIMITS = WorkerLimits(memory_mb=700, max_document_bytes=2 << 20, seconds=30)


def attempts(pool: WorkerPool, folder: Path) -> Attempt:
    document = folder / "document"
    document.write_text("the document")

    async def run(name: str, target: Any = "") -> dict[str, Any]:
        target = str(target) if isinstance(target, Path) else target
        return await pool.run({"path": str(document), "attempt": name, "target": target})

    return run


def script_of(folder: Path, *changes: str) -> str:
    """Write a hostile parser that first makes `changes` to its sandbox, as another kernel would; return its path."""
    lines = (
        f"import sys; sys.path.append({str(Path(hostile_parser.__file__).parent)!r})",
        "import hostile_parser",
        "from docstore_contents.workers.sandbox import landlock, seccomp",
        *changes,
        "hostile_parser.serve_confined(hostile_parser._load)",
    )
    script = folder / "parser.py"
    script.write_text("\n".join(lines))
    return str(script)


@pytest.fixture
async def pool() -> AsyncIterator[WorkerPool]:
    pool = WorkerPool(PROGRAM, LIMITS)
    yield pool
    await pool.close()


@pytest.fixture
def attempt(pool: WorkerPool, tmp_path: Path) -> Attempt:
    return attempts(pool, tmp_path)


async def test_a_job_reads_its_document(attempt: Attempt) -> None:
    """And nothing of it is changed by being read."""
    assert await attempt("document") == {"worked": True, "got": "the document"}
    assert not (await attempt("copy", "/etc/hostname"))["worked"]


@pytest.mark.parametrize("how", ["read", "write", "truncate", "delete", "chmod", "copy"])
async def test_no_other_file_can_be_touched(attempt: Attempt, tmp_path: Path, how: str) -> None:
    """Not a neighbour of the document, though it belongs to the same user."""
    secret = tmp_path / "credentials.json"
    secret.write_text("secret")
    secret.chmod(0o600)
    assert not (await attempt(how, secret))["worked"]
    assert (secret.read_text(), secret.stat().st_mode & 0o777) == ("secret", 0o600)
    assert not (await attempt("write", tmp_path / "new"))["worked"]
    assert not (await attempt("list", tmp_path))["worked"]


async def test_what_is_readable_cannot_be_emptied_on_an_older_kernel(tmp_path: Path) -> None:
    """Landlock restricts that from Linux 6.2 on; before, seccomp alone. Neither the document nor a module."""
    script, module = script_of(tmp_path, "landlock.version = lambda: 1"), tmp_path / "module.py"
    module.write_text("import os")
    older = WorkerPool(Program((script,), {}, (module,)), LIMITS)
    try:
        attempt = attempts(older, tmp_path)
        assert (await attempt("read", module))["worked"]
        for how in ("empty", "empty_unread", "empty_by_open"):
            assert not (await attempt(how, module))["worked"], how
            assert not (await attempt(how, tmp_path / "document"))["worked"], how
        assert (module.read_text(), (tmp_path / "document").read_text()) == ("import os", "the document")
        assert (await attempt("remember", "written"))["worked"]
    finally:
        await older.close()


@pytest.mark.parametrize("path", ["environ", "maps", "fd/0", "root/etc/passwd"])
async def test_nothing_of_another_process_can_be_read(attempt: Attempt, path: str) -> None:
    """The service has its secrets in its environment and memory."""
    assert not (await attempt("read", Path(f"/proc/{os.getpid()}/{path}")))["worked"]


@pytest.mark.parametrize("how", ["signal", "setown", "limit", "ptrace", "vm_readv"])
async def test_no_other_process_can_be_reached(attempt: Attempt, how: str) -> None:
    """Neither the service nor one of its own user."""
    victim = await asyncio.create_subprocess_exec(sys.executable, "-c", "input()", stdin=subprocess.PIPE)
    for pid in (victim.pid, os.getpid()):
        assert not (await attempt(how, pid))["worked"]
    assert victim.returncode is None
    victim.kill()
    await victim.wait()


@pytest.mark.parametrize("how", ["exec", "execve", "fork", "keyctl", "io_uring"])
async def test_no_program_and_no_process_can_be_started(attempt: Attempt, how: str) -> None:
    """A fork bomb ends with its first fork."""
    assert not (await attempt(how))["worked"]


async def test_no_server_can_be_reached(attempt: Attempt, tmp_path: Path) -> None:
    """By TCP, by a socket in the file system, by a datagram to one."""
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_UNIX) as unix:
        path = f"{tmp_path}/s"
        unix.bind(path)
        unix.listen()
        for how, target in (("tcp", tcp.getsockname()[1]), ("unix", path), ("datagram", path)):
            assert not (await attempt(how, target))["worked"]


async def test_a_job_has_no_secret(attempt: Attempt, monkeypatch: pytest.MonkeyPatch) -> None:
    """The service's variables and open files are not its own; it has three standard streams and its answer."""
    monkeypatch.setenv("DOCSTORE_INTERNAL_SECRET", "canary")
    assert "canary" not in str(await attempt("environ"))
    assert (await attempt("open_files"))["got"] == [0, 1, 2, 3]


async def test_nothing_of_a_job_reaches_the_next(attempt: Attempt, pool: WorkerPool) -> None:
    """Though one worker does both: no file, no memory."""
    assert (await attempt("remember", "canary"))["worked"]
    pids = pool.pids
    assert (await attempt("leftovers"))["got"] == []
    assert not (await attempt("link", "/etc/passwd"))["worked"]
    assert pool.pids == pids


async def test_a_job_is_limited(attempt: Attempt) -> None:
    """Memory, files, threads, processor time and core dumps, by the kernel."""
    limits = (await attempt("limits"))["got"]
    assert limits | {"RLIMIT_CPU": 0} == {
        "RLIMIT_AS": 700 << 20,
        "RLIMIT_FSIZE": 2 << 20,
        "RLIMIT_NOFILE": 64,
        "RLIMIT_CORE": 0,
        "RLIMIT_CPU": 0,
    }
    assert 30 < limits["RLIMIT_CPU"] <= 40
    assert (await attempt("threads", 4))["got"] == 4


@pytest.mark.parametrize(
    ("how", "reason"),
    [("fill", "parser_crashed"), ("junk", "parser_crashed"), ("abort", "parser_crashed"), ("refuse", "parser_crashed")],
)
async def test_a_job_that_breaks_costs_only_itself(attempt: Attempt, pool: WorkerPool, how: str, reason: str) -> None:
    """Also one that answers nonsense, or pretends that its sandbox could not be set up; the worker lives on."""
    await attempt("document")
    pids = pool.pids
    if how == "fill":
        assert not (await attempt(how))["worked"]
    else:
        with pytest.raises(JobFailed) as caught:
            await attempt(how)
        assert caught.value.reason == reason
    assert (await attempt("document"))["worked"]
    assert (pool.pids, pool.ready) == (pids, True)


async def test_too_much_memory_has_its_own_reason(attempt: Attempt) -> None:
    """So that operators see it."""
    assert (await attempt("memory"))["reason"] == "out_of_memory"


def test_an_ordinary_user_is_confined_alike() -> None:
    """Who has no capability needs nothing but the kernel: root becomes no one for it."""
    become_nobody = "" if os.getuid() else "os.setgroups([]); os.setgid(65534); os.setuid(65534)"
    with TemporaryDirectory() as name:  # not in pytest's folders, into which only their owner may look
        folder = Path(name)
        folder.chmod(0o755)
        document, secret = folder / "document", folder / "secret"
        document.write_text("x")
        secret.write_text("secret")
        script = f"""
import os, ctypes
from pathlib import Path
from docstore_contents.workers.sandbox.confinement import confine, missing
{become_nobody}
assert not missing()
confine([Path({str(document)!r})], Path({str(folder / "none")!r}), allow_weak=False)
for path in ({str(secret)!r}, "/etc/passwd", "/proc/self/environ", "/tmp"):
    try:
        os.open(path, os.O_RDONLY)
        os._exit(3)
    except OSError:
        pass
os._exit(0 if os.open({str(document)!r}, os.O_RDONLY) else 4)
"""
        assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


@pytest.fixture
def no_landlock(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A kernel without it, as this process sees it."""
    monkeypatch.setattr(landlock, "version", lambda: 0)
    return monkeypatch


async def test_without_a_sandbox_nothing_is_parsed(
    pool: WorkerPool, attempt: Attempt, no_landlock: pytest.MonkeyPatch
) -> None:
    """No worker is started; once it can be had, jobs are done."""
    with pytest.raises(SandboxUnavailable, match="Landlock"):
        await attempt("document")
    assert (pool.pids, pool.ready) == ([], False)
    no_landlock.undo()
    assert (await attempt("document"))["worked"]


async def test_a_worker_that_cannot_set_up_its_sandbox_refuses(
    pool: WorkerPool, attempt: Attempt, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Though the kernel seemed to have it: the document is not read, and jobs wait before it is tried again."""
    script = script_of(tmp_path, "def refuse(**_): raise OSError('no filters here')", "seccomp.restrict = refuse")
    refusing = WorkerPool(Program((script,), {}), LIMITS)
    try:
        with pytest.raises(SandboxUnavailable, match="no filters here"):
            await attempts(refusing, tmp_path)("document")
        assert not refusing.ready
    finally:
        await refusing.close()


async def test_preparations_of_a_worker_end_with_it(tmp_path: Path) -> None:
    """A library that hangs while it is prepared keeps no one from ending the worker."""
    script = tmp_path / "hanging.py"
    script.write_text(
        f"import sys; sys.path.append({str(Path(hostile_parser.__file__).parent)!r})\n"
        "import signal, hostile_parser\n"
        "hostile_parser.serve_confined(hostile_parser._load, signal.pause)\n"
    )
    hanging = WorkerPool(Program((str(script),), {}), WorkerLimits(seconds=3))
    with pytest.raises(JobFailed, match="timed_out"):
        await attempts(hanging, tmp_path)("document")
    await asyncio.wait_for(hanging.close(), 60)


async def test_a_setting_allows_less(tmp_path: Path, no_landlock: pytest.MonkeyPatch) -> None:
    """Then what there is of the sandbox is used, and operators see that it is weak."""
    weak = WorkerPool(PROGRAM, WorkerLimits(allow_weak_sandbox=True))
    try:
        assert (await attempts(weak, tmp_path)("document"))["worked"]
        assert not (await attempts(weak, tmp_path)("fork"))["worked"]
        watch = SandboxWatch("weak-test", weak)
        watch.report()
        await watch.check()
        assert _shown("weak-test") == "weak"
    finally:
        await weak.close()


async def test_a_missing_sandbox_is_reported(pool: WorkerPool, no_landlock: pytest.MonkeyPatch) -> None:
    """Once in the log for each change; in a metric and readiness for as long as it lasts."""
    watch = SandboxWatch("told-test", pool)
    with capture_logs() as logs:
        watch.report()
        watch.report()
        assert _shown("told-test") == "unavailable"
        with pytest.raises(SandboxUnavailable, match="Landlock"):
            await watch.check()
        no_landlock.undo()
        watch.report()
        await watch.check()
        assert _shown("told-test") == "full"
    assert [(line["log_level"], line["state"]) for line in logs] == [("error", "unavailable"), ("info", "full")]


def _shown(service: str) -> str:
    [state] = [each for each in STATES if parser_sandbox.labels(service, each)._value.get()]
    return state


async def test_a_kernel_that_does_not_enforce_its_rules_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Setting up is not enough: what must not work is tried."""
    with pytest.raises(SandboxUnavailable, match="root folder"):
        confinement._prove()
    assert await asyncio.to_thread(os.listdir, "/")
