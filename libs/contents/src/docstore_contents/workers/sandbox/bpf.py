"""Vocabulary of seccomp filters: instructions of classic BPF, and where they find a system call's arguments."""

import ctypes
import struct
from enum import IntEnum
from typing import Self

ARCHITECTURES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
"""AUDIT_ARCH, and the column in tables of system calls' numbers."""
SECCOMP = (317, 277)
"""The system call that installs a filter."""
LOAD, AND, EQUAL, RETURN = 0x20, 0x54, 0x15, 0x06
NUMBER_AT, ARCHITECTURE_AT, ARGUMENTS_AT = 0, 4, 16


class Action(IntEnum):
    """What happens with a system call."""

    ALLOW = 0x7FFF0000
    NOTIFY = 0x7FC00000
    """Another process answers it."""
    ERROR = 0x00050000
    """It fails with the errno that is added to this value."""
    KILL_PROCESS = 0x80000000


class FilterProgram(ctypes.Structure):
    """`struct sock_fprog`."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))

    @classmethod
    def of(cls, code: bytes) -> Self:
        return cls(len(code) // 8, code)


def step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    """Return one instruction; the last two are numbers of instructions to skip."""
    return struct.pack("=HBBI", code, if_true, if_false, value)
