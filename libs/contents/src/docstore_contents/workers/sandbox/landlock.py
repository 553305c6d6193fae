"""Restricts file access of a process by Linux's Landlock (`Documentation/userspace-api/landlock.rst` of the kernel)."""

import ctypes
import os
import stat
from collections.abc import Iterable
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture
_VERSION = 1
_PATH_BENEATH = 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _REMOVE_FILE, _MAKE_REG = 1, 1 << 1, 1 << 2, 1 << 3, 1 << 5, 1 << 8
_FOLDERS = 1 << 4 | 1 << 7  # remove and make them
_TRUNCATE = 1 << 14
_READ = _READ_FILE | _READ_DIR
_WRITE = _READ | _WRITE_FILE | _REMOVE_FILE | _MAKE_REG | _TRUNCATE  # no folders, links, sockets, pipes or devices
_FOR_A_FILE = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE
_FILE_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
"""All rights that each version knows; later versions add none."""
_NET_RIGHTS = 0b11  # binding and connecting TCP, from version 4
_SCOPES = 0b11  # abstract sockets and signals, from version 6


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scopes", ctypes.c_uint64))


class _PathRule(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


def version() -> int:
    """Version of the kernel's Landlock; 0 if it has none, or denies it to this process."""
    found: int = _libc().syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION))
    return max(found, 0)


def restrict(
    readable: Iterable[Path],
    writable: Iterable[Path],
    executable: Iterable[Path] = (),
    *,
    may_make_folders: bool = False,
) -> None:
    """Confine this thread permanently to reading files below `readable`, writing files in `writable`, with folders of
    its own there if it `may_make_folders`, and executing the files `executable`.

    Paths that can't be opened are ignored. Where the kernel supports it, also deny TCP, signals and abstract sockets.
    The caller has set no_new_privs. Raises OSError.
    """
    abi = version()
    handled = _FILE_RIGHTS[min(max(abi, 1), 5)]
    attributes = _Ruleset(handled, _NET_RIGHTS if abi >= 4 else 0, _SCOPES if abi >= 6 else 0)
    size = 24 if abi >= 6 else 16 if abi >= 4 else 8
    ruleset = _checked(_CREATE_RULESET, ctypes.byref(attributes), ctypes.c_size_t(size), ctypes.c_uint32(0))
    try:
        writing = _WRITE | _FOLDERS if may_make_folders else _WRITE
        for rights, paths in ((_READ, readable), (writing, writable), (_READ | _EXECUTE, executable)):
            for path in paths:
                _allow(ruleset, path, rights & handled)
        _checked(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0))
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: Path, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:  # a path that this process can't open needs no rule
        return
    try:
        if not stat.S_ISDIR(os.fstat(place).st_mode):
            rights &= _FOR_A_FILE
        rule = _PathRule(rights, place)
        _checked(_ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(_PATH_BENEATH), ctypes.byref(rule), ctypes.c_uint32(0))
    finally:
        os.close(place)


def _checked(number: int, *arguments: object) -> int:
    result: int = _libc().syscall(number, *arguments)
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"landlock: {os.strerror(error)}")
    return result


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
