"""A worker whose parser has been taken over: it does whatever the document's sender wants, as far as it gets.

Run as `python hostile_parser.py`; each request names an attempt, and the answer its outcome.
"""

import ctypes
import fcntl
import os
import resource
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from docstore_contents.workers.process import Handler, serve_confined

OPEN, PTRACE_ATTACH, PROCESS_VM_READV, KEYCTL, IO_URING_SETUP = 2, 101, 310, 250, 425
if os.uname().machine == "aarch64":
    OPEN, PTRACE_ATTACH, PROCESS_VM_READV, KEYCTL = -1, 117, 270, 219  # it has no such call
KEPT: list[str] = []


def attempt(request: dict[str, Any]) -> dict[str, Any]:
    """`worked`: what it got, or the error that stopped it."""
    try:
        return {"worked": True, "got": ATTEMPTS[request["attempt"]](request)}
    except OSError as error:
        return {"worked": False, "got": repr(error)}


def _connect(family: int, address: Any) -> None:
    with socket.socket(family) as connection:
        connection.connect(address)


def _called(number: int, *arguments: int) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    result: int = libc.syscall(number, *map(ctypes.c_long, arguments))
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return result


def _empty(path: str, access: int) -> None:
    """Empty a file without opening it for writing."""
    os.close(os.open(path, access | os.O_TRUNC))


def _empty_by_open(path: str) -> None:
    """By the older call, which the C library uses no more."""
    name = ctypes.create_string_buffer(path.encode())
    _called(OPEN, ctypes.addressof(name), os.O_TRUNC)


def _own_signals(pid: int) -> None:
    left, _ = socket.socketpair()
    fcntl.fcntl(left, fcntl.F_SETOWN, pid)


def _datagram(path: str) -> None:
    left, _ = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    left.sendto(b"hello", path)


def _threads(count: int) -> int:
    started = [threading.Thread(target=threading.Event().wait, args=(0.5,)) for _ in range(count)]
    for each in started:
        each.start()
    return len(started)


def _fill(_: Any) -> None:
    for _ in range(4):
        with Path(os.environ["HOME"], "large").open("ab") as file:
            file.write(bytes(1 << 20))


def _remember(text: str) -> list[str]:
    Path(os.environ["HOME"], "note").write_text(text)
    KEPT.append(text)
    return KEPT


ATTEMPTS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "document": lambda requested: Path(requested["path"]).read_text(),
    "read": lambda requested: Path(requested["target"]).read_bytes().decode("latin-1"),
    "list": lambda requested: os.listdir(requested["target"]),
    "write": lambda requested: Path(requested["target"]).write_text("mallory"),
    "truncate": lambda requested: os.truncate(requested["target"], 0),
    "empty": lambda requested: _empty(requested["target"], os.O_RDONLY),
    "empty_unread": lambda requested: _empty(requested["target"], os.O_WRONLY | os.O_RDWR),
    "empty_by_open": lambda requested: _empty_by_open(requested["target"]),
    "delete": lambda requested: Path(requested["target"]).unlink(),
    "chmod": lambda requested: Path(requested["target"]).chmod(0o777),
    "copy": lambda requested: shutil.copy(requested["target"], requested["path"]),
    "link": lambda requested: Path(os.environ["HOME"], "link").symlink_to(requested["target"]),
    "tcp": lambda requested: _connect(socket.AF_INET, ("127.0.0.1", requested["target"])),
    "unix": lambda requested: _connect(socket.AF_UNIX, requested["target"]),
    "datagram": lambda requested: _datagram(requested["target"]),
    "signal": lambda requested: os.kill(requested["target"], signal.SIGTERM),
    "setown": lambda requested: _own_signals(requested["target"]),
    "limit": lambda requested: resource.prlimit(requested["target"], resource.RLIMIT_CORE, (0, 0)),
    "exec": lambda _: subprocess.run(["/bin/true"], check=True).returncode,
    "execve": lambda _: os.execv("/bin/true", ["true"]),
    "fork": lambda _: os.fork(),
    "ptrace": lambda requested: _called(PTRACE_ATTACH, 16, requested["target"], 0, 0),
    "vm_readv": lambda requested: _called(PROCESS_VM_READV, requested["target"], 0, 0, 0, 0, 0),
    "keyctl": lambda _: _called(KEYCTL, 0, -3, 0),
    "io_uring": lambda _: _called(IO_URING_SETUP, 1, 0),
    "threads": lambda requested: _threads(requested["target"]),
    "environ": lambda _: dict(os.environ),
    "open_files": lambda _: [fd for fd in range(64) if _is_open(fd)],
    "limits": lambda _: {name: resource.getrlimit(getattr(resource, name))[1] for name in LIMITS},
    "remember": lambda requested: _remember(requested["target"]),
    "leftovers": lambda _: [*os.listdir(os.environ["HOME"]), *KEPT],
    "fill": _fill,
    "junk": lambda _: os.write(3, b"no json"),
    "abort": lambda _: os.abort(),
    "refuse": lambda _: os.write(3, b"-"),
    "memory": lambda _: len(bytearray(4 << 30)),
}
LIMITS = ("RLIMIT_AS", "RLIMIT_FSIZE", "RLIMIT_NOFILE", "RLIMIT_CORE", "RLIMIT_CPU")


def _is_open(fd: int) -> bool:
    try:
        fcntl.fcntl(fd, fcntl.F_GETFD)
    except OSError:
        return False
    return True


def _load() -> Handler:
    return attempt


if __name__ == "__main__":
    serve_confined(_load)
