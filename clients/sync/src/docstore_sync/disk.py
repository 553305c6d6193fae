"""Single steps on the disk that never take the place of something that has changed since it was looked at."""

import ctypes
import errno
import os
import shutil
from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path

from docstore_sync.model import Kind
from docstore_sync.scan import PARTS, identity_of
from docstore_sync.state import Stamp, State
from docstore_sync.steps import StepFailed

NO_REPLACE, EXCHANGE = 1, 2
AT_FDCWD = -100
UNSUPPORTED = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP)
FEW = 8
"""So many files are brought to the disk one by one."""
CHANGED = "it has changed meanwhile"

_libc = ctypes.CDLL(None, use_errno=True) if os.name == "posix" else None
_renameat2 = getattr(_libc, "renameat2", None)
_syncfs = getattr(_libc, "syncfs", None)


class Disk:
    """The synced folder. Paths as in `a/b`."""

    def __init__(self, folder: Path, state: State) -> None:
        self.folder = folder
        self._state = state
        self.parts = folder / PARTS
        self.touched: set[str] = set()
        """Where something was done since this was last emptied."""
        self._unsettled: set[str] = set()
        """Folders with names that a power cut might still take back."""

    def at(self, path: str) -> Path:
        return self.folder / path

    def check(self, path: str, identity: str, sha256: str | None = None) -> os.stat_result:
        """What is at a path, if that is still this file or folder, with this content if one is given."""
        try:
            found = os.lstat(self.at(path))
        except OSError:
            raise StepFailed(CHANGED) from None
        if identity_of(found) != identity:
            raise StepFailed(CHANGED)
        if sha256 is not None and self._state.hash_of(identity, Stamp.of(found)) != sha256:
            raise StepFailed(CHANGED)
        return found

    def move(self, path: str, identity: str, target: str) -> None:
        self._touch(path, target)
        found = self.check(path, identity)
        sha256 = self._state.hash_of(identity, Stamp.of(found))
        move_without_replacing(self.at(path), self.at(target))
        self.know(target, sha256)

    def know(self, path: str, sha256: str) -> str:
        """Keep the hash of a file that has just been put in place; its identity."""
        found = os.lstat(self.at(path))
        if sha256:
            self._state.keep_hashes([(identity_of(found), Stamp.of(found), sha256)])
        return identity_of(found)

    def make_folder(self, path: str) -> str:
        self._touch(path)
        os.mkdir(self.at(path))
        return identity_of(os.lstat(self.at(path)))

    def delete(self, path: str, kind: Kind, identity: str, sha256: str) -> None:
        """A file is moved away and looked at again first, so that what is written at this moment is not lost."""
        self._touch(path)
        if kind is Kind.FOLDER:
            self.check(path, identity)
            os.rmdir(self.at(path))
            self._unsettled.discard(path)
            return
        before = self.check(path, identity, sha256)
        away = self.part(f"deleted-{identity.replace(':', '-')}")
        os.rename(self.at(path), away)
        if _changed(before, os.lstat(away)):
            move_without_replacing(away, self.at(path))
            raise StepFailed(CHANGED)
        os.unlink(away)

    def put(self, whole: Path, path: str, sha256: str, replaces: tuple[str, str] | None) -> str:
        """Put a file that is whole into its place; its identity."""
        self._touch(path)
        target = self.at(path)
        if replaces is None:
            move_without_replacing(whole, target)
            return self.know(path, sha256)
        before = self.check(path, *replaces)
        os.chmod(whole, before.st_mode & 0o7777)
        if not _exchange(whole, target):
            os.replace(whole, target)
        elif _changed(before, os.lstat(whole)):
            _exchange(whole, target)
            whole.unlink()
            raise StepFailed(CHANGED)
        else:
            whole.unlink()
        return self.know(path, sha256)

    def together(self) -> AbstractContextManager[None]:
        """What is kept of the files in the block is kept all at once."""
        return self._state.together()

    def finish(self, wholes: Sequence[tuple[Path, int]]) -> None:
        """Give files their times, and bring them to the disk for good before they get their names.

        After a power cut there is the old file or the new one. Times in nanoseconds.
        """
        for whole, modified_ns in wholes:
            os.utime(whole, ns=(modified_ns, modified_ns))
        if len(wholes) <= FEW or not _sync_all(self.parts):
            for whole, _ in wholes:
                with whole.open("rb+") as file:
                    os.fsync(file.fileno())

    def settle(self) -> None:
        """Bring the names that steps have given and taken to the disk for good, as they are now. OSError."""
        if len(self._unsettled) <= FEW or not _sync_all(self.folder):
            for path in self._unsettled:
                _sync_names(self.at(path))
        self._unsettled.clear()

    def _touch(self, *paths: str) -> None:
        self.touched |= set(paths)
        self._unsettled |= {path.rpartition("/")[0] for path in paths}

    def part(self, name: str) -> Path:
        """A path for what is not yet, or no longer, in the tree."""
        return self.make_parts() / name

    def make_parts(self) -> Path:
        """The folder of such paths, which somebody may have deleted."""
        self.parts.mkdir(exist_ok=True)
        return self.parts

    def ignores_case(self) -> bool:
        """Whether it takes two spellings for one name; False where it can't be tried, since nothing may be written."""
        is_new = not self.parts.exists()
        try:
            self.make_parts()
            return os.path.samefile(self.parts, self.parts.with_name(PARTS.upper()))
        except OSError:
            return False
        finally:
            if is_new:
                with suppress(OSError):
                    self.parts.rmdir()

    def room(self) -> int:
        """Bytes that are free."""
        try:
            return shutil.disk_usage(self.folder).free
        except OSError:
            return 0

    def clean(self) -> None:
        """What has been left behind of downloads and deletions is of no more use."""
        shutil.rmtree(self.parts, ignore_errors=True)


def _sync_all(folder: Path) -> bool:
    """Everything on the folder's disk at once, where the system can."""
    if _syncfs is None:
        return False
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        return bool(_syncfs(descriptor) == 0)
    finally:
        os.close(descriptor)


def _sync_names(folder: Path) -> None:
    """The names in a folder; where it was moved to, if it is gone, only the system knows."""
    if os.name == "nt":  # has no such thing
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        os.sync()
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise
    finally:
        os.close(descriptor)


def _changed(before: os.stat_result, now: os.stat_result) -> bool:
    return (before.st_ino, before.st_size, before.st_mtime_ns) != (now.st_ino, now.st_size, now.st_mtime_ns)


def move_without_replacing(path: Path, target: Path) -> None:
    """StepFailed if there is something at the target; atomically so where the system can."""
    if _rename(path, target, NO_REPLACE):
        return
    try:
        taken = not os.path.samestat(os.lstat(path), os.lstat(target))
    except FileNotFoundError:
        taken = False
    if taken:
        raise StepFailed("its place is taken")
    os.rename(path, target)


def _exchange(path: Path, target: Path) -> bool:
    return _rename(path, target, EXCHANGE)


def _rename(path: Path, target: Path, flags: int) -> bool:
    """Linux's renameat2; False where there is none."""
    if _renameat2 is None:
        return False
    if _renameat2(AT_FDCWD, os.fsencode(path), AT_FDCWD, os.fsencode(target), flags) == 0:
        return True
    code = ctypes.get_errno()
    if code in UNSUPPORTED:
        return False
    if code == errno.EEXIST:
        raise StepFailed("its place is taken")
    raise OSError(code, os.strerror(code), str(target))
