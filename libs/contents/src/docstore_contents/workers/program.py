"""Runs a program on an untrusted file, confined as the jobs of a worker process are (`program_process.py`)."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from docstore_contents.workers.pool import JobFailed
from docstore_contents.workers.program_process import NOT_CONFINED
from docstore_contents.workers.sandbox.confinement import SandboxUnavailable
from docstore_contents.workers.worker_process import WorkerDied

_STDERR_BYTES = 16 << 10
_TOO_LARGE_SIGNS = ("File too large",)


@dataclass(frozen=True, slots=True)
class ProgramLimits:
    """Limits of one run: elapsed time, processor time, memory, and the size of each file it writes."""

    seconds: float
    cpu_seconds: int
    memory_mb: int
    file_bytes: int
    allow_weak_sandbox: bool = False


@dataclass(frozen=True, slots=True)
class Module:
    """A Python module as a program, which may read `readable`, too, and make folders where it may write."""

    name: str
    readable: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended by itself: its exit status, and the end of what it wrote to stderr."""

    status: int
    stderr: str


async def run_program(
    program: Path | Module,
    arguments: Sequence[str],
    limits: ProgramLimits,
    *,
    readable: Path,
    writable: Path,
    on_line: Callable[[str], None] | None = None,
) -> Ended:
    """Run `program`, which may read the file `readable` and write to the folder `writable`. `on_line` is called with
    each line of its output.

    Raises SandboxUnavailable, and JobFailed: `timed_out`, `out_of_memory`, `too_large`, `parser_crashed`.
    """
    options = {
        "--parent": os.getpid(),
        "--memory-mb": limits.memory_mb,
        "--file-mb": limits.file_bytes >> 20,
        "--cpu-seconds": limits.cpu_seconds,
        "--writable": writable,
    }
    readables = (readable, *(program.readable if isinstance(program, Module) else ()))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-I", "-m", "docstore_contents.workers.program_process"),
        *(str(part) for pair in options.items() for part in pair),
        *(f"--readable={path}" for path in readables),
        *(["--module", "--may-make-folders"] if isinstance(program, Module) else []),
        *(["--allow-weak-sandbox"] if limits.allow_weak_sandbox else []),
        *("--", program.name if isinstance(program, Module) else str(program), *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=writable,
        env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": str(writable), "MALLOC_ARENA_MAX": "1"},
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        async with asyncio.timeout(limits.seconds):
            _, stderr = await asyncio.gather(_lines(process.stdout, on_line), _tail(process.stderr))
            status = await process.wait()
    except TimeoutError as error:
        raise JobFailed("timed_out") from error
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    return _ended(status, stderr)


def _ended(status: int, stderr: bytes) -> Ended:
    text = stderr.decode(errors="replace")
    if status == NOT_CONFINED:
        raise SandboxUnavailable(text)
    if status == -signal.SIGXFSZ or (status and any(sign in text for sign in _TOO_LARGE_SIGNS)):
        raise JobFailed("too_large")
    reason = WorkerDied(status, stderr).reason
    if status < 0 or (status and reason == "out_of_memory"):
        raise JobFailed(reason)
    return Ended(status, text)


async def _lines(stream: asyncio.StreamReader, on_line: Callable[[str], None] | None) -> None:
    """Read lines to the end; one that is too long is skipped."""
    while True:
        try:
            line = await stream.readline()
        except ValueError:
            continue
        if not line:
            return
        if on_line is not None:
            on_line(line.decode(errors="replace").strip())


async def _tail(stream: asyncio.StreamReader) -> bytes:
    """Return the beginning and the end of what is written."""
    kept = bytearray()
    while chunk := await stream.read(_STDERR_BYTES):
        kept += chunk
        if len(kept) > 2 * _STDERR_BYTES:
            del kept[_STDERR_BYTES:-_STDERR_BYTES]
    return bytes(kept)
