"""Restricts the system calls of a process by a seccomp filter (`Documentation/userspace-api/seccomp_filter.rst`).

Allowed is what reading a file needs: memory, files, threads, pipes, clocks. All other calls return ENOSYS, so that
libraries fall back where they can: no processes, programs, sockets, signals, mounts, keys or traces.
"""

import ctypes
import errno
import os
import platform
from dataclasses import dataclass

from docstore_contents.workers.sandbox.bpf import (
    AND,
    ARCHITECTURE_AT,
    ARCHITECTURES,
    ARGUMENTS_AT,
    EQUAL,
    LOAD,
    NUMBER_AT,
    RETURN,
    SECCOMP,
    Action,
    FilterProgram,
    step,
)

_ALLOWED = """
    read 0 63, write 1 64, readv 19 65, writev 20 66, pread64 17 67, pwrite64 18 68, lseek 8 62, close 3 57,
    close_range 436 436, stat 4 -, fstat 5 80, lstat 6 -, newfstatat 262 79, statx 332 291, access 21 -,
    faccessat 269 48, faccessat2 439 439, readlink 89 -, readlinkat 267 78, getdents64 217 61, getcwd 79 17,
    statfs 137 43, fstatfs 138 44, fadvise64 221 223, ftruncate 77 46, fsync 74 82, fdatasync 75 83, mkdir 83 -,
    mkdirat 258 34, unlink 87 -, unlinkat 263 35, rename 82 -, renameat 264 38, renameat2 316 276,
    mmap 9 222, munmap 11 215, mprotect 10 226, mremap 25 216, madvise 28 233, brk 12 214, mincore 27 232,
    msync 26 227, futex 202 98, sched_yield 24 124, sched_getaffinity 204 123, getcpu 309 168, membarrier 324 283,
    getpid 39 172, gettid 186 178, getppid 110 173, getuid 102 174, geteuid 107 175, getgid 104 176, getegid 108 177,
    getrandom 318 278, uname 63 160, sysinfo 99 179, getrlimit 97 163, getrusage 98 165, times 100 153,
    clock_gettime 228 113, clock_getres 229 114, clock_nanosleep 230 115, nanosleep 35 101, gettimeofday 96 169,
    time 201 -, rt_sigaction 13 134, rt_sigprocmask 14 135, rt_sigreturn 15 139, sigaltstack 131 132,
    set_robust_list 273 99, rseq 334 293, restart_syscall 219 128, exit 60 93, exit_group 231 94,
    dup 32 23, dup2 33 -, dup3 292 24, pipe2 293 59, poll 7 -, ppoll 271 73, select 23 -, pselect6 270 72,
    epoll_create1 291 20, epoll_ctl 233 21, epoll_wait 232 -, epoll_pwait 281 22, eventfd2 290 19, recvfrom 45 207
"""
"""Name and number on each architecture. Landlock restricts the files."""
_PROGRAM = "execve 59 221, arch_prctl 158 -, set_tid_address 218 96"
"""What starting another program needs, and that program itself. It keeps these restrictions."""
_REMOVE_FOLDER = "rmdir 84 -"
"""For a program that makes folders of its own; the newer call for it is that for files."""


@dataclass(frozen=True, slots=True)
class _Test:
    """The 32-bit `word` of the arguments (0 and 1 are the first argument's halves), masked, is one of `values`."""

    word: int
    values: tuple[int, ...]
    mask: int = 0xFFFFFFFF


_CLONE_THREAD = 0x10000
_AF_UNIX, _SOCK_STREAM, _SOCK_TYPE_MASK = 1, 1, 0xF
_FCNTLS = (0, 1, 2, 3, 4, 1030)  # duplicate, and flags of files; not F_SETOWN, which sends signals
_IOCTLS = (0x5401, 0x5421, 0x5450, 0x5451)  # is it a terminal; do not block; close on exec or not
_PR_SET_NAME = 15
_OPEN_MASK = os.O_WRONLY | os.O_RDWR | os.O_TRUNC
_OPEN_MODES = (os.O_RDONLY, os.O_WRONLY, os.O_RDWR, os.O_TRUNC | os.O_WRONLY, os.O_TRUNC | os.O_RDWR)
"""Before Linux 6.2 Landlock does not restrict O_TRUNC: an open for reading, or in both other modes at once, would empty
a file that may only be read."""


def _conditional() -> dict[tuple[int, int | None], tuple[_Test, ...]]:
    """Calls by number, None where an architecture has no such call, with all conditions on their arguments."""
    return {
        (2, None): (_Test(2, _OPEN_MODES, _OPEN_MASK),),  # open
        (257, 56): (_Test(4, _OPEN_MODES, _OPEN_MASK),),  # openat
        (56, 220): (_Test(0, (_CLONE_THREAD,), _CLONE_THREAD),),  # clone: threads, not processes
        (234, 131): (_Test(0, (os.getpid(),)),),  # tgkill: abort() ends this process
        (53, 199): (_Test(0, (_AF_UNIX,)), _Test(2, (_SOCK_STREAM,), _SOCK_TYPE_MASK)),  # socketpair: to itself
        (44, 206): (_Test(8, (0,)), _Test(9, (0,))),  # sendto: to no address
        (302, 261): (_Test(0, (0,)),),  # prlimit64: of itself
        (72, 25): (_Test(2, _FCNTLS),),
        (16, 29): (_Test(2, _IOCTLS),),
        (157, 167): (_Test(0, (_PR_SET_NAME,)),),
    }


_REFUSE = Action.ERROR | errno.ENOSYS
_PR_SET_SECCOMP, _MODE_FILTER = 22, 2
_SECCOMP_GET_ACTION_AVAIL = 2


def is_supported() -> bool:
    """Whether a filter can be installed: a known architecture, and a kernel with seccomp."""
    if platform.machine() not in ARCHITECTURES:
        return False
    number = SECCOMP[ARCHITECTURES[platform.machine()][1]]
    action = ctypes.c_uint32(Action.KILL_PROCESS)
    libc = ctypes.CDLL(None, use_errno=True)
    return bool(libc.syscall(number, _SECCOMP_GET_ACTION_AVAIL, 0, ctypes.byref(action)) == 0)


def restrict(*, may_execute: bool = False, may_make_folders: bool = False) -> None:
    """Confine this thread, and those that it starts, permanently to the calls above; with `may_execute`, also the
    program that it becomes, and with `may_make_folders` it may remove them, too.

    The caller has set no_new_privs. Raises OSError.
    """
    if platform.machine() not in ARCHITECTURES:
        raise OSError(f"seccomp: no list of system calls for {platform.machine()}")
    allowed = (_ALLOWED, *([_PROGRAM] if may_execute else []), *([_REMOVE_FOLDER] if may_make_folders else []))
    code = _filter(*ARCHITECTURES[platform.machine()], ", ".join(allowed))
    libc = ctypes.CDLL(None, use_errno=True)
    program = FilterProgram.of(code)
    if libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program), 0, 0):
        error = ctypes.get_errno()
        raise OSError(error, f"seccomp: {os.strerror(error)}")


def _filter(architecture: int, column: int, allowed: str) -> bytes:
    code = [
        step(LOAD, ARCHITECTURE_AT),
        step(EQUAL, architecture, 1, 0),
        step(RETURN, Action.KILL_PROCESS),
        step(LOAD, NUMBER_AT),
    ]
    for line in allowed.split(","):
        number = line.split()[1 + column]
        if number != "-":
            code += [step(EQUAL, int(number), 0, 1), step(RETURN, Action.ALLOW)]
    for numbers, tests in _conditional().items():
        call = numbers[column]
        if call is not None:
            block = b"".join(map(_tested, tests)) + step(RETURN, Action.ALLOW)
            code += [step(EQUAL, call, 0, len(block) // 8), block]
    return b"".join([*code, step(RETURN, _REFUSE)])


def _tested(test: _Test) -> bytes:
    """Continue after itself if the condition holds, and refuse the call otherwise."""
    count = len(test.values)
    compared = [step(EQUAL, value, count - index, 0) for index, value in enumerate(test.values)]
    load = [step(LOAD, ARGUMENTS_AT + 4 * test.word), step(AND, test.mask)]
    return b"".join([*load, *compared, step(RETURN, _REFUSE)])
