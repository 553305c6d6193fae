"""The sandbox of one job: it can read its document, write to its own folder, and use nothing else of the machine.

It is complete if Landlock and seccomp are in force, whatever user the process runs as and whether or not it has
namespaces. Where one of them is missing nothing is parsed, unless `allow_weak` is set.
"""

import ctypes
import os
import socket
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from docstore_contents.workers.sandbox import landlock, seccomp

_PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 4, 38
_CAPABILITY_VERSION = 0x20080522
_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache")
_LOADERS = ("/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1")
"""What the kernel executes to load a program's libraries."""
_FONTS = ("/usr/share/fonts", "/usr/local/share/fonts", "/usr/share/X11/fonts", "/usr/share/fontconfig", "/etc/fonts")
_OTHERS = ("/usr/share/zoneinfo", "/etc/localtime", "/dev/null", "/dev/urandom")


class SandboxUnavailable(Exception):
    """This host cannot confine a job; the message names what is missing."""


def missing() -> str:
    """What this kernel lacks or denies to this process, for people; empty: nothing."""
    lacking = []
    if not landlock.version():
        lacking.append("Landlock (Linux 5.13 or newer, with `landlock` in the kernel's `lsm=` list)")
    if not seccomp.is_supported():
        lacking.append("seccomp filters on x86_64 or aarch64")
    return " and ".join(lacking)


def python_and_fonts() -> list[Path]:
    """What any parser may read: Python's modules and native libraries, fonts, time zones, none of them secret."""
    return [Path(path) for path in (*filter(os.path.isabs, sys.path), *_LIBRARIES, *_FONTS, *_OTHERS)]


def confine(
    readable: Iterable[Path],
    writable: Path,
    *,
    allow_weak: bool,
    program: Path | None = None,
    may_make_folders: bool = False,
) -> None:
    """Confine this single-threaded process permanently. Raises SandboxUnavailable.

    With `program` it may become that program, under the same restrictions. It makes no folders in `writable` unless it
    `may_make_folders`. With `allow_weak`, missing parts are ignored.
    """
    executable = [] if program is None else [program, *map(Path, _LOADERS)]
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
            raise OSError(ctypes.get_errno(), "no_new_privs")
        _drop_capabilities(libc)
        libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
        if landlock.version() or not allow_weak:
            landlock.restrict(
                [*python_and_fonts(), *readable], [writable], executable, may_make_folders=may_make_folders
            )
        if seccomp.is_supported() or not allow_weak:
            seccomp.restrict(may_execute=program is not None, may_make_folders=may_make_folders)
    except OSError as error:
        raise SandboxUnavailable(str(error)) from error
    if not allow_weak:
        _prove()


def _drop_capabilities(libc: ctypes.CDLL) -> None:
    header, none = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0), (ctypes.c_uint32 * 6)()
    if libc.capset(header, none):
        raise OSError(ctypes.get_errno(), "capabilities")


def _prove() -> None:
    """Check that the rules are enforced: a kernel, or an emulation, may accept a rule and ignore it."""
    with suppress(OSError):
        os.close(os.open("/", os.O_RDONLY | os.O_DIRECTORY))
        raise SandboxUnavailable("landlock: the root folder can still be listed")
    with suppress(OSError):
        socket.socket(socket.AF_UNIX).close()
        raise SandboxUnavailable("seccomp: a socket can still be created")
