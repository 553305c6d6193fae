"""The worker process: `python -m docstore_indexer.extract_worker`, length-prefixed JSON in on 0 and out on 1.

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
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

from docstore_indexer.domain import ExtractionFailed
from docstore_indexer.kinds import Kind
from docstore_indexer.memory import give_back

LENGTH = struct.Struct(">I")
_PR_SET_PDEATHSIG = 1
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_GRACE = 0.8  # of the time a job has; what is left is for answering with the part that is done


def main() -> None:
    """Serve requests until the pipe closes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--parent", type=int, required=True, help="process id of whoever started this")
    parser.add_argument("--memory-mb", type=int, required=True)
    parser.add_argument("--file-mb", type=int, required=True)
    options = parser.parse_args()
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a native library prints must not reach the answers
    confine(parent=options.parent, memory_mb=options.memory_mb, file_mb=options.file_mb)
    serve(requests, answers)


def confine(*, parent: int, memory_mb: int, file_mb: int) -> None:
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


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """One request after the other; the parent kills the process when one takes too long."""
    from docstore_indexer import parsing  # loads the parsers, inside the limits

    while request := _read(requests):
        answer = _answer(parsing, request)
        data = json.dumps(answer, ensure_ascii=False).encode()
        answers.write(LENGTH.pack(len(data)) + data)
        answers.flush()
        give_back()  # page images are hundreds of megabytes


def _read(requests: BinaryIO) -> dict[str, Any] | None:
    prefix = requests.read(LENGTH.size)
    if len(prefix) < LENGTH.size:
        return None
    request: dict[str, Any] = json.loads(requests.read(*LENGTH.unpack(prefix)))
    return request


def _answer(parsing: Any, request: dict[str, Any]) -> dict[str, Any]:
    seconds = float(request["seconds"])
    _allow_processor_seconds(seconds)
    bounds = parsing.Bounds(
        max_chars=int(request["max_chars"]),
        max_ocr_pages=int(request["max_ocr_pages"]),
        deadline=time.monotonic() + seconds * _GRACE,
    )
    try:
        return asdict(parsing.parse(Path(request["path"]), Kind(request["kind"]), bounds))
    except ExtractionFailed as error:
        return {"reason": error.reason}
    except MemoryError:
        return {"reason": "out_of_memory"}
    except BaseException as error:  # noqa: BLE001 (a panic in Rust arrives as a BaseException; the parent ends us)
        return {"reason": "parser_crashed", "detail": repr(error)[:500]}


def _allow_processor_seconds(seconds: float) -> None:
    """SIGXCPU once this job has used that much; the limit counts from the start of the process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(usage.ru_utime + usage.ru_stime + seconds) + 1, hard))


if __name__ == "__main__":
    main()
