"""One worker process: its start with limits and a sandbox, and jobs sent to it over pipes."""

import asyncio
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docstore_contents.workers.process import CONFINED, ENDED, ERRORS, HEADER, LENGTH, RESPONSE, RETURN_CODE
from docstore_contents.workers.sandbox.confinement import SandboxUnavailable

MAX_RESPONSE_BYTES = 16 << 20
"""Parsed, a malicious response takes up to 30 times its size of the service's memory."""
KILLED_FROM_OUTSIDE = (-signal.SIGKILL, -signal.SIGTERM)
_STDERR_BYTES = 4096
_MEMORY_SIGNS = (b"memory allocation", b"bad_alloc", b"MemoryError", b"Cannot allocate", b"out of memory")


@dataclass(frozen=True, slots=True)
class WorkerLimits:
    """Limits of one job, except `workers` and `idle_seconds`. No file it writes may be larger than
    `max_document_bytes`. With `allow_weak_sandbox`, jobs run in as much of a sandbox as the host offers, if any.
    """

    workers: int = 1
    idle_seconds: float = 30.0
    seconds: float = 120.0
    memory_mb: int = 1024
    max_document_bytes: int = 100 << 20
    max_response_bytes: int = MAX_RESPONSE_BYTES
    allow_weak_sandbox: bool = False


@dataclass(frozen=True, slots=True)
class Program:
    """Program of the workers: Python's arguments, environment variables beside the common ones, and what it
    may read beside Python and fonts.
    """

    arguments: tuple[str, ...]
    variables: Mapping[str, str]
    readable: tuple[Path, ...] = ()

    @property
    def name(self) -> str:
        return self.arguments[-1]


class WorkerDied(Exception):
    """The worker, or the process of the job, ended before it responded, or responded with too much."""

    def __init__(self, returncode: int, stderr: bytes) -> None:
        super().__init__(f"worker ended with {returncode}")
        self.returncode = returncode
        self.stderr = stderr

    @property
    def reason(self) -> str:
        if self.returncode == -signal.SIGXCPU:
            return "timed_out"
        killed = self.returncode in KILLED_FROM_OUTSIDE  # most likely by the kernel, as the largest process
        starved = killed or any(sign in self.stderr for sign in _MEMORY_SIGNS)
        return "out_of_memory" if starved else "parser_crashed"


class JobDied(WorkerDied):
    """The process of the job ended; the worker is running."""


class Worker:
    """One process and its pipes, used by one job at a time."""

    def __init__(self, process: asyncio.subprocess.Process, folder: str, max_response_bytes: int) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self._process = process
        self._requests, self._responses, self._errors = process.stdin, process.stdout, process.stderr
        self._folder = folder
        self._max_response_bytes = max_response_bytes
        self._stderr = bytearray()
        self._drain = asyncio.create_task(self._read_stderr())

    @classmethod
    async def start(cls, program: Program, limits: WorkerLimits, parent: Path | None = None) -> "Worker":
        """Start a process with its own folder for temporary files (in `parent`) and a minimal environment."""
        folder = tempfile.mkdtemp(prefix="docstore-worker-", dir=parent)
        arguments = {
            "--parent": os.getpid(),
            "--memory-mb": limits.memory_mb,
            "--file-mb": limits.max_document_bytes >> 20,
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-I", *program.arguments),
            *(str(part) for pair in arguments.items() for part in pair),
            *(str(part) for path in program.readable for part in ("--readable", path)),
            *(["--allow-weak-sandbox"] if limits.allow_weak_sandbox else []),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=folder,
            env=_environment(folder, program.variables),
            start_new_session=True,  # Ctrl-C in the terminal is the service's to handle
        )
        return cls(process, folder, limits.max_response_bytes)

    @property
    def pid(self) -> int:
        return self._process.pid

    async def run(self, request: dict[str, Any]) -> dict[str, Any]:
        """Send a request and return the response. Raises WorkerDied, SandboxUnavailable."""
        data = json.dumps(request).encode()
        try:
            self._requests.write(LENGTH.pack(len(data)) + data)
            await self._requests.drain()
            response, stderr, code = await self._reply()
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            await self.stop()
            raise WorkerDied(self._process.returncode or 0, bytes(self._stderr)) from error
        if response and not response.startswith(CONFINED):
            raise SandboxUnavailable(response.decode(errors="replace"))
        try:
            found = json.loads(response[1:])
        except (ValueError, RecursionError) as error:
            raise JobDied(code, bytes(stderr)) from error
        if code or not isinstance(found, dict):
            raise JobDied(code, bytes(stderr))
        return found

    async def _reply(self) -> tuple[bytearray, bytearray, int]:
        """Return the job's response, the end of its stderr, and the exit status of its process."""
        parts = {RESPONSE: bytearray(), ERRORS: bytearray()}
        while True:
            size, kind = HEADER.unpack(await self._responses.readexactly(HEADER.size))
            data = await self._responses.readexactly(size)
            if kind == ENDED:
                (code,) = RETURN_CODE.unpack(data)
                return parts[RESPONSE], parts[ERRORS], code
            parts[kind] += data
            del parts[ERRORS][:-_STDERR_BYTES]
            if len(parts[RESPONSE]) > self._max_response_bytes:
                with suppress(ProcessLookupError):
                    self._process.kill()
                await self._responses.read()  # while anything is unread, the process does not count as ended
                raise WorkerDied(0, b"the response is too large")  # no honest job's: it is not run again

    async def stop(self, *, kill: bool = False) -> None:
        """Stop the process (at once, or after a second) and remove its files."""
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

    async def _read_stderr(self) -> None:
        while chunk := await self._errors.read(_STDERR_BYTES):
            self._stderr += chunk
            del self._stderr[:-_STDERR_BYTES]


def _environment(folder: str, variables: Mapping[str, str]) -> dict[str, str]:
    return {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": folder,
        "TMPDIR": f"{folder}/shared",
        "MALLOC_ARENA_MAX": "1",
        **variables,
    }
