"""The program of a worker process (`pool.py` is the parent's side): length-prefixed requests on 0, replies on 1.

It loads the parsers once and forks for each job. Only the fork sees the document. Confined to it and to an empty folder
(`sandbox`), it responds through a pipe and exits, so that nothing of one document reaches the next. A fork may well
die: by its limits, or by a crash of a parser.
"""

import argparse
import ctypes
import gc
import json
import os
import resource
import selectors
import shutil
import signal
import struct
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from docstore_contents.workers.sandbox.confinement import SandboxUnavailable, confine

Handler = Callable[[dict[str, Any]], dict[str, Any]]
"""Runs one job, whose document is at `path`: returns the response, or the `reason` why there is none.

An exception is a reason, too.
"""

LENGTH = struct.Struct(">I")
"""Prefix of a request."""
HEADER = struct.Struct(">Ic")
"""Prefix of each part of a reply: its length and kind."""
RESPONSE, ERRORS, ENDED = b"A", b"E", b"X"
"""Kinds: part of the response, of stderr, and last, the exit status."""
RETURN_CODE = struct.Struct(">i")
CONFINED = b"+"
"""First byte of a response. Any other one starts the reason why the job could not be confined and was not run."""

_CHUNK = 1 << 16
_PR_SET_PDEATHSIG = 1
_CLONE_NEWUSER, _CLONE_NEWNET, _CLONE_NEWIPC = 0x10000000, 0x40000000, 0x08000000
_THREADS = 512
_OPEN_FILES = 64
_CPU_GRACE = 5


@dataclass(frozen=True, slots=True)
class _Jobs:
    """What all jobs of this process share."""

    handle: Handler
    readable: tuple[Path, ...]
    scratch: Path
    allow_weak: bool


def serve_confined(load: Callable[[], Handler], prepare: Callable[[], None] | None = None) -> None:
    """Limit this process, `load` the parsers, and serve requests until the pipe closes.

    `prepare` runs once in a process of its own and may write to the folder for temporary files, which jobs only read.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--parent", type=int, required=True, help="process id of the parent")
    parser.add_argument("--memory-mb", type=int, required=True)
    parser.add_argument("--file-mb", type=int, required=True)
    parser.add_argument("--readable", type=Path, action="append", default=[], help="in addition to Python and fonts")
    parser.add_argument("--allow-weak-sandbox", action="store_true")
    options = parser.parse_args()
    requests, replies = os.fdopen(os.dup(0), "rb"), os.dup(1)
    os.dup2(2, 1)  # what a native library prints must not reach the replies
    limit_process(parent=options.parent, memory_mb=options.memory_mb, file_mb=options.file_mb)
    shared = Path(os.environ["TMPDIR"])
    shared.mkdir()
    tempfile.tempdir = str(shared)
    handle = load()
    if prepare is not None:
        _run_once(prepare)
    gc.collect()
    gc.freeze()  # untouched pages stay shared with the forks
    jobs = _Jobs(handle, (*options.readable, shared), Path("job").absolute(), options.allow_weak_sandbox)
    while request := _read(requests):
        _do(jobs, request, replies)


def limit_process(*, parent: int, memory_mb: int, file_mb: int) -> None:
    """Limit this process and its forks, once, before any thread starts."""
    libc = ctypes.CDLL(None, use_errno=True)
    # In addition to the sandbox, and only if the kernel grants them to a plain user.
    if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET | _CLONE_NEWIPC) == 0:
        _limit(resource.RLIMIT_NPROC, _THREADS)  # counted in this namespace only
    _die_with(parent)  # after the above, which would clear it
    _limit(resource.RLIMIT_AS, memory_mb << 20)
    _limit(resource.RLIMIT_FSIZE, file_mb << 20)
    _limit(resource.RLIMIT_NOFILE, _OPEN_FILES)
    _limit(resource.RLIMIT_CORE, 0)


def _die_with(parent: int) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        raise SystemExit("the parent ended before its worker began")


def _limit(which: int, value: int) -> None:
    _, hard = resource.getrlimit(which)
    bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(which, (bound, bound))


def _read(requests: BinaryIO) -> dict[str, Any] | None:
    prefix = requests.read(LENGTH.size)
    if len(prefix) < LENGTH.size:
        return None
    request: dict[str, Any] = json.loads(requests.read(*LENGTH.unpack(prefix)))
    return request


def _run_once(prepare: Callable[[], None]) -> None:
    """In a fork: libraries may start threads, and a process that has any must not fork."""
    worker = os.getpid()
    pid = os.fork()
    if not pid:
        with suppress(BaseException):  # jobs run without what could not be prepared
            _die_with(worker)  # it holds the worker's stderr, which is read to its end
            prepare()
        os._exit(0)
    os.waitpid(pid, 0)


def _do(jobs: _Jobs, request: dict[str, Any], replies: int) -> None:
    """Run one job in a process of its own; the parent process kills both on timeout."""
    jobs.scratch.mkdir()
    responses, results_in = os.pipe()
    errors, errors_in = os.pipe()
    worker = os.getpid()
    pid = os.fork()
    if not pid:
        _run_job(jobs, request, worker, results_in, errors_in)
    os.close(results_in)
    os.close(errors_in)
    _relay({responses: RESPONSE, errors: ERRORS}, replies)
    _, status = os.waitpid(pid, 0)
    shutil.rmtree(jobs.scratch, ignore_errors=True)  # flat: a job can't make folders
    code = RETURN_CODE.pack(os.waitstatus_to_exitcode(status))
    _write(replies, HEADER.pack(len(code), ENDED) + code)


def _relay(pipes: dict[int, bytes], replies: int) -> None:
    """Forward a job's output through one buffer that is cleared, so that no later fork has it in memory."""
    buffer = bytearray(_CHUNK)
    with selectors.DefaultSelector() as selector:
        for pipe, kind in pipes.items():
            selector.register(pipe, selectors.EVENT_READ, kind)
        while selector.get_map():
            for key, _ in selector.select():
                count = os.readv(key.fd, [buffer])
                if count:
                    _write(replies, HEADER.pack(count, key.data))
                    _write(replies, memoryview(buffer)[:count])
                else:
                    selector.unregister(key.fd)
                    os.close(key.fd)
    buffer[:] = bytes(_CHUNK)


def _run_job(jobs: _Jobs, request: dict[str, Any], worker: int, responses: int, errors: int) -> NoReturn:
    """Run a fork: respond and exit without running exit handlers."""
    try:
        _die_with(worker)
        out = _only_pipes(responses, errors)
        allow_processor_seconds(float(request["seconds"]))
        os.environ["HOME"] = tempfile.tempdir = str(jobs.scratch)
        try:
            confine((*jobs.readable, Path(request["path"])), jobs.scratch, allow_weak=jobs.allow_weak)
        except SandboxUnavailable as error:
            _write(out, str(error).encode())
        else:
            _write(out, CONFINED)
            _write(out, json.dumps(_handled(jobs.handle, request), ensure_ascii=False).encode())
    except BaseException:  # noqa: BLE001 (nothing above this frame is the fork's)
        os._exit(1)
    os._exit(0)


def _only_pipes(responses: int, errors: int) -> int:
    """Close every other file, including the worker's own pipes; return the new descriptor for the response."""
    os.dup2(errors, 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    out = os.dup2(responses, 3)
    os.closerange(4, _OPEN_FILES)
    return out


def _write(out: int, data: bytes | memoryview) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(out, view) :]


def _handled(handle: Handler, request: dict[str, Any]) -> dict[str, Any]:
    try:
        return handle(request)
    except MemoryError:
        return {"reason": "out_of_memory"}
    except BaseException as error:  # noqa: BLE001 (a panic in Rust arrives as a BaseException)
        return {"reason": "parser_crashed", "detail": repr(error)[:500]}


def allow_processor_seconds(seconds: float) -> None:
    """Send SIGXCPU once this job has used that much time, and kill it if it catches that."""
    soft = int(seconds) + 1
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    end = soft + _CPU_GRACE if hard == resource.RLIM_INFINITY else min(soft + _CPU_GRACE, hard)
    resource.setrlimit(resource.RLIMIT_CPU, (min(soft, end), end))
