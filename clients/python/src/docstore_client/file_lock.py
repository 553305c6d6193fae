"""Locks of files between processes. The operating system releases them when the holder ends."""

import os


def try_lock(file: int) -> bool:
    """Take the exclusive lock of an open file until it is closed; return False if another process holds it."""
    try:
        if os.name == "nt":
            import msvcrt  # not on POSIX

            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        else:
            import fcntl  # not on Windows

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
