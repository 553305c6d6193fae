"""Python as on a kernel without Landlock: `without_landlock.py ARGUMENTS` has all that it starts believe so."""

import ctypes
import errno
import os
import sys
from pathlib import Path

from docstore_contents.workers.sandbox.bpf import EQUAL, LOAD, NUMBER_AT, RETURN, Action, FilterProgram, step

CREATE_RULESET = 444
"""On every architecture."""
NO_NEW_PRIVILEGES, SECCOMP, FILTER = 38, 22, 2


def python_without_landlock(folder: Path) -> str:
    """A program to use in place of Python."""
    program = folder / "python-without-landlock"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{__file__}" "$@"\n')
    program.chmod(0o755)
    return str(program)


def deny_landlock() -> None:
    """For this process and all that it starts: to ask for it fails as where the kernel does not know it."""
    code = [
        step(LOAD, NUMBER_AT),
        step(EQUAL, CREATE_RULESET, 0, 1),
        step(RETURN, Action.ERROR | errno.ENOSYS),
        step(RETURN, Action.ALLOW),
    ]
    libc = ctypes.CDLL(None, use_errno=True)
    filter_program = FilterProgram.of(b"".join(code))
    for call in ((NO_NEW_PRIVILEGES, 1, 0, 0, 0), (SECCOMP, FILTER, ctypes.byref(filter_program), 0, 0)):
        if libc.prctl(*call):
            raise OSError(ctypes.get_errno(), "prctl")


if __name__ == "__main__":
    deny_landlock()
    os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
