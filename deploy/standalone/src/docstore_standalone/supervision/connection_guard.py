"""Lets only processes of the same user connect to a server that can't authenticate its clients.

A seccomp filter of the server hands its `accept` calls to this process (`seccomp_unotify(2)`), which accepts the
connection in its place, looks whose it is, and passes it on or closes it. Bytes sent afterwards take no detour.
"""

import ctypes
import errno
import fcntl
import os
import platform
import select
import socket
import struct
import sys
import threading
from contextlib import ExitStack, suppress
from functools import partial

import structlog

from docstore_contents.workers.sandbox.bpf import (
    ARCHITECTURE_AT,
    ARCHITECTURES,
    EQUAL,
    LOAD,
    NUMBER_AT,
    RETURN,
    SECCOMP,
    Action,
    FilterProgram,
    step,
)
from docstore_standalone.supervision.peers import owner_of_client

_ACCEPT, _ACCEPT4 = (43, 202), (288, 242)
_PIDFD_GETFD = 438
_PR_SET_NO_NEW_PRIVS = 38
_SET_MODE_FILTER, _NEW_LISTENER = 1, 8
_CALL = struct.Struct("=QIIiIQ6Q")
"""`struct seccomp_notif`: id, thread, flags; number, architecture, instruction; arguments."""
_RESPONSE = struct.Struct("=QqiI")
"""`struct seccomp_notif_resp`: id, value, error, flags."""
_PASSED_ON = struct.Struct("=QIIII")
"""`struct seccomp_notif_addfd`: id, flags; descriptor here, there, its flags."""
_ADDRESS = struct.Struct("!H4s8x")
"""`struct sockaddr_in` behind the family."""


def _ioctl(direction: int, number: int, size: int) -> int:
    return direction << 30 | size << 16 | ord("!") << 8 | number


_RECEIVE, _RESPOND, _PASS_ON = _ioctl(3, 0, _CALL.size), _ioctl(3, 1, _RESPONSE.size), _ioctl(1, 3, _PASSED_ON.size)
MAX_TEXT_BYTES = 200

_libc = ctypes.CDLL(None, use_errno=True)
log = structlog.get_logger(__name__)


class GuardUnavailable(Exception):
    """This host can't guard a server; the message contains the reason."""


class ConnectionGuard:
    """Guards one run of a server, which accepts IPv4 connections on sockets that do not block.

    Create it before the fork, call `install` in the child and `begin` in the parent.
    """

    def __init__(self, name: str) -> None:
        """Raises GuardUnavailable."""
        self._name = name
        self._filter, self._seccomp = _filter()  # after a fork, as little as possible is done
        self._parents_end, self._childs_end = socket.socketpair()

    def install(self) -> None:
        """Have the calls of this process, and of the program that it becomes, handed to the parent. Raises nothing."""
        listener = -1
        if _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0:
            listener = _libc.syscall(self._seccomp, _SET_MODE_FILTER, _NEW_LISTENER, ctypes.byref(self._filter))
        if listener < 0:
            self._childs_end.send(f"seccomp notifications: {os.strerror(ctypes.get_errno())}".encode())
        else:
            socket.send_fds(self._childs_end, [b"installed"], [listener])

    def begin(self, pid: int) -> None:
        """Answer the calls of that child in a thread until it ends. Raises GuardUnavailable: then end the child."""
        self._childs_end.close()
        with ExitStack() as opened:
            text, descriptors, _, _ = socket.recv_fds(self._parents_end, MAX_TEXT_BYTES, 1, socket.MSG_CMSG_CLOEXEC)
            if not descriptors:
                raise GuardUnavailable(text.decode() or "the process ended at once")
            opened.callback(os.close, descriptors[0])
            program = _GuardedProgram(self._name, opened, pid, descriptors[0])
            answering = partial(_answer_all, program, opened.pop_all())
            threading.Thread(target=answering, name=f"guard {self._name}", daemon=True).start()

    def close(self) -> None:
        """End what the start needed."""
        self._parents_end.close()
        self._childs_end.close()


def _answer_all(program: "_GuardedProgram", opened: ExitStack) -> None:
    with opened:
        while program.answer_next():
            pass


class _GuardedProgram:
    """The guarded process, whose calls wait at the descriptor `calls`."""

    def __init__(self, name: str, opened: ExitStack, pid: int, calls: int) -> None:
        """Raises GuardUnavailable if this process may not act for it."""
        self._name, self._calls = name, calls
        self._refused: set[int] = set()
        try:
            self._process = os.pidfd_open(pid)
            opened.callback(os.close, self._process)
            self._memory = os.open(f"/proc/{pid}/mem", os.O_WRONLY)
            opened.callback(os.close, self._memory)
            os.close(self._copy_of(0))
        except OSError as error:
            raise GuardUnavailable(f"the process can't be inspected: {error}") from error
        if not self._can_pass_on():
            raise GuardUnavailable("this needs Linux 5.9 or newer")

    def _can_pass_on(self) -> bool:
        """Try it for a call that there is not."""
        try:
            fcntl.ioctl(self._calls, _PASS_ON, _PASSED_ON.pack(0, 0, 0, 0, 0))
        except OSError as error:
            return error.errno == errno.ENOENT
        return True

    def answer_next(self) -> bool:
        """Wait for a call of the process and answer it; return False at its end."""
        waiting = select.poll()
        waiting.register(self._calls, select.POLLIN)
        if any(event & select.POLLHUP for _, event in waiting.poll()):
            return False
        received = bytearray(_CALL.size)
        with suppress(FileNotFoundError):  # the call was interrupted, and is repeated
            fcntl.ioctl(self._calls, _RECEIVE, received)
            call, _, _, number, _, _, listener, address, length, flags, _, _ = _CALL.unpack(received)
            value, error = 0, 0
            try:
                with self._accept(listener) as connection:
                    value = self._pass_on(connection, call, flags if number in _ACCEPT4 else 0, address, length)
            except OSError as refused:
                error = -(refused.errno or errno.EIO)
            fcntl.ioctl(self._calls, _RESPOND, bytearray(_RESPONSE.pack(call, value, error, 0)))
        return True

    def _accept(self, listener: int) -> socket.socket:
        """Return the next connection of a process of this user; BlockingIOError if there is none."""
        with socket.socket(fileno=self._copy_of(listener)) as listening:
            while True:
                connection, client = listening.accept()
                owner = None
                with suppress(OSError):
                    owner = owner_of_client(client, connection.getsockname())
                if owner == os.geteuid():
                    return connection
                connection.close()
                self._report(owner)

    def _report(self, owner: int | None) -> None:
        """Log each user once: the log of a server that is attacked stays short."""
        if owner is not None and owner not in self._refused:
            self._refused.add(owner)
            log.warning("connections_of_another_user_refused", server=self._name, uid=owner)

    def _pass_on(self, connection: socket.socket, call: int, flags: int, address: int, length: int) -> int:
        """Write the client's address where the call wants it; return the connection's descriptor in the process."""
        if flags & socket.SOCK_NONBLOCK:
            os.set_blocking(connection.fileno(), False)
        if address:
            host, port = connection.getpeername()
            encoded = struct.pack("=H", socket.AF_INET) + _ADDRESS.pack(port, socket.inet_aton(host))
            os.pwrite(self._memory, encoded, address)
            os.pwrite(self._memory, struct.pack("=I", len(encoded)), length)
        passed_on = _PASSED_ON.pack(call, 0, connection.fileno(), 0, flags & socket.SOCK_CLOEXEC)
        return int(fcntl.ioctl(self._calls, _PASS_ON, bytearray(passed_on)))

    def _copy_of(self, number: int) -> int:
        """Return a copy of one of the process's file descriptors."""
        copy = _libc.syscall(_PIDFD_GETFD, self._process, ctypes.c_uint(number & 0xFFFFFFFF), 0)
        if copy < 0:
            raise OSError(ctypes.get_errno(), f"descriptor {number} of the server")
        return int(copy)


def _filter() -> tuple[FilterProgram, int]:
    """Return the filter, and the number of the system call that installs it."""
    if sys.platform != "linux" or platform.machine() not in ARCHITECTURES:
        raise GuardUnavailable("this needs Linux on x86_64 or aarch64")
    architecture, column = ARCHITECTURES[platform.machine()]
    code = [
        step(LOAD, ARCHITECTURE_AT),
        step(EQUAL, architecture, 1, 0),
        step(RETURN, Action.KILL_PROCESS),
        step(LOAD, NUMBER_AT),
        step(EQUAL, _ACCEPT4[column], 1, 0),
        step(EQUAL, _ACCEPT[column], 0, 1),
        step(RETURN, Action.NOTIFY),
        step(RETURN, Action.ALLOW),
    ]
    return FilterProgram.of(b"".join(code)), SECCOMP[column]
