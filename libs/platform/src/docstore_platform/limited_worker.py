"""The inside of a worker process (`workers.py` is the outside): length-prefixed JSON in on 0 and out on 1.

It is expected to die: of its limits, of a parser's crash, or with its parent. It holds no secret, has no network, and
is told where a document lies, never who owns it.
"""

import argparse
import ctypes
import json
import os
import resource
import signal
import struct
from collections.abc import Callable
from typing import Any, BinaryIO

from docstore_platform.memory import give_back

Answerer = Callable[[dict[str, Any]], dict[str, Any]]
"""Does one job: request to answer, or to the `reason` why there is none. Whatever it raises is such a reason, too."""

LENGTH = struct.Struct(">I")
_PR_SET_PDEATHSIG = 1
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000


def serve_confined(load: Callable[[], Answerer]) -> None:
    """Take away what the work does not need, `load` what it is done by, and serve requests until the pipe closes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--parent", type=int, required=True, help="process id of whoever started this")
    parser.add_argument("--memory-mb", type=int, required=True)
    parser.add_argument("--file-mb", type=int, required=True)
    options = parser.parse_args()
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a native library prints must not reach the answers
    _confine(parent=options.parent, memory_mb=options.memory_mb, file_mb=options.file_mb)
    _serve(requests, answers, load())


def _confine(*, parent: int, memory_mb: int, file_mb: int) -> None:
    """Take from this process what a hijacked parser would need. Once, before any thread starts."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)  # no network, where the kernel grants it to a plain user
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # after the above, which would clear it
    if os.getppid() != parent:
        raise SystemExit("the parent ended before its worker began")
    _limit(resource.RLIMIT_AS, memory_mb << 20)
    _limit(resource.RLIMIT_FSIZE, file_mb << 20)
    _limit(resource.RLIMIT_NOFILE, 64)
    _limit(resource.RLIMIT_CORE, 0)


def _limit(which: int, value: int) -> None:
    _, hard = resource.getrlimit(which)
    bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(which, (bound, bound))


def _serve(requests: BinaryIO, answers: BinaryIO, answer: Answerer) -> None:
    """One request after the other; the parent kills the process when one takes too long."""
    while request := _read(requests):
        data = json.dumps(_answered(answer, request), ensure_ascii=False).encode()
        answers.write(LENGTH.pack(len(data)) + data)
        answers.flush()
        give_back()  # pictures are hundreds of megabytes


def _read(requests: BinaryIO) -> dict[str, Any] | None:
    prefix = requests.read(LENGTH.size)
    if len(prefix) < LENGTH.size:
        return None
    request: dict[str, Any] = json.loads(requests.read(*LENGTH.unpack(prefix)))
    return request


def _answered(answer: Answerer, request: dict[str, Any]) -> dict[str, Any]:
    _allow_processor_seconds(float(request["seconds"]))
    try:
        return answer(request)
    except MemoryError:
        return {"reason": "out_of_memory"}
    except BaseException as error:  # noqa: BLE001 (a panic in Rust arrives as a BaseException; the parent ends us)
        return {"reason": "parser_crashed", "detail": repr(error)[:500]}


def _allow_processor_seconds(seconds: float) -> None:
    """SIGXCPU once this job has used that much; the limit counts from the start of the process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(usage.ru_utime + usage.ru_stime + seconds) + 1, hard))
